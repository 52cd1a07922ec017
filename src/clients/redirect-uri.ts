// Redirect URIs and post-logout redirect URIs at the time of writing (RFC 9700 §2.1, RFC 8252 §7, OpenID Connect Registration §2).
// Refuses, by type of client, every place that could not be tied to the client.

import type { ClientType } from './client.ts'
import { isAddress, isLoopback, isLoopbackAddress, parseStrictUrl } from './url.ts'

export interface RedirectContext {
  type: ClientType
  development: boolean
  /** see MetadataContext */
  document?: URL
}

/** Members of an authorization response: a redirect URI that brings its own would answer in the server's name. */
const responseMembers: ReadonlySet<string> = new Set([
  'code',
  'state',
  'iss',
  'error',
  'error_description',
  'error_uri',
  'response',
  'session_state',
  'id_token',
  'access_token'
])

/** Why a redirect URI may not be registered, as a sentence; undefined when it may. */
export function redirectUriProblem(raw: unknown, context: RedirectContext): string | undefined {
  if (typeof raw === 'string' && raw.includes('*')) {
    return 'must not have a wildcard: redirect URIs are compared exactly, register each'
  }
  const checked = parseStrictUrl(raw)
  if (!checked.ok) return checked.problem
  return placeRules[context.type](checked.url, context) ?? queryProblem(checked.url)
}

const placeRules: Record<ClientType, (url: URL, context: RedirectContext) => string | undefined> = {
  web(url, { development }) {
    if (url.protocol === 'https:') return undefined
    if (url.protocol !== 'http:') return 'must be an https URL; other schemes are for type native'
    if (!isLoopback(url)) return 'must use https; http is for loopback only'
    return development ? undefined : 'must use https; http on loopback is for development mode only'
  },

  // http on loopback in production, too: the development server of an application is on its developer's machine
  spa(url) {
    if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))) return undefined
    return 'must be an https URL, or http on loopback for a development server'
  },

  native(url, { development, document }) {
    if (url.protocol === 'https:') {
      // RFC 8252 §7.2: the operating system ties a claimed https URI to the app by its domain; nobody can claim an address
      return isLoopback(url) || isAddress(url)
        ? 'must have a domain that the app has claimed; on loopback use http'
        : undefined
    }
    if (url.protocol === 'http:') {
      if (isLoopbackAddress(url)) return undefined
      // RFC 8252 §8.3: «While redirect URIs using localhost […] function similarly to loopback IP redirects […], the use of localhost
      // is NOT RECOMMENDED.» It can resolve to another interface, so it is for development only.
      if (url.hostname !== 'localhost')
        return 'must use https; http is for 127.0.0.1 and [::1] only'
      // A document is written once, for many servers, and MCP's own example has localhost; the page says that nobody can check who listens.
      return development || document !== undefined
        ? undefined
        : 'must use 127.0.0.1 or [::1] in place of localhost'
    }
    // RFC 8252 §7.1: «apps MUST use a URI scheme based on a domain name under their control, expressed in reverse order»
    if (!url.protocol.includes('.')) {
      return 'must have a scheme that is a domain name in reverse order, as in com.example.app:/callback'
    }
    return url.pathname.startsWith('/') || url.host !== ''
      ? undefined
      : 'must have a slash behind the scheme, as in com.example.app:/callback'
  },

  machine: () => 'is not for clients of type machine'
}

function queryProblem(url: URL): string | undefined {
  // some readers split at semicolons, too, some fold the case, and some make a list of `code[]`
  for (const pair of url.search.slice(1).split(/[&;]/)) {
    const name = new URLSearchParams(pair).keys().next().value ?? ''
    const plain = name.toLowerCase().replace(/\[.*$/s, '')
    if (responseMembers.has(plain)) {
      return `must not have "${plain}" in its query: the authorization response adds it`
    }
  }
  return undefined
}
