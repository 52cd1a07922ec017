// Keys of clients that publish them (`jwks_uri`), in the engine's own key store of the client, out of a source that outlives it: the engine
// is built anew when our keys change, and a client when its row does, and neither may cost a question to somebody else's server.

import type { Client as EngineClient } from 'oidc-provider'
import type { KeySource, PublicJwk } from '../clients/remote-keys.ts'

// Facts of the engine (9.13.3) that this depends on, each held by test/protocol/engine-facts-clients.test.ts:
// - helpers/jwt.js verify: selectForVerify; when nothing fits, fresh(), and at once refresh() if that is false; then again from the start;
// - everywhere else refresh() is awaited before keys are read;
// - left alone, it asks again with every request while the place is down, believes any max-age, and never asks while a signature verifies,
//   so that a key which its client withdrew would go on to open.

/** The engine's ClientKeyStore (models/client.js). */
interface EngineKeyStore {
  clear(): void
  add(key: PublicJwk): void
  fresh(): boolean
  stale(): boolean
  refresh(): Promise<void>
  selectForVerify(options: object): unknown[]
}

/** Makes `source` the keys of this client. */
export function installRemoteKeys(client: EngineClient, source: KeySource): void {
  const store = (client as unknown as { asymmetricKeyStore: EngineKeyStore }).asymmetricKeyStore
  const selectForVerify = store.selectForVerify.bind(store)
  let loaded: readonly PublicJwk[] | undefined
  let unknownKey = false

  /** False when the source has to be asked first. */
  function load(): boolean {
    const held = source.held()
    if (held === undefined) return false
    if (held === loaded) return true
    store.clear()
    for (const key of held) store.add({ ...key })
    loaded = held
    return true
  }

  const fresh = () => !source.mayAsk()
  const own: Omit<EngineKeyStore, 'clear' | 'add'> = {
    selectForVerify: options => (load() ? selectForVerify(options) : []),
    fresh() {
      unknownKey = !fresh()
      return !unknownKey
    },
    stale: () => !fresh(),
    async refresh() {
      // asked by verify in the same breath as fresh(): the key is not among those that are held
      const ask = unknownKey || source.held() === undefined
      unknownKey = false
      if (ask) await source.ask()
      load()
    }
  }
  Object.assign(store, own)
}
