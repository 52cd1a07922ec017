// Resource indicators (RFC 8707 §2): the syntax of an identifier of a resource. Identifiers are
// compared as they are written, character by character, and never normalized. Whether a resource
// exists, and who may name it, is configuration.

export type ParsedResource =
  | { ok: true; resource: string }
  /**
   * not_absolute: no scheme, nothing behind it, or no host behind http and https; fragment: has one; malformed: not a
   * URI at all
   */
  | { ok: false; reason: 'not_absolute' | 'fragment' | 'malformed' }

// RFC 3986 §2: unreserved, reserved but '#', and complete percent-encodings; nothing else, above all
// no space, backslash, control character or letter outside ASCII
const uriText = /^(?:[A-Za-z0-9\-._~:/?[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/
const scheme = /^[A-Za-z][A-Za-z0-9+\-.]*:/
const web = /^https?:/i
const webAuthority = /^https?:\/\/[^/?]/i

/** Parses one value of a `resource` parameter, or of an identifier in the configuration. */
export function parseResource(value: string): ParsedResource {
  // RFC 8707 §2: "The URI MUST NOT include a fragment component."
  if (value.includes('#')) return { ok: false, reason: 'fragment' }
  if (!uriText.test(value)) return { ok: false, reason: 'malformed' }
  // RFC 8707 §2: "Its value MUST be an absolute URI, as specified by Section 4.3 of [RFC3986]."
  const prefix = scheme.exec(value)?.[0]
  if (prefix === undefined || prefix.length === value.length) {
    return { ok: false, reason: 'not_absolute' }
  }
  // URL parsers repair 'https:host' and 'https:///host'; two readers would see different resources
  if (web.test(value) && !webAuthority.test(value)) return { ok: false, reason: 'not_absolute' }
  if (!URL.canParse(value)) return { ok: false, reason: 'malformed' }
  return { ok: true, resource: value }
}
