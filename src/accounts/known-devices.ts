// Browsers that an account has been signed in at. Owns the value that a browser keeps: random, a digest of it in the database, no credential,
// no account in it. What it gives is attempts of its own while strangers use up the account's (sign-in-counters.ts). A sign-in at
// another browser is told to the account, except its very first.

import { appendAuditEvent } from '../audit/record.ts'
import { digest, randomSecret } from '../lib/secret.ts'
import type { Database } from '../store/database.ts'
import { createSignInDeviceStore } from '../store/sign-in-devices.ts'
import { deviceLabel } from './device-label.ts'

/** Half a year after the last sign-in at it. */
export const deviceSeconds = 180 * 86_400

export interface SignedInAt {
  accountId: string
  /** what the browser had kept */
  device: string | undefined
  userAgent: string | undefined
  address: string
  clientId?: string | undefined
  requestId?: string | undefined
}

export interface KnownDevices {
  /** `device` is what a browser presents: anything at all. */
  isKnown(device: string, accountId: string | undefined): Promise<boolean>
  /** After a complete sign-in. Answers what the browser keeps from now on. */
  remember(signedIn: SignedInAt): Promise<string>
}

const form = /^[A-Za-z0-9_-]{43}$/
const nobody = '00000000-0000-0000-0000-000000000000'

/** What is counted and looked up in place of the value. */
export const deviceId = (device: string) => digest('sign-in device', device)

/** Every method throws Fault `store_unavailable` when the database does not answer. */
export function createKnownDevices({ database }: { database: Database }): KnownDevices {
  const devices = createSignInDeviceStore({ sql: database })
  return {
    async isKnown(device, accountId) {
      if (!form.test(device)) return false
      // asked for nobody, too: who exists must not show in what an answer costs
      return devices.isKnown(deviceId(device), accountId ?? nobody)
    },

    async remember({ accountId, device, userAgent, ...context }) {
      // a value that we never gave, or forgot, is not taken over: somebody else may have put it there
      const ours =
        device !== undefined && form.test(device) && (await devices.isAnybodys(deviceId(device)))
      const kept = ours ? device : randomSecret()
      const label = deviceLabel(userAgent)
      await database.transaction(async tx => {
        const store = createSignInDeviceStore({ sql: tx })
        const first = await store.countSignIn(accountId)
        const known = ours && (await store.isKnown(deviceId(kept), accountId))
        await store.save(deviceId(kept), accountId, label, deviceSeconds)
        if (known || first === 'first') return
        const data = { device: label }
        await appendAuditEvent(tx, { type: 'sign_in.new_device', accountId, ...context, data })
      })
      return kept
    }
  }
}
