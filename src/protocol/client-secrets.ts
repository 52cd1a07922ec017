// Clients that sign with their secret (client_secret_jwt), in the engine's own key store of the client: each live secret is a key, opened for
// the moment in which it is needed. Clients that show their secret have none here, so that nothing can be verified by a digest.
//
// Facts of the engine (9.13.3), held by test/protocol/engine-facts-clients.test.ts: helpers/jwt.js asks the store for keys, then for each
// key object in turn, and stops at the first that verifies; the claims are judged right after (shared/jwt_client_auth.js).

import { type Client as EngineClient, Provider } from 'oidc-provider'
import type { ClientSecret, RegisteredClient } from '../clients/client.ts'

interface SymmetricKey {
  kty: 'oct'
  k: string
}

/** The engine's KeyStore (helpers/keystore.js), as far as assertions need it. */
interface EngineKeyStore {
  clear(): void
  selectForVerify(options: { alg: string }): SymmetricKey[]
  getKeyObject(key: SymmetricKey): SymmetricKey
}

/** Which secret was tried last in a request: after a good assertion, the one that made it. */
export type TriedSecrets = WeakMap<object, Buffer>

export function installSecrets(
  client: EngineClient,
  row: RegisteredClient,
  deps: {
    open(secret: ClientSecret): Buffer | undefined
    tried: TriedSecrets
    now: () => Date
  }
): void {
  const store = (client as unknown as { symmetricKeyStore: EngineKeyStore }).symmetricKeyStore
  const digests = new WeakMap<SymmetricKey, Buffer>()
  // the engine put its placeholder there
  store.clear()
  const own: Pick<EngineKeyStore, 'selectForVerify' | 'getKeyObject'> = {
    selectForVerify({ alg }) {
      if (alg !== 'HS256') return []
      const now = deps.now().getTime()
      return row.secrets.flatMap(secret => {
        // a cached client may hold a secret that has expired since it was read
        if (secret.expiresAt !== undefined && secret.expiresAt.getTime() <= now) return []
        const plain = deps.open(secret)
        if (plain === undefined) return []
        // OpenID Connect Core §10.1: «the octets of the UTF-8 representation of the client_secret»
        const key: SymmetricKey = { kty: 'oct', k: plain.toString('base64url') }
        digests.set(key, secret.digest)
        return [key]
      })
    },
    getKeyObject(key) {
      const digest = digests.get(key)
      if (digest !== undefined && Provider.ctx !== undefined) deps.tried.set(Provider.ctx, digest)
      return key
    }
  }
  Object.assign(store, own)
}
