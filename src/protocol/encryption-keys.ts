// Which of a client's keys a message to it is encrypted to (RFC 7516). The engine chooses by key type, and would take a signing key for
// one; of what is behind a `jwks_uri` nobody has looked at the keys before. Refuses keys that are not said to be for encryption.

import type { Client } from 'oidc-provider'
import { encryptsWith } from '../clients/jose-members.ts'

type Jwk = Record<string, unknown>

/** Fact of the engine (9.13.3): models/id_token.js encrypts to the first key that the client's store selects, and refuses without one. */
interface KeyStore {
  selectForEncrypt(options: { alg: string }): Jwk[]
}

export function installEncryptionKeys(client: Client): void {
  const store = (client as unknown as { asymmetricKeyStore: KeyStore }).asymmetricKeyStore
  const select = store.selectForEncrypt.bind(store)
  store.selectForEncrypt = options => select(options).filter(key => encryptsWith(key, options.alg))
}
