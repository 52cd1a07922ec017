// Rotation of signing keys: the steps of the schedule, and those that an operator asks for. Each is one transaction with its audit events,
// and the conditions in it decide between processes. Refuses to store a key that the running servers could not open.

import { auditStatement } from '../audit/record.ts'
import type { Sealer } from '../lib/seal.ts'
import type { Database } from '../store/database.ts'
import { inTurn, takeSteps } from '../store/key-steps.ts'
import {
  activateSigningKey,
  idleSigningKey,
  listSigningKeyAges,
  noteWanted,
  prepareSigningKey,
  retireSigningKey,
  type SigningKeyAges
} from '../store/signing-key-steps.ts'
import type { KeyRing, WantedKey } from './key-ring.ts'
import { graceSeconds, idleSeconds, type KeyTimes, type NextStep, nextStep } from './schedule.ts'
import {
  generatePrivateJwk,
  isKeyPurpose,
  isSigningAlgorithm,
  sealSigningKey
} from './signing-key.ts'

export type LiveKeyAges = SigningKeyAges & { state: 'pending' | 'active' | 'retiring' }

export interface ScheduledKey {
  key: LiveKeyAges
  next: NextStep
}

export interface SigningKeyRotation {
  /** Says to all processes what this one signs with. @throws Fault `store_unavailable` */
  noteWanted(wanted: readonly WantedKey[]): Promise<void>
  /** All keys that are not retired with their next step. @throws Fault `store_unavailable` */
  schedule(wanted: readonly WantedKey[]): Promise<ScheduledKey[]>
  /** Takes a step that is due; `lost` when another process took it, or it is not due. @throws Fault */
  take(scheduled: ScheduledKey): Promise<'taken' | 'lost'>
  /**
   * Makes the successor of an active key now. @throws Fault `seal_broken` with another master key than the one that servers have
   */
  prepare(key: Pick<LiveKeyAges, 'purpose' | 'alg'>): Promise<{ kid: string } | 'lost'>
  /** A pending key signs now, however old it is. */
  activate(key: Pick<LiveKeyAges, 'kid' | 'purpose' | 'alg'>): Promise<'taken' | 'lost'>
}

export function createSigningKeyRotation(deps: {
  database: Database
  ring: Pick<KeyRing, 'load'>
  seal: Sealer
  times: KeyTimes
  generate?: typeof generatePrivateJwk
}): SigningKeyRotation {
  const { database, ring, seal, times, generate = generatePrivateJwk } = deps

  async function prepare(key: Pick<LiveKeyAges, 'purpose' | 'alg'>, activeSeconds: number) {
    const { purpose, alg } = key
    const made = await newKey({ purpose, alg, ring, seal, generate })
    const outcome = await takeSteps(database, [
      prepareSigningKey({ ...made, purpose, alg, activeSeconds }),
      auditStatement({ type: 'key.created', data: { kid: made.kid, purpose, alg } })
    ])
    return outcome === 'taken' ? { kid: made.kid } : ('lost' as const)
  }

  async function activate(
    { kid, purpose, alg }: Pick<LiveKeyAges, 'kid' | 'purpose' | 'alg'>,
    aheadSeconds: number
  ) {
    const before = (await live()).find(
      key => key.state === 'active' && key.purpose === purpose && key.alg === alg
    )
    const retiring =
      before === undefined
        ? []
        : [auditStatement({ type: 'key.retiring', data: { kid: before.kid, purpose, alg } })]
    return takeSteps(database, [
      ...activateSigningKey({ kid, purpose, alg, aheadSeconds }),
      auditStatement({ type: 'key.activated', data: { kid, purpose, alg } }),
      ...retiring
    ])
  }

  async function live(): Promise<LiveKeyAges[]> {
    return (await listSigningKeyAges(database)).filter(isLive)
  }

  return {
    async noteWanted(wanted) {
      const rows = wanted.map(({ purpose, alg, longestSeconds = 0 }) => ({
        purpose,
        alg,
        longestSeconds
      }))
      await database.pipeline([inTurn, noteWanted(rows)])
    },

    async schedule(wanted) {
      const keys = await live()
      return keys.map(key => {
        const same = (other: { purpose: string; alg: string }) =>
          other.purpose === key.purpose && other.alg === key.alg
        const pending = keys.find(other => other.state === 'pending' && same(other))
        const idleFor = wanted.some(same) ? 0 : (key.sinceWanted ?? key.sinceActivated ?? 0)
        return { key, next: nextStep(key, times, { pending, idleFor }) }
      })
    },

    async take({ key, next }) {
      const { kid, purpose, alg } = key
      const data = { kid, purpose, alg }
      switch (next.step) {
        case 'prepare': {
          const made = await prepare(key, times.intervalSeconds - times.aheadSeconds)
          return made === 'lost' ? 'lost' : 'taken'
        }
        case 'activate':
          return activate(key, times.aheadSeconds)
        case 'fall_idle':
          return takeSteps(database, [
            ...idleSigningKey({ ...data, idleSeconds }),
            auditStatement({ type: 'key.retiring', data })
          ])
        case 'retire':
          return takeSteps(database, [
            ...retireSigningKey({ kid, graceSeconds: graceSeconds(times) }),
            auditStatement({ type: 'key.retired', data })
          ])
        case 'be_followed':
        case 'none':
          return 'lost'
      }
    },

    prepare: key => prepare(key, 0),
    activate: key => activate(key, 0)
  }
}

/** A fresh key, sealed. The ring is loaded first: who cannot open what is there must not add what others cannot open. */
export async function newKey(deps: {
  purpose: string
  alg: string
  ring: Pick<KeyRing, 'load'>
  seal: Sealer
  generate: typeof generatePrivateJwk
}): Promise<{ kid: string; sealed: Buffer }> {
  const { purpose, alg, ring, seal, generate } = deps
  await ring.load()
  if (!isKeyPurpose(purpose) || !isSigningAlgorithm(alg)) {
    throw new Error(`no key can be made for ${purpose} ${alg}`)
  }
  return sealSigningKey(seal, purpose, alg, await generate(alg))
}

export function isLive(key: SigningKeyAges): key is LiveKeyAges {
  return key.state !== 'retired'
}
