// A second factor for a person of a test, as the server itself would store it, and the codes that their app shows.

import { randomBytes } from 'node:crypto'
import { Secret, TOTP } from 'otpauth'
import { createSealer } from '../../src/lib/seal.ts'
import { createSecondFactorStore } from '../../src/store/second-factors.ts'
import { masterKey, type TestServer } from './server.ts'

export interface App {
  /** the code of now, or of so many steps from now */
  code(steps?: number): string
  /** any step may be used again: what a test is not about */
  refill(): Promise<void>
}

/** The app that has this seed (base 32). */
export function appWith(seed: string, now: () => number = Date.now): Pick<App, 'code'> {
  const totp = new TOTP({ secret: Secret.fromBase32(seed.replaceAll(' ', '')) })
  return { code: (steps = 0) => totp.generate({ timestamp: now() + steps * 30_000 }) }
}

/** Sets an authenticator app up for an account. */
export async function giveTotp(
  { store }: Pick<TestServer, 'store'>,
  accountId: string
): Promise<App> {
  const seed = randomBytes(20)
  const context = { table: 'totp_factors', column: 'sealed', key: accountId }
  const sealed = createSealer({ masterKey }).seal(seed, context)
  await createSecondFactorStore({ sql: store.database }).setTotp(accountId, sealed, 0, 'replace')
  const base32 = new Secret({ buffer: new Uint8Array(seed).buffer }).base32
  return {
    ...appWith(base32),
    async refill() {
      await store.database.run(
        'test.refill',
        'UPDATE totp_factors SET last_step = 0 WHERE account_id = $1',
        [accountId]
      )
      await store.database.run('test.attempts', 'DELETE FROM attempts', [])
    }
  }
}
