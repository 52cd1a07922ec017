// One-time codes of an authenticator app (TOTP, RFC 6238). Owns enrolment, which counts once a code has shown that the app has the seed, and
// the check: a window of one step to either side, every step good once. Refuses a code a second time wherever it is typed, and a guess
// beyond the limit (factor-attempts.ts). A seed lies sealed, and is shown once, on the page that enrols it.

import { randomBytes } from 'node:crypto'
import { Secret, TOTP } from 'otpauth'
import type { AuditContext } from '../audit/events.ts'
import { appendAuditEvent } from '../audit/record.ts'
import { Fault } from '../lib/fault.ts'
import type { SealContext, Sealer } from '../lib/seal.ts'
import type { Database } from '../store/database.ts'
import { createSecondFactorStore } from '../store/second-factors.ts'
import type { FactorAttempts } from './factor-attempts.ts'
import type { CodeOutcome, RecoveryCodes } from './recovery-codes.ts'

/** What apps can do everywhere: SHA-1, six digits, thirty seconds (the defaults of RFC 6238 and of the `otpauth:` URI). */
const shape = { algorithm: 'SHA1', digits: 6, period: 30 } as const

/** RFC 4226 §4 R6: "The algorithm MUST use a strong shared secret. … This document RECOMMENDs a shared secret length of 160 bits." */
const seedBytes = 20

export interface TotpOffer {
  /** travels in the form; opens for this account and this place only */
  sealed: string
  /** for the QR code */
  uri: string
  /** for typing, in groups */
  secret: string
  issuer: string
  accountName: string
}

/** `place`: names the sign-in or session that the offer is made in, and is known to no other. */
export interface Enrolment {
  accountId: string
  place: string
}

export type ConfirmOutcome =
  /** `codes`: recovery codes that were made with it, shown now and never again; none where there were some */
  { ok: true; codes: string[] } | { ok: false; reason: 'wrong_code' | 'offer_over' | 'enrolled' }

export interface Totp {
  enrolled(accountId: string): Promise<boolean>
  offer(enrolment: Enrolment, accountName: string): TotpOffer
  /** The same offer again, for a form that comes back; undefined: of another place, or no offer. */
  offerAgain(enrolment: Enrolment, accountName: string, sealed: string): TotpOffer | undefined
  /** `first`: only where the account has no seed; `replace`: in place of the one that it has. */
  confirm(
    enrolment: Enrolment,
    given: { sealed: string; code: string },
    mode: 'first' | 'replace',
    context: AuditContext
  ): Promise<ConfirmOutcome>
  verify(accountId: string, code: string, context: AuditContext): Promise<CodeOutcome>
  /** Removes it; where no other factor is left, the recovery codes as well. False: there was none. */
  remove(accountId: string, context: AuditContext): Promise<boolean>
}

const rowContext = (accountId: string): SealContext => ({
  table: 'totp_factors',
  column: 'sealed',
  key: accountId
})

// lies nowhere: the browser holds it while somebody enrols
const offerContext = ({ accountId, place }: Enrolment): SealContext => ({
  table: 'totp_factors',
  column: 'offer',
  key: `${accountId} ${place}`
})

