// The controls of the race tests: how the two statements that spend something are written by whoever does not know better. Nothing of this
// is in the server; it shows that the tests can see what they claim to rule out.

import type { Database, Statement } from '../../../src/store/database.ts'

export type Naivety =
  /** a plain UPDATE: it does not ask whether it was spent before */
  | 'unchecked'
  /** it asks, but raises nothing when it matches nothing: the statements behind it in the pipeline commit */
  | 'silent'
  /** it spends and it saves, each by a statement of its own: whoever dies in between has spent for nothing */
  | 'separate'

type Rewriting = (given: Statement) => Statement | Statement[]

const naive: Record<Naivety, Record<string, Rewriting>> = {
  unchecked: {
    'artifacts.consume': ({ name, values: [id] }) => ({
      name,
      text: 'UPDATE artifacts SET consumed_at = clock_time() WHERE id = $1',
      values: [id]
    }),
    'refresh_families.rotate': ({ name, values: [bucket, id, , newHash, newSalt] }) => ({
      name,
      text: `UPDATE refresh_families SET generation = generation + 1, previous_hash = current_hash,
          previous_salt = successor_salt, previous_key_version = successor_key_version,
          previous_rotated_at = rotated_at, rotated_at = clock_time(), current_hash = $3, successor_salt = $4
        WHERE bucket = $1 AND id = $2`,
      values: [bucket, id, newHash, newSalt]
    })
  },
  silent: {
    'artifacts.consume': ({ name, values: [id] }) => ({
      name,
      text: 'UPDATE artifacts SET consumed_at = clock_time() WHERE id = $1 AND consumed_at IS NULL',
      values: [id]
    }),
    'refresh_families.rotate': ({ name, text, values }) => ({
      name,
      text: text.replace(/SELECT require_match\(.*$/s, 'SELECT count(*) FROM rotated'),
      values
    })
  },
  separate: {
    'refresh_families.rotate': ({ name, values: [bucket, id, presented, newHash, newSalt] }) => [
      {
        name: `${name}.consume`,
        text: `UPDATE refresh_families SET previous_hash = current_hash, previous_rotated_at = rotated_at,
            rotated_at = clock_time(), current_hash = '\\x00'
          WHERE bucket = $1 AND id = $2 AND current_hash = $3`,
        values: [bucket, id, presented]
      },
      {
        name: `${name}.save`,
        text: `UPDATE refresh_families SET generation = generation + 1, current_hash = $3, successor_salt = $4
          WHERE bucket = $1 AND id = $2`,
        values: [bucket, id, newHash, newSalt]
      }
    ]
  }
}

/** The same database, with the naive statements in place of ours. */
export function naiveDatabase(database: Database, naivety: Naivety): Database {
  const rewritten = (given: Statement) => naive[naivety][given.name]?.(given) ?? given
  return {
    ...database,
    async pipeline(statements) {
      const all = statements.flatMap(rewritten)
      // what is not naive goes as it always does, in one transaction
      const isNaive = statements.some(({ name }) => name in naive[naivety])
      if (naivety !== 'separate' || !isNaive) return database.pipeline(all)
      for (const statement of all) await database.pipeline([statement])
    }
  }
}
