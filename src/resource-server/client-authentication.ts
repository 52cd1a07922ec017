// How the API proves to the issuer who asks, when it introspects a token (RFC 7662 §2.1): with a secret (RFC 6749 §2.3.1) or with a key of
// its own (private_key_jwt, OpenID Connect Core §9). Sends no credential anywhere but in that one request.

import { randomUUID } from 'node:crypto'
import { type CryptoKey, importJWK, type JWK, SignJWT } from 'jose'

/** The API as a client of the issuer. */
export type ApiCredentials =
  | { clientId: string; clientSecret: string }
  | {
      clientId: string
      /** the private key: a JWK with `alg` and, if the registration has several keys, `kid`; or a CryptoKey */
      clientKey: JWK | { key: CryptoKey; alg: string; kid?: string }
    }

/** What authenticates one request: headers, and members of its form. */
export interface Authentication {
  headers: Record<string, string>
  form: Record<string, string>
}

const assertionSeconds = 60

/**
 * `now` in milliseconds since the epoch.
 * @throws TypeError for a key without `alg`
 */
export function createClientAuthentication(options: {
  issuer: string
  credentials: ApiCredentials
  now: () => number
}): () => Promise<Authentication> {
  const { issuer, credentials, now } = options
  const { clientId } = credentials

  if ('clientSecret' in credentials) {
    // RFC 6749 §2.3.1: both parts are form-encoded before base64
    const pair = [clientId, credentials.clientSecret].map(part =>
      new URLSearchParams([['', part]]).toString().slice(1)
    )
    const value = `Basic ${Buffer.from(pair.join(':')).toString('base64')}`
    return async () => ({ headers: { authorization: value }, form: {} })
  }

  const { clientKey } = credentials
  if (clientKey.alg === undefined) throw new TypeError('clientKey needs a member alg')
  return async () => {
    const { key, alg, kid } = await signerOf(clientKey)
    const seconds = Math.floor(now() / 1000)
    const assertion = await new SignJWT()
      .setProtectedHeader({ alg, typ: 'client-authentication+jwt', ...(kid ? { kid } : {}) })
      .setIssuer(clientId)
      .setSubject(clientId)
      // the issuer's identifier and nothing else: an assertion for several places counts at all of them
      .setAudience(issuer)
      .setJti(randomUUID())
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + assertionSeconds)
      .sign(key)
    return {
      headers: {},
      form: {
        client_id: clientId,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion
      }
    }
  }
}

async function signerOf(clientKey: Extract<ApiCredentials, { clientKey: unknown }>['clientKey']) {
  if ('key' in clientKey) return clientKey as { key: CryptoKey; alg: string; kid?: string }
  const { alg = '', kid } = clientKey as JWK
  const key = (await importJWK(clientKey as JWK, alg)) as CryptoKey
  return { key, alg, kid }
}
