// What server and suite both must know in a run: the password, secrets of clients, their keys and certificates. Made once and kept, so that
// the two printed configurations are halves of one. Each is made when it is asked for first; whoever keeps them writes `kept()`.

import { createPrivateKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { randomSecret } from '../../lib/secret.ts'
import { selfSigned } from './self-signed.ts'

/** As it stands in the file of a run. */
export interface KeptCredentials {
  /** of the one account */
  password?: string
  /** by client_id */
  secrets?: Record<string, string>
  /** private, by client_id */
  keys?: Record<string, JsonWebKey>
  /** PEM, by client_id, of the key of that name */
  certificates?: Record<string, string>
}

export interface Credentials {
  password(): string
  secret(clientId: string): string
  /** private; an RSA key, since some modules change its algorithm to one that must be refused */
  key(clientId: string): JsonWebKey & { kid: string }
  /** without what is private */
  publicKey(clientId: string): Record<string, unknown>
  /** PEM; for the key of that client */
  certificate(clientId: string): { cert: string; key: string }
  kept(): KeptCredentials
}

const publicMembers = ['kty', 'n', 'e', 'kid', 'alg', 'use'] as const

export function createCredentials(before: KeptCredentials, now: () => Date): Credentials {
  const { secrets = {}, keys = {}, certificates = {} } = before
  let { password } = before

  function key(clientId: string): JsonWebKey & { kid: string } {
    keys[clientId] ??= {
      ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }),
      kid: clientId,
      alg: 'PS256',
      use: 'sig'
    }
    return { ...keys[clientId], kid: clientId }
  }

  return {
    password() {
      password ??= randomSecret(16)
      return password
    },
    secret(clientId) {
      secrets[clientId] ??= randomSecret()
      return secrets[clientId]
    },
    key,
    publicKey(clientId) {
      const whole = key(clientId)
      return Object.fromEntries(publicMembers.map(member => [member, whole[member]]))
    },
    certificate(clientId) {
      const privateKey = createPrivateKey({ key: key(clientId), format: 'jwk' })
      certificates[clientId] ??= selfSigned(privateKey, {
        commonName: clientId,
        now: now(),
        days: 30
      })
      return {
        cert: certificates[clientId],
        key: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
      }
    },
    kept: () => ({ ...(password === undefined ? {} : { password }), secrets, keys, certificates })
  }
}
