// An authenticator in software for tests: makes passkeys and signs with them as Web Authentication Level 3 has it (§6), and says anything else
// when told to. Its answers are the JSON that a browser posts.

import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

type Json = Readonly<Record<string, unknown>>

/** What an honest answer would say otherwise. */
export interface Lie {
  origin?: string
  rpId?: string
  type?: string
  challenge?: string
  crossOrigin?: true
  /** user verification did not happen */
  verified?: 'no'
  present?: 'no'
  counter?: number
  userHandle?: string | undefined
  /** another key signs */
  key?: KeyObject
  kind?: Kind
  /** `self`: the new key signs for itself (§6.5.4) */
  attestation?: { fmt: string; statement: Cbor } | 'self'
  /** what the answer calls the credential by */
  id?: string
}

export type Kind = 'synced' | 'device-bound'

export interface SoftwarePasskey {
  id: Buffer
  userHandle: string
  key: KeyObject
  kind: Kind
  counter: number
}

type Cbor = number | string | Buffer | readonly Cbor[] | ReadonlyMap<number | string, Cbor>

/** RFC 8949 §3.1, deterministic lengths, nothing but what is needed here. */
export function cbor(value: Cbor): Buffer {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value)
  if (typeof value === 'string')
    return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value])
  if (value instanceof Map) {
    const entries = [...value].flatMap(([key, item]) => [cbor(key), cbor(item)])
    return Buffer.concat([head(5, value.size), ...entries])
  }
  const list = value as readonly Cbor[]
  return Buffer.concat([head(4, list.length), ...list.map(cbor)])
}

function head(major: number, length: number): Buffer {
  if (length < 24) return Buffer.from([(major << 5) | length])
  if (length < 256) return Buffer.from([(major << 5) | 24, length])
  return Buffer.from([(major << 5) | 25, length >> 8, length & 255])
}

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest()
const base64url = (data: string | Buffer) => Buffer.from(data).toString('base64url')

/** An authenticator at one origin; it holds what it made, the newest last. */
export function createSoftwareAuthenticator(given: {
  origin: string
  kind?: Kind
  aaguid?: string
  /** it has a signature counter */
  counts?: 'yes' | 'no'
}) {
  const { origin, kind = 'synced', counts = 'no' } = given
  const aaguid = Buffer.from((given.aaguid ?? '0'.repeat(32)).replaceAll('-', ''), 'hex')
  const held: SoftwarePasskey[] = []

  function clientData(type: string, challenge: unknown, lie: Lie): Buffer {
    return Buffer.from(
      JSON.stringify({
        type: lie.type ?? type,
        challenge: lie.challenge ?? challenge,
        origin: lie.origin ?? origin,
        crossOrigin: lie.crossOrigin ?? false
      })
    )
  }

  /** §6.1 */
  function authenticatorData(rpId: string, passkey: SoftwarePasskey, lie: Lie, attested?: Buffer) {
    const synced = (lie.kind ?? passkey.kind) === 'synced'
    const flags =
      (lie.present === 'no' ? 0 : 0x01) |
      (lie.verified === 'no' ? 0 : 0x04) |
      (synced ? 0x18 : 0) |
      (attested === undefined ? 0 : 0x40)
    const counter = Buffer.alloc(4)
    counter.writeUInt32BE(lie.counter ?? passkey.counter)
    const parts = [sha256(lie.rpId ?? rpId), Buffer.from([flags]), counter]
    return Buffer.concat(attested === undefined ? parts : [...parts, attested])
  }

  return {
    held,

    /** The answer to `navigator.credentials.create`. */
    create(options: Json, lie: Lie = {}): string {
      const { rp, user, challenge } = options as { rp: Json; user: Json; challenge: string }
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const passkey: SoftwarePasskey = {
        id: randomBytes(32),
        userHandle: String(user['id']),
        key: privateKey,
        kind,
        counter: counts === 'yes' ? 1 : 0
      }
      held.push(passkey)
      const jwk = publicKey.export({ format: 'jwk' })
      const coordinate = (text = '') => Buffer.from(text, 'base64url')
      // RFC 9053 §7.1.1: EC2, ES256, P-256
      const cose = new Map<number, Cbor>([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, coordinate(jwk.x)],
        [-3, coordinate(jwk.y)]
      ])
      const length = Buffer.alloc(2)
      length.writeUInt16BE(passkey.id.length)
      const attested = Buffer.concat([aaguid, length, passkey.id, cbor(cose)])
      const authData = authenticatorData(String(rp['id']), passkey, lie, attested)
      const client = clientData('webauthn.create', challenge, lie)
      const sig = sign('sha256', Buffer.concat([authData, sha256(client)]), lie.key ?? privateKey)
      const self = new Map<string, Cbor>([
        ['alg', -7],
        ['sig', sig]
      ])
      const { fmt, statement } =
        lie.attestation === 'self'
          ? { fmt: 'packed', statement: self }
          : (lie.attestation ?? { fmt: 'none', statement: new Map() })
      const object = new Map<string, Cbor>([
        ['fmt', fmt],
        ['attStmt', statement],
        ['authData', authData]
      ])
      const id = lie.id ?? base64url(passkey.id)
      return JSON.stringify({
        id,
        rawId: id,
        type: 'public-key',
        response: {
          clientDataJSON: base64url(client),
          attestationObject: base64url(cbor(object)),
          transports: ['internal', 'hybrid', 'no-such-transport']
        },
        clientExtensionResults: {},
        authenticatorAttachment: 'platform'
      })
    },

    /** The answer to `navigator.credentials.get`, by the newest passkey or the one that is given. */
    get(options: Json, lie: Lie = {}, passkey = held.at(-1)): string {
      if (passkey === undefined) throw new Error('this authenticator holds nothing')
      if (counts === 'yes') passkey.counter += 1
      const data = authenticatorData(String(options['rpId']), passkey, lie)
      const client = clientData('webauthn.get', options['challenge'], lie)
      const signed = Buffer.concat([data, sha256(client)])
      const id = lie.id ?? base64url(passkey.id)
      return JSON.stringify({
        id,
        rawId: id,
        type: 'public-key',
        response: {
          clientDataJSON: base64url(client),
          authenticatorData: base64url(data),
          signature: base64url(sign('sha256', signed, lie.key ?? passkey.key)),
          userHandle: 'userHandle' in lie ? lie.userHandle : passkey.userHandle
        },
        clientExtensionResults: {}
      })
    }
  }
}
