// Sessions of the engine, where its own way does not fit ours: one that was never stored, and the `sid` of a client.
//
// Facts of the engine (9.13.3), held by test/protocol/engine-facts.test.ts: `persist` saves what was stored before and throws otherwise
// (POST /device without a session); `ensureClientContainer` makes up a random `sid` for each request that finds none.

import { Provider } from 'oidc-provider'
import { digest } from '../lib/secret.ts'

type Cookie = NonNullable<Parameters<NonNullable<typeof Provider.ctx>['cookies']['set']>[2]>

interface EngineSession {
  uid: string
  sidFor(clientId: string, value?: string): string | undefined
  ensureClientContainer(clientId: string): void
}

export function installSessions(
  provider: Provider,
  options: { cookie: Cookie; unsavedSeconds: number }
): void {
  const { prototype } = provider.Session
  // A form that comes without a session is shown again, and the engine then persists a session that was never stored.
  const { persist } = prototype
  prototype.persist = function persistOrSave() {
    if (this.exp !== undefined) return persist.call(this)
    const name = provider.cookieName('session')
    Provider.ctx?.oidc.cookies.set(name, this.jti, options.cookie)
    return this.save(options.unsavedSeconds)
  }

  // Parallel tabs that sign in to one client must tell it one `sid`, or a logout token ends the session of only one of them.
  const sessions = prototype as unknown as EngineSession
  sessions.ensureClientContainer = function ensureClientContainer(this: EngineSession, clientId) {
    if (this.sidFor(clientId) !== undefined) return
    this.sidFor(clientId, digest('sid', this.uid, clientId).toString('base64url'))
  }
}
