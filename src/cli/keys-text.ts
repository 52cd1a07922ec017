// What `mintmark keys` prints: keys and secrets as rows for people and as objects for scripts. Times are told as the schedule has them: ages
// by the database's clock, turned into moments.

import type { KeyStep, NextStep } from '../keys/schedule.ts'
import type { ScheduledSecret } from '../keys/secret-rotation.ts'
import type { ScheduledKey } from '../keys/signing-key-rotation.ts'
import type { SigningKeyAges } from '../store/signing-key-steps.ts'
import { aligned } from './clients-text.ts'

const stepWords: Readonly<Record<KeyStep, string>> = {
  prepare: 'its successor is made',
  activate: 'is used from then on',
  be_followed: 'its successor takes over',
  fall_idle: 'retires: no configuration uses it',
  retire: 'leaves; what it made has expired',
  none: 'never changes'
}

const units = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's']
] as const

/** A length of time in its largest unit, rounded down. */
export function spell(seconds: number): string {
  const [size, unit] = units.find(([size]) => seconds >= size) ?? [1, 's']
  return `${Math.max(0, Math.floor(seconds / size))} ${unit}`
}

/** One key or secret of the list. */
export interface Listed {
  use: string
  alg: string
  id: string
  state: string
  sinceSeconds: number
  next: NextStep
}

export function listedKey({ key, next }: ScheduledKey): Listed {
  const { purpose, alg, kid, state } = key
  return { use: purpose, alg, id: kid, state, sinceSeconds: sinceOf(key), next }
}

/** A key whose life is over. */
export function listedRetired(key: SigningKeyAges): Listed {
  return {
    use: key.purpose,
    alg: key.alg,
    id: key.kid,
    state: key.burnt ? 'burnt' : 'retired',
    sinceSeconds: key.sinceRetired ?? key.sinceCreated,
    next: { step: 'none', inSeconds: Number.POSITIVE_INFINITY }
  }
}

export function listedSecret({ secret, next }: ScheduledSecret): Listed {
  const { purpose, version, state } = secret
  return {
    use: purpose,
    alg: 'HMAC',
    id: `version ${version}`,
    state,
    sinceSeconds: sinceOf(secret),
    next
  }
}

function sinceOf(key: {
  state: string
  sinceCreated: number
  sinceActivated: number | undefined
  sinceRetiring: number | undefined
}): number {
  if (key.state === 'retiring') return key.sinceRetiring ?? key.sinceCreated
  return key.state === 'active' ? (key.sinceActivated ?? key.sinceCreated) : key.sinceCreated
}

/** The table for people. */
export function listLines(listed: readonly Listed[]): string[] {
  return aligned([
    ['use', 'alg', 'key', 'state', 'since', 'next'],
    ...listed.map(({ use, alg, id, state, sinceSeconds, next }) => [
      use,
      alg,
      id,
      state,
      `${spell(sinceSeconds)} ago`,
      nextWords(state, next)
    ])
  ])
}

function nextWords(state: string, { step, inSeconds }: NextStep): string {
  if (state === 'burnt' || state === 'retired') return ''
  if (step === 'none') return stepWords.none
  return `${inSeconds <= 0 ? 'now' : `in ${spell(inSeconds)}`}: ${stepWords[step]}`
}

/** The objects for scripts. */
export function describeListed(listed: readonly Listed[], now: Date): object[] {
  const moment = (seconds: number) => new Date(now.getTime() + seconds * 1_000).toISOString()
  return listed.map(({ use, alg, id, state, sinceSeconds, next }) => ({
    purpose: use,
    alg,
    key: id,
    state,
    since: moment(-sinceSeconds),
    next: next.step === 'none' ? null : { step: next.step, at: moment(Math.max(0, next.inSeconds)) }
  }))
}
