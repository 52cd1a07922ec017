// A row that no partition takes must never fail a request: the job may not have run for long, or the database was restored. What failed so
// was rolled back as a whole, so the partitions are made and it is done once more.

import { type Database, Refused, sqlState } from './database.ts'

/** PostgreSQL tells it as a violated check, but names none. */
function lacksPartition(error: unknown): boolean {
  const cause = error instanceof Refused ? error.cause : error
  if (sqlState(cause) !== '23514') return false
  return (cause as { constraint?: string }).constraint === undefined
}

/** The same database; `make` is called when a partition is missing. */
export function makingPartitions(database: Database, make: () => Promise<unknown>): Database {
  async function again<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (!lacksPartition(error)) throw error
      await make()
      return work()
    }
  }
  return {
    run: (name, text, values, partition) =>
      again(() => database.run(name, text, values, partition)),
    transaction: work => again(() => database.transaction(work)),
    pipeline: statements => again(() => database.pipeline(statements)),
    end: () => database.end()
  }
}
