// A new master key: what lies sealed under a previous one is sealed anew, in place and in small batches. It can be broken off and begun
// again anywhere: the blob itself says which key it lies under. Refuses to overwrite what changed meanwhile.

import { appendAuditEvent } from '../audit/record.ts'
import { Fault } from '../lib/fault.ts'
import type { RotatingSealer } from '../lib/seal.ts'
import type { Queries } from '../store/database.ts'
import {
  nextSealedValues,
  replaceSealedValues,
  type SealedColumn,
  type SealedValue,
  sealedColumns
} from '../store/sealed-columns.ts'

export interface Resealed {
  table: string
  /** sealed anew in this walk */
  resealed: number
  /** still under a previous master key when the walk ended */
  remaining: number
  /** opened by no master key that we were given */
  unreadable: number
}

export interface Resealer {
  /**
   * Walks all sealed columns; `look` only counts. `signal` ends a walk between two batches.
   * @throws Fault `store_unavailable`
   */
  walk(what: 'reseal' | 'look', signal?: AbortSignal): Promise<Resealed[]>
}

/** True when no value needs a previous master key any more. */
export function isResealed(walked: readonly Resealed[]): boolean {
  return walked.every(({ remaining }) => remaining === 0)
}

export function createResealer(deps: { sql: Queries; seal: RotatingSealer }): Resealer {
  const { sql, seal } = deps

  function anew({ table, column }: SealedColumn, { key, sealed }: SealedValue): Buffer | undefined {
    const context = { table, column, key: typeof key === 'string' ? key : key.toString('hex') }
    try {
      return seal.seal(seal.open(sealed, context), context)
    } catch (error) {
      if (error instanceof Fault && error.code === 'seal_broken') return undefined
      throw error
    }
  }

  async function walkColumn(column: SealedColumn, what: 'reseal' | 'look', signal?: AbortSignal) {
    const counted = { table: column.table, resealed: 0, remaining: 0, unreadable: 0 }
    let after: SealedValue['key'] | undefined
    while (!signal?.aborted) {
      const found = await nextSealedValues(sql, column, after)
      after = found.at(-1)?.key
      if (after === undefined) break
      const old = found.filter(value => seal.needsReseal(value.sealed))
      const opened = old.flatMap(value => {
        const again = anew(column, value)
        return again === undefined ? [] : [{ ...value, anew: again }]
      })
      counted.unreadable += old.length - opened.length
      const replaced =
        what === 'look' || opened.length === 0 ? 0 : await replaceSealedValues(sql, column, opened)
      counted.resealed += replaced
      // what was written meanwhile is looked at by the next walk
      counted.remaining += opened.length - replaced
    }
    return counted
  }

  return {
    async walk(what, signal) {
      const walked: Resealed[] = []
      for (const column of sealedColumns) walked.push(await walkColumn(column, what, signal))
      const values = walked.reduce((sum, { resealed }) => sum + resealed, 0)
      if (values > 0) await appendAuditEvent(sql, { type: 'master_key.replaced', data: { values } })
      return walked
    }
  }
}
