// Initial access tokens (RFC 7591 §3): how one is made, and what a presented one allows. The value is 256 random bits and is stored as its
// digest; operators call it by its id. Registration is off unless switched on; without such a token nobody registers.

import { randomBytes } from 'node:crypto'
import { appendAuditEvent } from '../audit/record.ts'
import { digest, randomSecret } from '../lib/secret.ts'
import type { Database } from '../store/database.ts'
import { createRegistrationTokenStore, type TokenPolicy } from '../store/registration-tokens.ts'

/** The key that a token's row is found by. */
export function registrationTokenDigest(value: string): Buffer {
  return digest('initial access token', value)
}

/**
 * Makes a token.
 * @param options.uses registrations at most; one when left out
 * @param options.clientsMost clients of it that may be there at once
 * @returns the token, shown once, and the id that it is listed by
 */
export async function issueInitialAccessToken(
  database: Pick<Database, 'transaction'>,
  options: {
    lifetimeSeconds: number
    uses?: number
    clientsMost?: number | undefined
    policy?: TokenPolicy
    note?: string | undefined
  }
): Promise<{ id: string; token: string }> {
  const { lifetimeSeconds, uses = 1, clientsMost, policy = {}, note } = options
  const id = `iat_${randomBytes(6).toString('hex')}`
  const token = randomSecret()
  await database.transaction(async tx => {
    await createRegistrationTokenStore({ sql: tx }).insert({
      ...{ id, digest: registrationTokenDigest(token), note },
      ...{ uses, clientsMost, policy, lifetimeSeconds }
    })
    await appendAuditEvent(tx, { type: 'registration_token.created', data: { id, uses } })
  })
  return { id, token }
}

/** Ends a token; the clients that it registered stay. False: there is none, or it has ended. */
export async function revokeInitialAccessToken(
  database: Pick<Database, 'transaction'>,
  id: string
): Promise<boolean> {
  return database.transaction(async tx => {
    if (!(await createRegistrationTokenStore({ sql: tx }).revoke(id))) return false
    await appendAuditEvent(tx, { type: 'registration_token.revoked', data: { id } })
    return true
  })
}