/** Every method throws Fault `store_unavailable` when the database does not answer. */
export function createTotp(deps: {
  database: Database
  seal: Sealer
  attempts: FactorAttempts
  recoveryCodes: Pick<RecoveryCodes, 'beginWith'>
  /** whether the account has a factor besides this and recovery codes */
  hasOther(accountId: string): Promise<boolean>
  /** the product, as the app lists it */
  issuer: string
  now: () => Date
}): Totp {
  const { database, seal, attempts, now } = deps
  const store = createSecondFactorStore({ sql: database })

  const totpOf = (seed: Buffer, accountName: string) =>
    new TOTP({
      ...shape,
      // a colon separates issuer and account in the URI
      issuer: deps.issuer.replaceAll(':', ' '),
      label: accountName.replaceAll(':', ' '),
      secret: new Secret({ buffer: new Uint8Array(seed).buffer })
    })

  /** The step that the code is of, one before and one after among them (RFC 6238 §5.2); undefined: wrong. */
  function stepOf(seed: Buffer, typed: string): number | undefined {
    const token = typed.slice(0, 40).normalize('NFKC').replaceAll(/\s/g, '')
    if (!/^\d{6}$/.test(token)) return undefined
    const totp = totpOf(seed, '')
    const timestamp = now().getTime()
    const delta = totp.validate({ token, timestamp, window: 1 })
    return delta === null ? undefined : totp.counter({ timestamp }) + delta
  }

  function shownOffer(seed: Buffer, sealed: string, accountName: string): TotpOffer {
    const totp = totpOf(seed, accountName)
    const secret = totp.secret.base32.match(/.{1,4}/g)?.join(' ') ?? ''
    return { sealed, uri: totp.toString(), secret, issuer: totp.issuer, accountName }
  }

  function openOffer(enrolment: Enrolment, sealed: string): Buffer | undefined {
    try {
      return seal.open(Buffer.from(sealed, 'base64url'), offerContext(enrolment))
    } catch (error) {
      if (error instanceof Fault && error.code === 'seal_broken') return undefined
      throw error
    }
  }

  /** One look at the seed as it is now; `changed`: it was another one when the step was to be claimed. */
  async function tryCode(accountId: string, code: string) {
    const row = await store.findTotp(accountId)
    const step = row && stepOf(seal.open(row.sealed, rowContext(accountId)), code)
    if (row === undefined || step === undefined) return 'wrong_code'
    if (step <= row.lastStep) return 'used_before'
    return (await store.claimStep(accountId, row.sealed, step)) ? 'right' : 'changed'
  }

  return {
    async enrolled(accountId) {
      return (await store.findTotp(accountId)) !== undefined
    },

    offer(enrolment, accountName) {
      const seed = randomBytes(seedBytes)
      const sealed = seal.seal(seed, offerContext(enrolment)).toString('base64url')
      return shownOffer(seed, sealed, accountName)
    },

    offerAgain(enrolment, accountName, sealed) {
      const seed = openOffer(enrolment, sealed)
      return seed && shownOffer(seed, sealed, accountName)
    },

    async confirm(enrolment, { sealed, code }, mode, context) {
      const { accountId } = enrolment
      const seed = openOffer(enrolment, sealed)
      if (seed === undefined) return { ok: false, reason: 'offer_over' }
      const step = stepOf(seed, code)
      if (step === undefined) return { ok: false, reason: 'wrong_code' }
      const row = seal.seal(seed, rowContext(accountId))
      const codes = await database.transaction(async tx => {
        const own = createSecondFactorStore({ sql: tx })
        if (!(await own.setTotp(accountId, row, step, mode))) return undefined
        await appendAuditEvent(tx, { type: 'totp.enabled', ...context, accountId, data: {} })
        return deps.recoveryCodes.beginWith(tx, accountId, context)
      })
      if (codes === undefined) {
        // the step was used with the seed of before, or another window was first
        return { ok: false, reason: mode === 'first' ? 'enrolled' : 'wrong_code' }
      }
      await attempts.release('totp', accountId)
      return { ok: true, codes }
    },

    async verify(accountId, code, context) {
      const refuse = (reason: string) =>
        appendAuditEvent(database, {
          type: 'second_factor.refused',
          ...context,
          accountId,
          data: { kind: 'totp', reason }
        })
      const claim = await attempts.claim('totp', accountId)
      if (!claim.ok) {
        if (claim.crossed) await refuse('throttled')
        return { ok: false, reason: 'throttled', retryAfterSeconds: claim.retryAfterSeconds }
      }
      const first = await tryCode(accountId, code)
      // sealed anew by a new master key meanwhile, or used in another window: the second look tells which
      const outcome = first === 'changed' ? await tryCode(accountId, code) : first
      if (outcome !== 'right') {
        await refuse(outcome === 'wrong_code' ? outcome : 'used_before')
        return { ok: false, reason: 'wrong_code' }
      }
      await attempts.release('totp', accountId)
      return { ok: true }
    },

    async remove(accountId, context) {
      const other = await deps.hasOther(accountId)
      return database.transaction(async tx => {
        const own = createSecondFactorStore({ sql: tx })
        if (!(await own.removeTotp(accountId))) return false
        // codes alone are no second factor: they recover one
        if (!other) await own.removeCodes(accountId)
        await appendAuditEvent(tx, { type: 'totp.removed', ...context, accountId, data: {} })
        return true
      })
    }
  }
}
