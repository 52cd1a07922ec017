// What we read out of an X.509 certificate (RFC 5280 §4.1) besides what Node tells: the names of its subject as they are encoded, and its
// extensions. Node's own texts of them are for people. Only certificates that OpenSSL has parsed get here, so the DER is known to be
// sound; whatever is not where it should be throws, and the caller refuses the certificate.

import type { X509Certificate } from 'node:crypto'

/** One attribute of a name: its type as a dotted OID, its value as text, or its whole encoding where it is no text (RFC 4514 §2.4). */
export interface NameAttribute {
  type: string
  value: string | Buffer
}

/** As encoded: the most significant part first. Each part is a set of attributes, mostly of one. */
export type DistinguishedName = readonly (readonly NameAttribute[])[]

/** RFC 5280 §4.2.1.6, as far as clients are known by them (RFC 8705 §2.1.2). */
export interface AlternativeName {
  kind: 'email' | 'dns' | 'uri' | 'ip'
  value: string
}

export interface Extension {
  oid: string
  critical: boolean
  value: Buffer
}

export interface CertificateParts {
  subject: DistinguishedName
  alternativeNames: readonly AlternativeName[]
  extensions: readonly Extension[]
  /** how many authorities may stand between this one and the last certificate (RFC 5280 §4.2.1.9) */
  pathLength: number | undefined
  /** what it is signed with, as a dotted OID */
  signatureAlgorithm: string
}

export const extensionIds = {
  keyUsage: '2.5.29.15',
  alternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37'
} as const

interface Element {
  tag: number
  value: Buffer
  /** with tag and length */
  whole: Buffer
}

const tags = { boolean: 0x01, integer: 0x02, oid: 0x06, sequence: 0x30, version: 0xa0 } as const

/** The elements that stand one after the other in `bytes` (X.690 §8.1). @throws RangeError */
function elements(bytes: Buffer): Element[] {
  const found: Element[] = []
  let at = 0
  while (at < bytes.length) {
    const tag = bytes.readUInt8(at)
    const first = bytes.readUInt8(at + 1)
    const count = first < 0x80 ? 0 : first & 0x7f
    if (count > 4) throw new RangeError('an element is too long')
    const length = count === 0 ? first : bytes.readUIntBE(at + 2, count)
    const start = at + 2 + count
    if (start + length > bytes.length) throw new RangeError('an element is longer than its place')
    const end = start + length
    found.push({ tag, value: bytes.subarray(start, end), whole: bytes.subarray(at, end) })
    at = end
  }
  return found
}

function bytesOf(element: Element | undefined): Buffer {
  if (element === undefined) throw new RangeError('an element is missing')
  return element.value
}

/** X.690 §8.19 */
function dotted(bytes: Buffer): string {
  const arcs: bigint[] = []
  let arc = 0n
  for (const byte of bytes) {
    arc = (arc << 7n) | BigInt(byte & 0x7f)
    if ((byte & 0x80) !== 0) continue
    arcs.push(arc)
    arc = 0n
  }
  const [joined = 0n, ...rest] = arcs
  const root = joined < 80n ? joined / 40n : 2n
  return [root, joined - root * 40n, ...rest].join('.')
}

const latin1 = (bytes: Buffer) => bytes.toString('latin1')

/** The string types of names (RFC 5280 §4.1.2.4) and how their bytes are read. */
const texts: ReadonlyMap<number, (bytes: Buffer) => string> = new Map([
  [0x0c, (bytes: Buffer) => bytes.toString('utf8')],
  [0x12, latin1],
  [0x13, latin1],
  [0x14, latin1],
  [0x16, latin1],
  [0x1e, (bytes: Buffer) => Buffer.from(bytes).swap16().toString('utf16le')]
])

function textOf({ tag, value, whole }: Element): string | Buffer {
  return texts.get(tag)?.(value) ?? whole
}

/** The value that `#` and hex stand for (RFC 4514 §2.4). @throws RangeError */
export function readEncodedValue(bytes: Buffer): string | Buffer {
  const [element, ...rest] = elements(bytes)
  if (element === undefined || rest.length > 0) throw new RangeError('one value is needed')
  return textOf(element)
}

function readName(bytes: Buffer): DistinguishedName {
  return elements(bytes).map(part =>
    elements(part.value).map(attribute => {
      const [type, value] = elements(attribute.value)
      if (value === undefined) throw new RangeError('an attribute has no value')
      return { type: dotted(bytesOf(type)), value: textOf(value) }
    })
  )
}

function readExtension({ value }: Element): Extension {
  const members = elements(value)
  return {
    oid: dotted(bytesOf(members[0])),
    critical: members.some(({ tag, value }) => tag === tags.boolean && value[0] !== 0),
    value: bytesOf(members.at(-1))
  }
}

/** Context tags of GeneralName (RFC 5280 §4.2.1.6). */
const generalNames: ReadonlyMap<
  number,
  [AlternativeName['kind'], (bytes: Buffer) => string | undefined]
> = new Map([
  [0x81, ['email', latin1]],
  [0x82, ['dns', latin1]],
  [0x86, ['uri', latin1]],
  [0x87, ['ip', addressText]]
])

/** An address as text, as the URL standard writes it (RFC 5952). */
function addressText(bytes: Buffer): string | undefined {
  if (bytes.length === 4) return [...bytes].join('.')
  if (bytes.length !== 16) return undefined
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(2 * at).toString(16))
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}

function readAlternativeNames(bytes: Buffer): AlternativeName[] {
  return elements(bytesOf(elements(bytes)[0])).flatMap(({ tag, value }) => {
    const [kind, read] = generalNames.get(tag) ?? []
    const text = read?.(value)
    return kind === undefined || text === undefined ? [] : [{ kind, value: text }]
  })
}

/** @throws RangeError for what is not a certificate as RFC 5280 has it */
export function readCertificate({ raw }: Pick<X509Certificate, 'raw'>): CertificateParts {
  const [certificate] = elements(raw)
  const [signed, algorithm] = elements(bytesOf(certificate))
  const members = elements(bytesOf(signed))
  // the version may be left out; then: serial number, algorithm, issuer, validity, subject
  const from = members[0]?.tag === tags.version ? 1 : 0
  const last = members.at(-1)
  const extensions =
    last?.tag === 0xa3 ? elements(bytesOf(elements(last.value)[0])).map(readExtension) : []
  const valueFor = (oid: string) => extensions.find(extension => extension.oid === oid)?.value
  const names = valueFor(extensionIds.alternativeName)
  const constraints = valueFor(extensionIds.basicConstraints)
  return {
    subject: readName(bytesOf(members[from + 4])),
    alternativeNames: names === undefined ? [] : readAlternativeNames(names),
    extensions,
    pathLength: constraints === undefined ? undefined : pathLengthOf(constraints),
    signatureAlgorithm: dotted(bytesOf(elements(bytesOf(algorithm))[0]))
  }
}

function pathLengthOf(constraints: Buffer): number | undefined {
  const members = elements(bytesOf(elements(constraints)[0]))
  const length = members.find(({ tag }) => tag === tags.integer)?.value
  return length === undefined ? undefined : Number(`0x${length.toString('hex')}`)
}
