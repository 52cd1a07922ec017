// A sign-in between its two requests: one random secret in a cookie of its own, from which state, nonce and PKCE verifier are derived, so that
// several tabs may sign in at once and the server keeps nothing. Owns, too, where the browser goes afterwards: to this app, and nowhere else.

import { createHmac, randomBytes } from 'node:crypto'
import type { Checks } from './relying-party.ts'

export interface SignIn {
  id: string
  checks: Checks
  /** what the cookie holds */
  value: string
  returnTo: string
}

const longestReturn = 1_024

export function beginSignIn(returnTo: string): SignIn {
  const id = randomBytes(9).toString('base64url')
  const secret = randomBytes(32).toString('base64url')
  const value = `${secret}.${Buffer.from(returnTo).toString('base64url')}`
  return { id, checks: checksOf(id, secret), value, returnTo }
}

/** Which sign-in a callback is of: its `state` begins with the id. */
export function signInIdOf(state: unknown): string | undefined {
  const [, id] = (typeof state === 'string' && /^([\w-]{12})\.[\w-]{43}$/.exec(state)) || []
  return id
}

/** undefined: the cookie is none of ours. */
export function resumeSignIn(id: string, value: string | undefined): SignIn | undefined {
  const [, secret, packed = ''] = /^([\w-]{43})\.([\w-]*)$/.exec(value ?? '') ?? []
  if (secret === undefined || value === undefined) return undefined
  const returnTo = Buffer.from(packed, 'base64url').toString()
  return { id, checks: checksOf(id, secret), value, returnTo }
}

function checksOf(id: string, secret: string): Checks {
  const derive = (purpose: string) =>
    createHmac('sha256', secret).update(`${purpose} ${id}`).digest('base64url')
  return { state: `${id}.${derive('state')}`, nonce: derive('nonce'), verifier: derive('verifier') }
}

/**
 * The place in this app that a text names, as a whole URL, so that nothing of it can be read as another host; anything else is the start page.
 */
export function safeReturnTo(value: unknown, appUrl: URL): URL {
  const start = new URL('/', appUrl)
  if (typeof value !== 'string' || value.length > longestReturn) return start
  // a path, and not the beginning of a host; browsers take \ for /, and drop tabs and line ends
  if (!/^\/(?![/\\])[^\\\p{Cc}]*$/u.test(value)) return start
  const url = URL.parse(value, appUrl.href)
  return url?.origin === appUrl.origin ? url : start
}
