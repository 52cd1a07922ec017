// Rows that strangers may make, as a process hands them out: taken from the database ahead, some at a time, so that a request costs no
// statement and no process, however many there are, goes over the cap. What is not used in time is thrown away, never handed out late.

import { type AllowanceStore, type RowBudget, stretchSeconds } from '../store/allowances.ts'

/** A process takes this part of a cap at once, so that others find something, too. */
const part = 200
const mostAtOnce = 500
/** After a refusal the database is not asked for so long: a flood costs it nothing. */
const refusedMillis = 1_000
const clientsAtOnce = 20

export interface RowAllowance {
  /** Takes the right to make `count` rows; false: there are as many as there may be. */
  take(count: number): Promise<boolean>
  /** Nothing was made after all. */
  giveBack(count: number): void
}

export function createRowAllowance(
  budget: RowBudget,
  deps: {
    store: Pick<AllowanceStore, 'take'>
    /** milliseconds that never jump */
    monotonic: () => number
  }
): RowAllowance {
  const { store, monotonic } = deps
  const atOnce = Math.min(mostAtOnce, Math.max(1, Math.floor(budget.rows / part)))
  const goodMillis = stretchSeconds(budget) * 1_000
  let left = 0
  let takenAt = Number.NEGATIVE_INFINITY
  let refusedAt = Number.NEGATIVE_INFINITY
  let asking: Promise<void> | undefined

  async function refill(count: number): Promise<void> {
    const asked = monotonic()
    const granted = await store.take(budget, Math.max(count, atOnce))
    if (granted < count) refusedAt = asked
    left = granted
    takenAt = asked
  }

  function usable(): number {
    if (monotonic() - takenAt >= goodMillis) left = 0
    return left
  }

  return {
    async take(count) {
      while (usable() < count) {
        if (monotonic() - refusedAt < refusedMillis) return false
        asking ??= refill(count).finally(() => {
          asking = undefined
        })
        await asking
      }
      left -= count
      return true
    },

    giveBack(count) {
      if (monotonic() - takenAt < goodMillis) left += count
    }
  }
}

/**
 * Clients that registered themselves stay while they are used, so what counts is how many there are. The count is believed for a second at
 * most, and no process registers more than twenty in it: the cap is overstepped by so many a process at most.
 */
export function createClientAllowance(
  limit: number,
  deps: { store: Pick<AllowanceStore, 'clientsLeft'>; monotonic: () => number }
): RowAllowance {
  const { store, monotonic } = deps
  let left = 0
  let countedAt = Number.NEGATIVE_INFINITY
  return {
    async take(count) {
      if (monotonic() - countedAt >= refusedMillis) {
        const counted = monotonic()
        left = await store.clientsLeft(limit, clientsAtOnce)
        countedAt = counted
      }
      if (left < count) return false
      left -= count
      return true
    },
    giveBack: count => {
      left += count
    }
  }
}
