// A self-signed certificate (RFC 5280 §4.1) around an RSA key, for clients of a conformance run that authenticate by TLS (RFC 8705 §2.2).
// Node reads certificates and makes none. Owns the few parts of DER (X.690) that one takes.

import { createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto'

const tags = { integer: 0x02, bits: 0x03, null: 0x05, oid: 0x06, utf8: 0x0c, utc: 0x17 } as const
const sequence = 0x30
const set = 0x31

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  if (body.length < 128) return Buffer.concat([Buffer.from([tag, body.length]), body])
  const size = Buffer.from(body.length.toString(16).padStart(4, '0'), 'hex')
  const length = size[0] === 0 ? size.subarray(1) : size
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, body])
}

/** X.690 §8.19: the first two numbers share a byte, the others are written in base 128. */
function oid(...numbers: readonly number[]): Buffer {
  const [first = 0, second = 0, ...rest] = numbers
  const bytes = rest.flatMap(number => {
    const digits = [number & 0x7f]
    for (let left = number >> 7; left > 0; left >>= 7) digits.unshift(0x80 | (left & 0x7f))
    return digits
  })
  return der(tags.oid, Buffer.from([first * 40 + second, ...bytes]))
}

function utcTime(date: Date): Buffer {
  const written = date.toISOString().replace(/[-:T]/g, '').slice(2, 14)
  return der(tags.utc, Buffer.from(`${written}Z`))
}

const sha256WithRsa = der(sequence, oid(1, 2, 840, 113_549, 1, 1, 11), der(tags.null))

/** PEM. Good for `days` from `now` on. */
export function selfSigned(
  privateKey: KeyObject,
  { commonName, now, days }: { commonName: string; now: Date; days: number }
): string {
  const name = der(
    sequence,
    der(set, der(sequence, oid(2, 5, 4, 3), der(tags.utf8, Buffer.from(commonName))))
  )
  // positive: the first bit of an integer is its sign
  const serial = Buffer.concat([Buffer.from([0x01]), randomBytes(15)])
  const end = new Date(now.getTime() + days * 86_400_000)
  const body = der(
    sequence,
    // version 3
    der(0xa0, der(tags.integer, Buffer.from([2]))),
    der(tags.integer, serial),
    sha256WithRsa,
    name,
    der(sequence, utcTime(now), utcTime(end)),
    name,
    createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  )
  const signature = der(tags.bits, Buffer.from([0]), sign('sha256', body, privateKey))
  const text = der(sequence, body, sha256WithRsa, signature).toString('base64')
  return `-----BEGIN CERTIFICATE-----\n${text.replace(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`
}
