// Distinguished names as text (RFC 4514), read and compared: the `tls_client_auth_subject_dn` of a client (RFC 8705 §2.1.2). Compared part
// by part, never as text: one name has many spellings. Refuses attribute names that it does not know, instead of guessing.

import { type DistinguishedName, type NameAttribute, readEncodedValue } from './certificate.ts'

/** RFC 4514 §3, and those that certificates have besides (RFC 5280 appendix A.1, RFC 4519), by what OpenSSL and others call them. */
const types: ReadonlyMap<string, string> = new Map([
  ['CN', '2.5.4.3'],
  ['SURNAME', '2.5.4.4'],
  ['SN', '2.5.4.4'],
  ['SERIALNUMBER', '2.5.4.5'],
  ['C', '2.5.4.6'],
  ['L', '2.5.4.7'],
  ['ST', '2.5.4.8'],
  ['S', '2.5.4.8'],
  ['STREET', '2.5.4.9'],
  ['O', '2.5.4.10'],
  ['OU', '2.5.4.11'],
  ['TITLE', '2.5.4.12'],
  ['BUSINESSCATEGORY', '2.5.4.15'],
  ['POSTALCODE', '2.5.4.17'],
  ['GN', '2.5.4.42'],
  ['GIVENNAME', '2.5.4.42'],
  ['ORGANIZATIONIDENTIFIER', '2.5.4.97'],
  ['UID', '0.9.2342.19200300.100.1.1'],
  ['DC', '0.9.2342.19200300.100.1.25'],
  ['E', '1.2.840.113549.1.9.1'],
  ['EMAILADDRESS', '1.2.840.113549.1.9.1'],
  ['JURISDICTIONC', '1.3.6.1.4.1.311.60.2.1.3']
])

/** The name, most significant part first as in a certificate, or what is wrong with its text. */
export type ParsedName = { ok: true; name: DistinguishedName } | { ok: false; problem: string }

class Unreadable extends Error {}

/** Reads `CN=billing,O=Example\, Inc.,C=DE`: the least significant part stands first (RFC 4514 §2.1). */
export function parseDistinguishedName(text: string): ParsedName {
  try {
    const reader = { text, at: 0 }
    const parts: NameAttribute[][] = []
    let part: NameAttribute[] = []
    for (;;) {
      part.push(readAttribute(reader))
      const separator = text[reader.at]
      reader.at += 1
      if (separator === '+') continue
      parts.unshift(part)
      part = []
      if (separator === undefined) return { ok: true, name: parts }
    }
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    return { ok: false, problem: error.message }
  }
}

interface Reader {
  text: string
  at: number
}

function readAttribute(reader: Reader): NameAttribute {
  const rest = reader.text.slice(reader.at)
  const [before, name = ''] = /^ *([A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+) *= */.exec(rest) ?? []
  if (before === undefined) {
    throw new Unreadable('must be a name as RFC 4514 has it, as in CN=billing,O=Example')
  }
  const type = /^[0-9]/.test(name) ? name : types.get(name.toUpperCase())
  if (type === undefined) {
    throw new Unreadable(`has the attribute ${name}, which is not known here: write it as an OID`)
  }
  reader.at += before.length
  return { type, value: readValue(reader) }
}

/** Up to the next separator. RFC 4514 §3: `\` stands before a special character or two hex digits, which are a byte of UTF-8. */
function readValue(reader: Reader): string | Buffer {
  const { text } = reader
  if (text[reader.at] === '#') return readEncoded(reader)
  const bytes: Buffer[] = []
  // blanks at the end do not count, unless they were escaped
  let kept = 0
  for (;;) {
    const character = text[reader.at]
    if (character === undefined || character === ',' || character === '+') break
    if (character === '\\') {
      const escaped = text.slice(reader.at + 1, reader.at + 3)
      const isByte = /^[0-9a-fA-F]{2}$/.test(escaped)
      if (!isByte && !/^[ "#+,;<=>\\]/.test(escaped)) {
        throw new Unreadable('has a \\ before what needs none')
      }
      bytes.push(isByte ? Buffer.from(escaped, 'hex') : Buffer.from(escaped.slice(0, 1)))
      reader.at += isByte ? 3 : 2
      kept = bytes.length
      continue
    }
    if (/["\0;<>]/.test(character)) throw new Unreadable(`must have a \\ before ${character}`)
    const whole = String.fromCodePoint(text.codePointAt(reader.at) ?? 0)
    bytes.push(Buffer.from(whole))
    reader.at += whole.length
    if (whole !== ' ') kept = bytes.length
  }
  const value = Buffer.concat(bytes.slice(0, kept)).toString('utf8')
  if (value === '') throw new Unreadable('has an attribute without a value')
  return value
}

function readEncoded(reader: Reader): string | Buffer {
  const [whole = '', hex = ''] = /^#([0-9a-fA-F]+) */.exec(reader.text.slice(reader.at)) ?? []
  reader.at += whole.length
  const next = reader.text[reader.at]
  try {
    if (next === undefined || next === ',' || next === '+') {
      return readEncodedValue(Buffer.from(hex, 'hex'))
    }
  } catch {
    // told below
  }
  throw new Unreadable('has a # that no encoded value follows')
}

/**
 * RFC 5280 §7.1: the same parts in the same order; capitals and the number of blanks between words do not count, and compatible
 * spellings of one character are one.
 */
export function sameName(one: DistinguishedName, other: DistinguishedName): boolean {
  const plain = (name: DistinguishedName) =>
    JSON.stringify(name.map(part => part.map(plainAttribute).sort()))
  return plain(one) === plain(other)
}

function plainAttribute({ type, value }: NameAttribute): string {
  if (typeof value !== 'string') return `${type}#${value.toString('hex')}`
  const words = value.normalize('NFKC').toLowerCase().trim().replace(/\s+/g, ' ')
  return `${type}=${words}`
}
