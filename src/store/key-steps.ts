// What the steps of signing keys and of server secrets have in common: an age by the database's clock, a write that must match, and that
// steps wait for each other.

import { type Database, Refused, type Statement } from './database.ts'

/** Seconds since the time in a column, by the database's clock. */
export function since(column: string): string {
  return `extract(epoch FROM clock_time() - ${column})::float8`
}

/** The write raises `key_step_lost` where it changes nothing: it is not due, or another process took it. */
export function required(text: string): string {
  return `WITH done AS (${text} RETURNING 1) SELECT require_match((SELECT count(*) FROM done), 'key_step_lost')`
}

/**
 * Steps that change more than one row wait for each other, until the transaction ends: two that lock the same rows in another order would
 * end in a deadlock. An advisory lock of a transaction does a pooler no harm.
 */
export const inTurn: Statement = {
  name: 'key_steps.in_turn',
  text: 'SELECT pg_advisory_xact_lock(7305119425)',
  values: []
}

/** Takes steps as one transaction. `lost`: not due, or another process took them. @throws Fault `store_unavailable` */
export async function takeSteps(
  database: Pick<Database, 'pipeline'>,
  statements: readonly Statement[]
): Promise<'taken' | 'lost'> {
  try {
    await database.pipeline(statements)
    return 'taken'
  } catch (error) {
    if (error instanceof Refused) return 'lost'
    throw error
  }
}
