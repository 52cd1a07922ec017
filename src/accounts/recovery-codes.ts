// Recovery codes: ten for an account, each good once, for the day on which every other factor is lost. Owns their form (80 random bits, four
// groups of four) and the one moment at which they are known: they lie as HMACs under a key of the account's own, which is sealed. Refuses
// a second use of one, also of many at once, and any of a set that newer ones replaced.

import { randomBytes, randomUUID } from 'node:crypto'
import type { AuditContext } from '../audit/events.ts'
import { appendAuditEvent } from '../audit/record.ts'
import type { SealContext, Sealer } from '../lib/seal.ts'
import { hmac } from '../lib/secret.ts'
import type { Database, Queries } from '../store/database.ts'
import { createSecondFactorStore } from '../store/second-factors.ts'
import type { FactorAttempts } from './factor-attempts.ts'

/** What became of a code that somebody typed. */
export type CodeOutcome<More = unknown> =
  | ({ ok: true } & More)
  | { ok: false; reason: 'wrong_code' }
  | { ok: false; reason: 'throttled'; retryAfterSeconds: number }

export interface RecoveryCodes {
  /** how many are left */
  left(accountId: string): Promise<number>
  /** New ones in place of all before; the only time that anybody sees them. */
  renew(accountId: string, context: AuditContext): Promise<string[]>
  /** For the first second factor of an account, in its transaction: nothing where there are some left. */
  beginWith(tx: Queries, accountId: string, context: AuditContext): Promise<string[]>
  /** Uses one; `left` says how many are left then. */
  use(
    accountId: string,
    typed: string,
    context: AuditContext
  ): Promise<CodeOutcome<{ left: number }>>
}

export const recoveryCodeCount = 10

// Crockford's base 32: no letter that is taken for a digit
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const bits = 80
const digits = bits / 5

const contextOf = (accountId: string): SealContext => ({
  table: 'recovery_code_sets',
  column: 'sealed',
  key: accountId
})

function randomCode(): string {
  let value = BigInt(`0x${randomBytes(bits / 8).toString('hex')}`)
  let text = ''
  for (let digit = 0; digit < digits; digit++) {
    text += alphabet[Number(value & 31n)]
    value >>= 5n
  }
  return text
}

/** As people read it. */
const grouped = (code: string) => code.match(/.{4}/g)?.join('-') ?? code

/** The one form of what was typed; undefined where it is none. */
export function parseRecoveryCode(typed: string): string | undefined {
  const code = typed
    .slice(0, 100)
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s\p{Pd}]/gu, '')
    .replaceAll('o', '0')
    .replaceAll(/[il]/g, '1')
  return code.length === digits && [...code].every(digit => alphabet.includes(digit))
    ? code
    : undefined
}

/** Every method throws Fault `store_unavailable` when the database does not answer. */
export function createRecoveryCodes(deps: {
  database: Database
  seal: Sealer
  attempts: FactorAttempts
}): RecoveryCodes {
  const { database, seal, attempts } = deps
  const store = createSecondFactorStore({ sql: database })

  async function renew(tx: Queries, accountId: string, context: AuditContext): Promise<string[]> {
    const key = randomBytes(32)
    const codes = Array.from({ length: recoveryCodeCount }, randomCode)
    await createSecondFactorStore({ sql: tx }).setCodes(
      accountId,
      seal.seal(key, contextOf(accountId)),
      codes.map(code => hmac(key, 'recovery code', accountId, code))
    )
    await appendAuditEvent(tx, {
      type: 'recovery_codes.created',
      ...context,
      accountId,
      data: { count: codes.length }
    })
    return codes.map(grouped)
  }

  return {
    left: accountId => store.countCodes(accountId),

    renew: (accountId, context) => database.transaction(tx => renew(tx, accountId, context)),

    async beginWith(tx, accountId, context) {
      const left = await createSecondFactorStore({ sql: tx }).countCodes(accountId)
      return left > 0 ? [] : renew(tx, accountId, context)
    },

    async use(accountId, typed, context) {
      const refuse = (reason: string) =>
        appendAuditEvent(database, {
          type: 'second_factor.refused',
          ...context,
          accountId,
          data: { kind: 'recovery_code', reason }
        })
      const claim = await attempts.claim('recovery_code', accountId)
      if (!claim.ok) {
        if (claim.crossed) await refuse('throttled')
        return { ok: false, reason: 'throttled', retryAfterSeconds: claim.retryAfterSeconds }
      }
      const sealed = await store.findCodeKey(accountId)
      // what cannot be a code is looked up like one: it matches nothing
      const code = parseRecoveryCode(typed) ?? randomUUID()
      const left =
        sealed &&
        (await database.transaction(async tx => {
          const key = seal.open(sealed, contextOf(accountId))
          const own = createSecondFactorStore({ sql: tx })
          const mac = hmac(key, 'recovery code', accountId, code)
          if (!(await own.useCode(accountId, mac))) return undefined
          const rest = await own.countCodes(accountId)
          await appendAuditEvent(tx, {
            type: 'recovery_code.used',
            ...context,
            accountId,
            data: { left: rest }
          })
          return rest
        }))
      if (left === undefined) {
        await refuse('wrong_code')
        return { ok: false, reason: 'wrong_code' }
      }
      await attempts.release('recovery_code', accountId)
      return { ok: true, left }
    }
  }
}
