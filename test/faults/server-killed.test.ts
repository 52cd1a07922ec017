// The short form of the server's death under load (`npm run faults` has the long one): a few kills, the same judgement, and the control.

import t from 'tap'
import { createTestDatabase } from '../support/postgres.ts'
import { assertReport } from './assert-report.ts'
import { asserting, bound, certified } from './installation.ts'
import { killNaiveServer, killServer } from './server-killed.ts'

// processes start, die and start again: on a busy machine that takes a while
t.setTimeout(400_000)

const life = { least: 50, most: 300 }

t.test(
  'kill -9 of the server under refreshing clients: nobody loses a token, no token forks',
  async t => {
    const { url } = await createTestDatabase(t)
    await assertReport(t, report =>
      killServer(report, t, url, { clients: 12, kills: 2, inFlight: 20, life })
    )
  }
)

t.test('the control: separate statements without leeway lose tokens at the same kills', async t => {
  const { url } = await createTestDatabase(t)
  await assertReport(t, report =>
    killNaiveServer(report, t, url, {
      clients: 12,
      kills: 2,
      inFlight: 20,
      life,
      // the machine may be busy with other tests: then less was in the middle of its work
      leastPercent: 1
    })
  )
})

t.test(
  'proofs and assertions are signed anew at each retry, certificates shown again, over two processes',
  async t => {
    for (const app of [bound, certified, asserting]) {
      const { url } = await createTestDatabase(t)
      const options = { clients: 8, kills: 1, inFlight: 1, life, app }
      await assertReport(t, report => killServer(report, t, url, options, { processes: 2 }))
    }
  }
)
