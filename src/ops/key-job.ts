// Background job: keys that nobody touches. Every process sees to it that the keys it signs with are there, and reads them again while the
// change feed is not heard; the one that has the lease takes the steps that are due, and seals anew what lies under a master key of before.

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KeyRing, WantedKey } from '../keys/key-ring.ts'
import { isResealed, type Resealer } from '../keys/reseal.ts'
import type { SecretRotation } from '../keys/secret-rotation.ts'
import type { ServerSecrets } from '../keys/server-secrets.ts'
import type { SigningKeyRotation } from '../keys/signing-key-rotation.ts'
import type { ChangeFeed } from '../store/change-feed.ts'

const leaseSeconds = 60
/** While the change feed is silent the tables are read this often: what was burnt is refused within a second. */
const watchMillis = 500
const resealEverySeconds = 600

interface Log {
  info(data: object, message: string): void
  error(data: object, message: string): void
}

export interface KeyJobDependencies {
  ring: Pick<KeyRing, 'load' | 'ensure' | 'active'>
  secrets: Pick<ServerSecrets, 'load'>
  wanted: readonly WantedKey[]
  signing: SigningKeyRotation
  secretRotation: SecretRotation
  /** told only while there is a master key of before */
  resealer: Resealer | undefined
  /** takes or renews the lease of this job */
  lead(holder: string, seconds: number): Promise<boolean>
  feed: Pick<ChangeFeed, 'on' | 'onGap' | 'confirmed'>
  log: Log
  everySeconds: number
}

/** Looks as often as the schedule is fine: a step that comes late is safe, only late. */
export function lookEverySeconds(intervalSeconds: number): number {
  return Math.min(60, Math.max(0.5, intervalSeconds / 20))
}

/** One round of the schedule; answers how many steps this process took. @throws Fault */
export async function takeDueSteps(
  deps: Pick<KeyJobDependencies, 'signing' | 'secretRotation' | 'wanted'>,
  lead: () => Promise<boolean> = async () => true
): Promise<number> {
  const { signing, secretRotation, wanted } = deps
  const keys = (await signing.schedule(wanted)).filter(({ next }) => next.inSeconds <= 0)
  const secrets = (await secretRotation.schedule()).filter(({ next }) => next.inSeconds <= 0)
  let taken = 0
  for (const step of [
    ...keys.map(due => () => signing.take(due)),
    ...secrets.map(due => () => secretRotation.take(due))
  ]) {
    if (!(await lead())) break
    if ((await step()) === 'taken') taken += 1
  }
  return taken
}

/** Starts the job; `end` stops it after the step at hand. */
export function startKeyJob(deps: KeyJobDependencies): { end(): Promise<void> } {
  const { ring, secrets, feed, log } = deps
  const holder = randomUUID()
  const lead = () => deps.lead(holder, leaseSeconds)
  const stop = new AbortController()
  const pause = (milliseconds: number) =>
    sleep(milliseconds, undefined, { signal: stop.signal, ref: false }).catch(() => undefined)

  /** What was announced and could not be read yet. */
  const stale = new Set<'signing keys' | 'server secrets'>()
  const reported = new Set<string>()
  const loads = { 'signing keys': ring.load, 'server secrets': secrets.load }

  async function reload(what: keyof typeof loads): Promise<void> {
    stale.add(what)
    try {
      await loads[what]()
      stale.delete(what)
      reported.delete(what)
    } catch (error) {
      // an earlier read that succeeded meanwhile did not see what this one was for
      stale.add(what)
      // once an outage, not once a try
      if (!reported.has(what)) {
        log.error({ err: error }, `${what} could not be reloaded; it is tried again`)
      }
      reported.add(what)
    }
  }
  feed.on('signing_keys', () => void reload('signing keys'))
  feed.on('server_secrets', () => void reload('server secrets'))
  feed.onGap(() => {
    void reload('signing keys')
    void reload('server secrets')
  })

  /** A notification can be lost with its connection, and a read can fail: neither may leave a burnt key in memory. */
  async function watch() {
    while (!stop.signal.aborted) {
      await pause(watchMillis)
      if (stop.signal.aborted) return
      if (!feed.confirmed() || stale.has('signing keys')) await reload('signing keys')
      if (!feed.confirmed() || stale.has('server secrets')) await reload('server secrets')
    }
  }

  async function keepSchedule() {
    while (!stop.signal.aborted) {
      await pause(deps.everySeconds * 1_000)
      if (stop.signal.aborted) return
      try {
        // an older process may have let go of a key that this one signs with
        if (!isComplete(ring, deps.wanted)) await ring.ensure(deps.wanted)
        await deps.signing.noteWanted(deps.wanted)
        await deps.secretRotation.noteLives()
        const taken = await takeDueSteps(deps, async () => !stop.signal.aborted && (await lead()))
        if (taken > 0) log.info({ steps: taken }, 'keys took the steps that were due')
      } catch (error) {
        log.error({ err: error }, 'the key schedule failed; it is tried again')
      }
    }
  }

  async function keepSealed(resealer: Resealer) {
    while (!stop.signal.aborted) {
      try {
        if (await lead()) await reseal(resealer)
      } catch (error) {
        log.error({ err: error }, 'sealing anew failed; it goes on from there')
      }
      await pause(resealEverySeconds * 1_000)
    }
  }

  async function reseal(resealer: Resealer) {
    const walked = await resealer.walk('reseal', stop.signal)
    if (stop.signal.aborted) return
    const resealed = walked.reduce((sum, { resealed }) => sum + resealed, 0)
    const unreadable = walked.reduce((sum, { unreadable }) => sum + unreadable, 0)
    if (resealed > 0) log.info({ walked }, 'sealed anew under the current master key')
    if (unreadable > 0) {
      log.error({ walked }, 'some values open with no master key that is configured')
    }
    if (isResealed(walked)) {
      log.info(
        {},
        'nothing lies under a previous master key: previousMasterKeys can be emptied, once every process has the new one'
      )
    }
  }

  const running = [watch(), keepSchedule()]
  if (deps.resealer !== undefined) running.push(keepSealed(deps.resealer))
  return {
    async end() {
      stop.abort()
      await Promise.all(running)
    }
  }
}

function isComplete(ring: Pick<KeyRing, 'active'>, wanted: readonly WantedKey[]): boolean {
  try {
    for (const { purpose, alg } of wanted) ring.active(purpose, alg)
    return true
  } catch {
    return false
  }
}
