// The issuer's metadata (OpenID Connect Discovery 1.0 §4, RFC 8414 §3) and published keys (RFC
// 7517), over HTTP. Refuses metadata that speaks for another issuer, keys from another origin,
// redirects, endless bodies and endless waiting.

import type { JSONWebKeySet } from 'jose'

const timeoutMilliseconds = 5_000
const longestBody = 256 * 1024

/**
 * Checks the identifier of an issuer and answers where its metadata may be: OpenID Connect appends
 * the well-known path, RFC 8414 §3.1 inserts it before the path.
 * @throws TypeError when the identifier is no https URL (plain http: on loopback only), or has a
 * query or fragment
 */
export function metadataLocations(issuer: string): URL[] {
  const url = parseUrl(issuer)
  if (!url) throw new TypeError(`issuer must be an absolute URL, got ${JSON.stringify(issuer)}`)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url))) {
    throw new TypeError(`issuer must be an https URL (http only on loopback), got ${issuer}`)
  }
  // RFC 8414 §2: "a URL that uses the "https" scheme and has no query or fragment components"
  if (/[?#]/.test(issuer)) throw new TypeError(`issuer must have no query or fragment: ${issuer}`)

  const path = url.pathname.replace(/\/$/, '')
  return [
    new URL(`${url.origin}${path}/.well-known/openid-configuration`),
    new URL(`${url.origin}/.well-known/oauth-authorization-server${path}`)
  ]
}

/** Keys, and for how long the issuer lets them be kept. */
export interface FetchedKeySet {
  keySet: JSONWebKeySet
  /** undefined: it does not say */
  maxAgeSeconds: number | undefined
}

/**
 * Reads the metadata of `issuer`, then the key set that it names. Two requests, three where only
 * RFC 8414 is served.
 * @throws Error with a sentence for the API's log; the caller decides what that means for a request
 */
export async function fetchKeySet(
  issuer: string,
  fetch: typeof globalThis.fetch
): Promise<FetchedKeySet> {
  const metadata = await fetchIssuerMetadata(issuer, fetch)
  const location = parseUrl(metadata['jwks_uri'])
  if (location?.origin !== new URL(issuer).origin) {
    const stated = JSON.stringify(metadata['jwks_uri'])
    throw new Error(`the metadata of ${issuer} names keys at another origin: ${stated}`)
  }
  const { document: keySet, headers } = (await fetchJson(location, fetch)) ?? {}
  if (!keySet || !Array.isArray(keySet['keys'])) throw new Error(`${location} serves no key set`)
  return {
    keySet: keySet as unknown as JSONWebKeySet,
    maxAgeSeconds: headers && maxAgeOf(headers)
  }
}

/**
 * The metadata of `issuer`.
 * @throws Error when there is none, or it speaks for another issuer
 */
export async function fetchIssuerMetadata(
  issuer: string,
  fetch: typeof globalThis.fetch
): Promise<Record<string, unknown>> {
  const metadata = await fetchMetadata(issuer, fetch)

  // RFC 8414 §3.3: "The "issuer" value returned MUST be identical to the authorization server's
  // issuer identifier value into which the well-known URI string was inserted […]. If these values
  // are not identical, the data contained in the response MUST NOT be used."
  if (metadata['issuer'] !== issuer) {
    const stated = JSON.stringify(metadata['issuer'])
    throw new Error(
      `the metadata of ${issuer} names the issuer ${stated}: compare them, byte for byte`
    )
  }
  return metadata
}

async function fetchMetadata(issuer: string, fetch: typeof globalThis.fetch) {
  for (const location of metadataLocations(issuer)) {
    const metadata = await fetchJson(location, fetch)
    if (metadata) return metadata.document
  }
  throw new Error(`${issuer} serves no metadata at its well-known locations`)
}

/**
 * A document of bearable size and within bearable time, and never by a redirect. undefined: 404,
 * there is no such document here.
 */
export async function fetchText(location: URL, fetch: typeof globalThis.fetch, accept: string) {
  return (await fetchDocument(location, fetch, accept))?.text
}

async function fetchDocument(location: URL, fetch: typeof globalThis.fetch, accept: string) {
  const response = await fetch(location, {
    headers: { accept },
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMilliseconds)
  })
  if (response.status !== 200) await response.body?.cancel()
  if (response.status === 404) return undefined
  if (response.status !== 200) throw new Error(`${location} answered ${response.status}`)
  return { text: await readText(response, location), headers: response.headers }
}

async function fetchJson(location: URL, fetch: typeof globalThis.fetch) {
  const fetched = await fetchDocument(location, fetch, 'application/json')
  if (fetched === undefined) return undefined
  const document: unknown = JSON.parse(fetched.text)
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw new Error(`${location} serves no JSON object`)
  }
  return { document: document as Record<string, unknown>, headers: fetched.headers }
}

/**
 * RFC 9111 §5.2.2.1: "the response is to be considered stale after its age is greater than the
 * specified number of seconds"; its age when it left the caches in between is in `Age` (§5.1).
 */
function maxAgeOf(headers: Headers): number | undefined {
  const directives = (headers.get('cache-control') ?? '').toLowerCase().split(',')
  const names = directives.map(directive => directive.trim())
  // §5.2.2.4, §5.2.2.5: not to be used again without a question
  if (names.some(name => /^no-(cache|store)(=|$)/.test(name))) return 0
  const [, maxAge] = names.map(name => /^max-age="?(\d+)"?$/.exec(name)).find(Boolean) ?? []
  if (maxAge === undefined) return undefined
  const age = Number(/^\d+$/.exec(headers.get('age') ?? '')?.[0] ?? 0)
  return Math.max(0, Number(maxAge) - age)
}

/** The text of an answer, up to a length. */
export async function readText(response: Response, location: URL) {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > longestBody)
      throw new Error(`${location} serves more than ${longestBody} bytes`)
  }
  return text + decoder.decode()
}

function parseUrl(value: unknown): URL | undefined {
  return (typeof value === 'string' && URL.parse(value)) || undefined
}

function isLoopback({ hostname }: URL): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(\.\d{1,3}){3}$/.test(hostname)
  )
}
