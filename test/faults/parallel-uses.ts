// Scenario 5: two processes, one value, many users at once. Then who else may come with a refresh token: a thief after the leeway, another
// client, another key; and what its owner notices of it.

import type { Answer } from '../hostile/wire.ts'
import { type Caller, otherWeb, type Requests, web } from '../protocol/requests.ts'
import type { Lifetime } from '../support/lifetime.ts'
import { releaseTogether } from './barrier.ts'
import {
  bound,
  certified,
  credentialsOf,
  type Installation,
  install,
  plain
} from './installation.ts'
import { auditCount } from './invariants.ts'
import { type OneTimeValue, oneTimeValues, signer, tokenWire } from './one-time-values.ts'
import type { Report } from './report.ts'

export interface ParallelOptions {
  rounds: number
  widths: readonly number[]
  processes?: number
}

interface Round {
  successes: number
  successors: number
  refused: number
  faults: number
}

const refreshTokenIn = (answer: Answer) =>
  answer.status === 200 ? String(JSON.parse(answer.text).refresh_token) : ''

/** A refusal: 4xx, or sent back to the client with an error. */
const isRefusal = ({ status, headers }: Answer) =>
  (status >= 400 && status < 500) ||
  (URL.parse(headers['location'] ?? '')?.searchParams.has('error') ?? false)

async function race(
  installation: Installation,
  value: OneTimeValue,
  width: number
): Promise<Round> {
  const wire = await value.make(installation)
  const { host } = new URL(installation.issuer)
  const { processes } = installation
  const answers = await releaseTogether(
    Array.from({ length: width }, (_, turn) => ({
      port: processes[turn % processes.length]?.port ?? 0,
      host,
      wire
    }))
  )
  const told = answers.filter(answer => answer !== undefined)
  const successes = told.filter(value.succeeded)
  const refused = told.filter(answer => !value.succeeded(answer) && isRefusal(answer)).length
  const successors = new Set(value.expects === 'one successor' ? successes.map(refreshTokenIn) : [])
    .size
  return {
    successes: successes.length,
    successors,
    refused,
    faults: width - successes.length - refused
  }
}

/** Whether a round went as it must. */
function isRight({ expects }: OneTimeValue, width: number, round: Round): boolean {
  if (round.faults > 0) return false
  return expects === 'one success'
    ? round.successes === 1
    : round.successes === width && round.successors === 1
}

export async function useAtOnce(
  report: Report,
  life: Lifetime,
  url: string,
  { rounds, widths, processes = 2 }: ParallelOptions
): Promise<void> {
  const overrides = { clients: [signer] }
  const installation = await install(life, url, { processes, overrides })
  for (const value of oneTimeValues) {
    const wrong: string[] = []
    let played = 0
    for (const width of widths) {
      for (let round = 0; round < rounds; round++) {
        const outcome = await race(installation, value, width)
        played += 1
        if (!isRight(value, width, outcome)) wrong.push(`${width}: ${JSON.stringify(outcome)}`)
      }
    }
    const what = `${value.name}: rounds without exactly ${value.expects}, or with a 5xx`
    const sample = wrong.length === 0 ? `, of ${played}` : ` (${wrong[0]})`
    report.equal(what + sample, wrong.length, 0)
  }
  const { database } = installation.store
  report.equal('false alarms of reuse', await auditCount(database, 'refresh.reuse_detected'), 0)
  await steal(report, installation)
}

/** The control: servers that do not ask whether a code was spent. Some rounds must have several successes. */
export async function useAtOnceNaively(
  report: Report,
  life: Lifetime,
  url: string,
  { rounds, widths, processes = 2 }: ParallelOptions
): Promise<void> {
  const installation = await install(life, url, { processes, naivety: 'unchecked' })
  const [code] = oneTimeValues
  if (code === undefined) throw new Error('there is no value to use')
  let several = 0
  for (const width of widths) {
    for (let round = 0; round < rounds; round++) {
      if ((await race(installation, code, width)).successes > 1) several += 1
    }
  }
  report.atLeast('control: rounds in which one code was redeemed more than once', several, 1)
}

const refusedGrant = { status: 400, error: 'invalid_grant' }

async function steal(report: Report, installation: Installation): Promise<void> {
  const { requests, store } = installation
  await anotherClient(report, installation)
  await anotherKey(report, requests, store.database)

  const before = await auditCount(store.database, 'refresh.reuse_detected')
  const { refresh_token: first } = await requests.tokens({ app: plain })
  const { body } = await requests.refresh(plain, first)
  await requests.turnClock(120)
  const thief = await requests.refresh(plain, first)
  const owner = await requests.refresh(plain, body.refresh_token)
  await requests.turnClock(0)
  const dead = [thief, owner].filter(
    ({ status, body: { error } }) => status === refusedGrant.status && error === refusedGrant.error
  )
  report.equal("a thief's replay after the leeway: refused, and the family with it", dead.length, 2)
  const audited = (await auditCount(store.database, 'refresh.reuse_detected')) - before
  report.equal('… audited as reuse', audited, 1)
}

/** Eight requests of another client at the same moment as the owner's. */
async function anotherClient(report: Report, installation: Installation) {
  const { requests, store, issuer, processes } = installation
  const before = await auditCount(store.database, 'refresh.client_mismatch')
  const offline = { scope: 'openid offline_access', extra: { prompt: 'consent' } }
  const { refresh_token } = await requests.tokens({ app: web, ...offline })
  const parameters = { grant_type: 'refresh_token', refresh_token }
  const { host } = new URL(issuer)
  const [owner, ...thieves] = await releaseTogether(
    [web, ...Array.from({ length: 8 }, () => otherWeb)].map(({ caller }, turn) => ({
      port: processes[turn % processes.length]?.port ?? 0,
      host,
      wire: tokenWire(caller, parameters)
    }))
  )
  const refused = thieves.filter(
    answer => answer?.status === 400 && JSON.parse(answer.text).error === refusedGrant.error
  )
  report.equal("another client's uses of a token that are refused", refused.length, 8)
  const audited = (await auditCount(store.database, 'refresh.client_mismatch')) - before
  report.equal('… and audited', audited, 8)
  const next = owner === undefined ? '' : refreshTokenIn(owner)
  const again = await requests.refresh(web, next)
  report.equal('… while its owner goes on', again.status, 200)
}

/** Tokens that are bound to a DPoP key, and to a certificate. */
async function anotherKey(
  report: Report,
  requests: Requests,
  database: Installation['store']['database']
) {
  for (const app of [bound, certified]) {
    const before = await auditCount(database, 'refresh.client_mismatch')
    const [owner, thief] = [
      await credentialsOf(app, requests.issuer),
      await credentialsOf(app, requests.issuer)
    ]
    const tokens = await requests.tokens({ app: { ...app, caller: await owner() } })
    const refresh = async (caller: Caller) =>
      requests.refresh({ ...app, caller }, tokens.refresh_token)
    const taken = await refresh(await thief())
    const bare = await refresh(app.caller)
    report.equal(
      `another key's use of a token (${app.clientId}), and one without a key, that are refused`,
      [taken, bare].filter(({ status }) => status === 400).length,
      2
    )
    const audited = (await auditCount(database, 'refresh.client_mismatch')) - before
    report.atLeast('… and audited', audited, app === certified ? 2 : 1)
    report.equal('… while its owner goes on', (await refresh(await owner())).status, 200)
  }
}
