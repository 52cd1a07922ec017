// The control of races.test.ts: the same races against servers that spend naively. If this fails, those tests prove nothing.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { freePort, masterKey, type TestServer } from '../../support/server.ts'
import { held, startContest, tally } from '../contest.ts'
import { codeRace, members, newFamily, refreshRace, refreshWith } from '../race-cases.ts'
import { web } from '../requests.ts'
import type { Naivety } from './naive-database.ts'

const file = fileURLToPath(new URL('./server-process.ts', import.meta.url))

async function startNaive(t: Test, main: TestServer, naivety: Naivety): Promise<number> {
  const port = await freePort()
  const given = {
    issuer: main.issuer,
    port,
    url: main.databaseUrl,
    masterKey: masterKey.toString('base64'),
    naivety
  }
  const child = spawn(process.execPath, [file, JSON.stringify(given)], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  })
  await once(child.stdout, 'data')
  return port
}

/** Two naive processes; the test's own server, which is not, looks on. */
function naiveContest(t: Test, naivety: Naivety) {
  return startContest(t, {}, main =>
    Promise.all([startNaive(t, main, naivety), startNaive(t, main, naivety)])
  )
}

t.test(
  'a plain UPDATE lets several redeem one code, and rotates a family more than once',
  async t => {
    const contest = await naiveContest(t, 'unchecked')
    const { answers } = await codeRace(contest)
    t.ok((tally(answers)['200'] ?? 0) > 1)

    const { first } = await refreshRace(contest)
    const { rows } = await contest.main.store.database.run<{ generation: number }>(
      'test.newest_generation',
      'SELECT generation FROM refresh_families ORDER BY created_at DESC LIMIT 1'
    )
    t.ok((rows[0]?.generation ?? 0) > 2)
    t.not((await contest.requests.refresh(web, first)).status, 200, 'a ninth is turned away')
  }
)

t.test(
  'a conditional UPDATE in a pipeline that does not raise lets several redeem one code, and a revoked token be rotated',
  async t => {
    const contest = await naiveContest(t, 'silent')
    const { answers } = await codeRace(contest)
    t.ok((tally(answers)['200'] ?? 0) > 1)

    const first = await newFamily(contest)
    const rotated = await held(
      contest.main.databaseUrl,
      'SELECT FROM refresh_families FOR UPDATE',
      async (line, go) => {
        const revoking = contest.post(0, '/oauth/revoke', web.caller, { token: first })
        await line.waiting(1)
        const rotating = refreshWith(contest, 1, first)
        await line.waiting(2)
        await go()
        await revoking
        return rotating
      }
    )
    t.equal(rotated.status, 200, 'answered with a token that opens nothing')
    t.equal(members([rotated], 'refresh_token').length, 1)
  }
)
