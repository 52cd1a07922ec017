// An account for somebody whom another provider vouches for: no password, a login that nobody can guess or type by mistake, and of what the
// provider said only what is well-formed. An address that is another account's makes no second one: the database refuses it, and the caller says so.

import { randomBytes } from 'node:crypto'
import { appendAuditEvent } from '../audit/record.ts'
import { type AccountProfile, createAccountStore } from '../store/accounts.ts'
import type { Queries } from '../store/database.ts'
import { checkProfile } from './account.ts'

export interface Introduced {
  /** in its one form */
  email: string | undefined
  emailVerified: boolean
  name: string | undefined
  picture: string | undefined
  locale: string | undefined
}

/** What is malformed is left out: a person is not turned away for what their provider calls them. */
function soundProfile(given: Introduced): AccountProfile {
  const parts: AccountProfile[] = [
    { name: given.name },
    { locale: given.locale },
    { email: given.email, emailVerified: given.emailVerified }
  ]
  const sound = parts.flatMap(part => {
    const checked = checkProfile(part)
    return checked.ok ? [part.email === undefined ? part : checked.profile] : []
  })
  return Object.assign(
    { claims: given.picture === undefined ? {} : { picture: given.picture } },
    ...sound
  )
}

/**
 * In the transaction that `sql` stands for; answers the account's id.
 * @throws pg's unique_violation (SQLSTATE 23505) where the address has become another account's
 */
export async function createIntroducedAccount(
  sql: Queries,
  given: Introduced,
  upstream: string
): Promise<string> {
  // 128 bits, in letters that foldLogin leaves alone
  const login = `u-${randomBytes(16).toString('hex')}`
  const account = await createAccountStore({ sql }).create(
    login,
    undefined,
    soundProfile(given),
    'made'
  )
  if (account === undefined) throw new Error('a random login was taken')
  const accountId = account.id
  await appendAuditEvent(sql, {
    type: 'account.created',
    accountId,
    data: { via: 'self', upstream }
  })
  return accountId
}
