// Scenario 2, codes and device codes: many are spent at once, and in the middle of it a server process is killed. A client whose answer was
// lost sends the same code again; it is refused, since a code is good once, and the client authorizes anew, which must work.

import { setTimeout as sleep } from 'node:timers/promises'
import { approveDevice, requestDeviceCode } from '../protocol/device-approval.ts'
import { type App, publicly } from '../protocol/requests.ts'
import type { Lifetime } from '../support/lifetime.ts'
import { createWire, persist } from './client.ts'
import { type Installation, install, plain } from './installation.ts'
import { auditCount, countOf } from './invariants.ts'
import { createLedger, type Entry, forks, type Ledger, tallyOf } from './ledger.ts'
import type { Report } from './report.ts'

export interface SpendingOptions {
  kind: 'authorization_code' | 'device_code'
  clients: number
  rounds: number
  processes: number
  /** requests that were in flight at a kill, in sum: more rounds are played until so many were */
  inFlight: number
}

interface Value {
  value: string
  parameters: Record<string, string>
}

const tv: App = { clientId: 'tv', redirectUri: '', caller: publicly('tv') }

const kinds = {
  authorization_code: {
    app: plain,
    model: 'AuthorizationCode',
    grantType: 'authorization_code',
    async make({ requests }: Installation): Promise<Value> {
      const { code, verifier } = await requests.code({ app: plain })
      return {
        value: code,
        parameters: { redirect_uri: plain.redirectUri, code_verifier: verifier }
      }
    }
  },
  device_code: {
    app: tv,
    model: 'DeviceCode',
    grantType: 'urn:ietf:params:oauth:grant-type:device_code',
    async make({ requests, issuer }: Installation): Promise<Value> {
      const { deviceCode, userCode } = await requestDeviceCode(requests)
      await approveDevice({ issuer }, userCode, requests.ada)
      return { value: deviceCode, parameters: {} }
    }
  }
} as const

interface Spending {
  installation: Installation
  ledger: Ledger
  wire: ReturnType<typeof createWire>
}

/** Spends a code by the retry rule; answers the refresh token that it brought. */
async function obtain(
  spending: Spending,
  number: number,
  kind: SpendingOptions['kind'],
  { value, parameters }: Value
): Promise<string | undefined> {
  const deps = { ...spending, number, credentials: async () => kinds[kind].app.caller }
  return (await persist(deps, kind, value, parameters))?.refreshToken
}

/** All spend at once; one process dies in the middle, and comes back. */
async function round(spending: Spending, options: SpendingOptions, turn: number) {
  const { installation, ledger } = spending
  const { make } = kinds[options.kind]
  const values: Value[] = []
  // one browser, one page after another
  while (values.length < options.clients) values.push(await make(installation))

  const victim = installation.processes[turn % installation.processes.length]
  if (victim === undefined) throw new Error('there is no process to kill')
  const before = ledger.entries.length
  const obtaining = values.map((value, number) => obtain(spending, number, options.kind, value))
  // between the first answer and the last one
  const wanted = Math.floor(Math.random() * options.clients * 0.7)
  const answered = () =>
    ledger.entries.slice(before).filter(({ receivedAt }) => receivedAt !== undefined).length
  while (answered() < wanted) await sleep(1)
  const inFlight = ledger.inFlight(victim.port)
  await victim.kill()
  await victim.start()
  const tokens = await Promise.all(obtaining)
  for (const [number, token] of tokens.entries()) {
    // its answer was lost, and so was the code: the person is asked again, one after another at the one browser
    if (token === undefined) {
      tokens[number] = await obtain(spending, number, options.kind, await make(installation))
    }
  }
  return { inFlight, tokens }
}

/** Refusals of values that no earlier attempt can have spent. */
function refusedForNothing(entries: readonly Entry[]): number {
  const maybeSpent = new Set<string>()
  let wrong = 0
  for (const { presented, status, refused } of entries) {
    if (status === undefined && !refused) maybeSpent.add(presented)
    if (status === 400 && !maybeSpent.has(presented)) wrong += 1
  }
  return wrong
}

export async function killWhileSpending(
  report: Report,
  life: Lifetime,
  url: string,
  options: SpendingOptions
): Promise<void> {
  const { kind, rounds, processes } = options
  const installation = await install(life, url, { processes })
  const wire = createWire(installation.issuer)
  life.teardown(() => wire.close())
  const spending = { installation, ledger: createLedger(), wire }
  const { entries } = spending.ledger
  const tokens: (string | undefined)[] = []
  let inFlight = 0
  let played = 0
  while (played < rounds || inFlight < options.inFlight) {
    const outcome = await round(spending, options, played)
    inFlight += outcome.inFlight
    tokens.push(...outcome.tokens)
    played += 1
  }
  report.tell('kills', played)
  report.atLeast('requests in flight at a kill', inFlight, options.inFlight)
  report.tell('requests', JSON.stringify(tallyOf(entries)))
  report.equal('I1 codes with two successors', forks(entries), 0)

  const { app, model, grantType } = kinds[kind]
  let unusable = 0
  for (const [number, token] of tokens.entries()) {
    const deps = { ...spending, number, credentials: async () => app.caller }
    const answer = token === undefined ? undefined : await persist(deps, 'refresh_token', token)
    if (answer?.status !== 200) unusable += 1
  }
  report.equal(`I2 clients without a usable refresh token, of ${tokens.length}`, unusable, 0)
  report.equal('codes refused that nobody can have spent', refusedForNothing(entries), 0)
  const wrong = entries.filter(({ status = 200 }) => ![200, 400, 429, 503].includes(status))
  report.equal('I7 answers besides 200, 400, 429, 503', wrong.length, 0)

  const { database } = installation.store
  const spent = await countOf(
    database,
    `SELECT count(*)::int AS count FROM artifacts WHERE kind = '${model}' AND consumed_at IS NOT NULL`
  )
  const families = await countOf(
    database,
    'SELECT count(DISTINCT grant_id)::int AS count FROM refresh_families'
  )
  const rows = await countOf(database, 'SELECT count(*)::int AS count FROM refresh_families')
  const audited = await countOf(
    database,
    `SELECT count(*)::int AS count FROM audit_events WHERE type = 'token.issued' AND data ->> 'grantType' = '${grantType}'`
  )
  report.equal('I6 codes spent and not one family for each', spent - families, 0)
  report.equal('I6 grants with two families', rows - families, 0)
  report.equal('I9 codes spent and not audited', spent - audited, 0)
  report.equal('I5 false alarms of reuse', await auditCount(database, 'refresh.reuse_detected'), 0)
  report.equal('requests that hung', wire.hangs(), 0)
}
