// How a request presents its token: the `Authorization` header, and nothing else (RFC 9700 §4.3.2). Owns what is read there, and the first
// look at its form, before any work is spent on it.

import { decodeProtectedHeader } from 'jose'

const longestToken = 16 * 1024

export interface Presented {
  /** `bearer`, too, for a token without any scheme, as a caller that is no HTTP server hands it in */
  scheme: 'bearer' | 'dpop'
  token: string
}

/** undefined: there is no token, or another scheme. */
export function readPresented(authorization: string | undefined): Presented | undefined {
  const value = authorization?.trim() ?? ''
  // RFC 9110 §11.1: the scheme is case-insensitive
  const [, scheme = '', token] = /^(bearer|dpop)(?: +(.*))?$/is.exec(value) ?? []
  if (token !== undefined) return { scheme: scheme.toLowerCase() as Presented['scheme'], token }
  const isBare = value !== '' && scheme === '' && !/\s/.test(value)
  return isBare ? { scheme: 'bearer', token: value } : undefined
}

/**
 * What a text may be: `jwt` is three base64url parts, `opaque` any other b64token of bearable length (RFC 6750 §2.1); on `none` no work is
 * spent.
 */
export function formOf(token: string): 'jwt' | 'opaque' | 'none' {
  if (token.length > longestToken) return 'none'
  if (/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return 'jwt'
  return /^[\w\-.~+/]+=*$/.test(token) ? 'opaque' : 'none'
}

/**
 * The `typ` of the token's header; empty when there is none, or no header. RFC 7515 §4.1.9: "application/" may be left out; media types are
 * case-insensitive (RFC 2045 §5.1).
 */
export function mediaTypeOf(token: string): string {
  try {
    const { typ } = decodeProtectedHeader(token)
    return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : ''
  } catch {
    return ''
  }
}
