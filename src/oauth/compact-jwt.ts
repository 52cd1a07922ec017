// The one spelling of a JWT in compact form (RFC 7515 §7.1, RFC 7516 §7.1): what every reader reads alike. Libraries forgive padding, blanks,
// bits that encode nothing and members that stand twice, each in its own way, so that one token has many spellings and may say two
// things (RFC 8725 §2.6, §3.3). Judges the form alone, before a key is touched; signature and claims are the reader's.

import { hasDuplicateMembers } from './json-members.ts'

/** Whether a JWT, signed or encrypted, can be read in one way only: what is refused here has no second chance anywhere. */
export function hasOneReading(jwt: string): boolean {
  const parts = jwt.split('.', 6)
  const [header = '', second = '', ...rest] = parts
  if (!parts.every(isCanonical) || !isUnambiguousObject(header, noExtensions)) return false
  // RFC 7516 §7.1: the second part is empty where the key is agreed upon
  if (parts.length === 5) return rest.every(part => part !== '')
  return parts.length === 3 && rest[0] !== '' && isUnambiguousObject(second)
}

/** RFC 7515 §2: base64url "with all trailing '=' characters omitted"; RFC 4648 §3.5: bits that encode nothing are zero. */
function isCanonical(part: string): boolean {
  return Buffer.from(part, 'base64url').toString('base64url') === part
}

/** RFC 7515 §4.1.11: "If any of the listed extension Header Parameters are not understood", it is refused; none is understood here. */
function noExtensions(header: object): boolean {
  return !Object.hasOwn(header, 'crit')
}

/** A JSON object in UTF-8 without a byte order mark, no member of which stands twice (RFC 7519 §4, RFC 8725 §2.6). */
function isUnambiguousObject(part: string, holds: (object: object) => boolean = () => true) {
  const bytes = Buffer.from(part, 'base64url')
  const text = bytes.toString('utf8')
  if (!Buffer.from(text).equals(bytes)) return false
  try {
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject && holds(value) && !hasDuplicateMembers(text)
  } catch {
    return false
  }
}
