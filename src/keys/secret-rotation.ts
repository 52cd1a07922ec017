// Rotation of the server's symmetric secrets, on the schedule of signing keys: every process knows a version before any process uses it,
// and it stays while something lives that was made with it. Some never change; why stands in the table.

import { auditStatement } from '../audit/record.ts'
import type { Sealer } from '../lib/seal.ts'
import type { Database } from '../store/database.ts'
import { inTurn, takeSteps } from '../store/key-steps.ts'
import {
  activateServerSecret,
  listServerSecretAges,
  noteValueSeconds,
  prepareServerSecret,
  retireServerSecret,
  type ServerSecretAges
} from '../store/server-secret-steps.ts'
import { graceSeconds, type KeyTimes, type NextStep, nextStep } from './schedule.ts'
import { generateSecret, type SecretPurpose, type ServerSecrets } from './server-secrets.ts'

/** How long values live that are made with a secret; `never`: it does not change. */
export type SecretLives = Readonly<Record<SecretPurpose, number | 'never'>>

/** What the lives of values follow from. */
export interface Lifetimes {
  sessions: { absoluteSeconds: number }
  interactions: { lifetimeSeconds: number }
  refreshTokens: { absoluteSeconds: number }
  deviceCodes: { lifetimeSeconds: number }
}

export function secretLives(times: Lifetimes): SecretLives {
  const family = times.refreshTokens.absoluteSeconds
  const { lifetimeSeconds: interaction } = times.interactions
  return {
    // a browser shows a cookie for as long as its session may live; the engine signs it anew when it meets the older key
    cookie: Math.max(times.sessions.absoluteSeconds, interaction),
    // a row names the version that its next successor is made with, and keeps it until the family ends
    rotation: family,
    // a family keeps the version that it began with
    refresh_token_mac: family,
    // looked up under every version that there is
    user_code: times.deviceCodes.lifetimeSeconds,
    csrf: interaction,
    // RFC 9449 §8: who shows a nonce that is not known gets a new one and tries again
    dpop_nonce: 0,
    // the counters of failed sign-ins have names made with it: with another one each count would begin anew
    artifact: 'never',
    // another one would change every `sub`
    pairwise: 'never'
  }
}

export interface ScheduledSecret {
  secret: ServerSecretAges
  next: NextStep
}

export interface SecretRotation {
  /** Says how long values live. @throws Fault `store_unavailable` */
  noteLives(): Promise<void>
  /** @throws Fault `store_unavailable` */
  schedule(): Promise<ScheduledSecret[]>
  /** Takes a step that is due; `lost` when another process took it, or it is not due. @throws Fault */
  take(scheduled: ScheduledSecret): Promise<'taken' | 'lost'>
}

export function createSecretRotation(deps: {
  database: Database
  secrets: Pick<ServerSecrets, 'load'>
  seal: Sealer
  times: KeyTimes
  lives: SecretLives
}): SecretRotation {
  const { database, secrets, seal, times } = deps
  const lives: Readonly<Record<string, number | 'never'>> = deps.lives

  return {
    async noteLives() {
      const longest = Object.entries(lives).flatMap(([purpose, life]) =>
        life === 'never' ? [] : [{ purpose, longestSeconds: life }]
      )
      await database.pipeline([inTurn, noteValueSeconds(longest)])
    },

    async schedule() {
      const all = await listServerSecretAges(database)
      return all.map(secret => {
        const pending = all.find(
          other => other.purpose === secret.purpose && other.state === 'pending'
        )
        const changes = typeof lives[secret.purpose] === 'number'
        const next: NextStep = changes
          ? nextStep(secret, times, { pending, idleFor: 0 })
          : { step: 'none', inSeconds: Number.POSITIVE_INFINITY }
        return { secret, next }
      })
    },

    async take({ secret, next }) {
      const { purpose, version } = secret
      switch (next.step) {
        case 'prepare': {
          // who cannot open what is there must not add what others cannot open
          await secrets.load()
          const successor = { purpose, version: version + 1 }
          const sealed = generateSecret(seal, purpose, successor.version)
          const activeSeconds = times.intervalSeconds - times.aheadSeconds
          return takeSteps(database, [
            prepareServerSecret({ ...successor, sealed, activeSeconds }),
            auditStatement({ type: 'server_secret.created', data: successor })
          ])
        }
        case 'activate':
          return takeSteps(database, [
            ...activateServerSecret({ purpose, version, aheadSeconds: times.aheadSeconds }),
            auditStatement({ type: 'server_secret.activated', data: { purpose, version } })
          ])
        case 'retire':
          return takeSteps(database, [
            retireServerSecret({ purpose, version, graceSeconds: graceSeconds(times) }),
            auditStatement({ type: 'server_secret.retired', data: { purpose, version } })
          ])
        case 'be_followed':
        case 'fall_idle':
        case 'none':
          return 'lost'
      }
    }
  }
}
