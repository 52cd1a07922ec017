// A process whose clock differs from the database's by more than anybody tolerates (D-4): readiness is red then, but what is asked for
// meanwhile must end no honest family and revive nothing. What is stored is judged by the database's clock alone.

import t from 'tap'
import { createBrowser } from '../support/browser.ts'
import { startTestServer } from '../support/server.ts'
import { basic, createRequests, web } from './requests.ts'

for (const [skew, what] of [
  [40, 'behind'],
  [-40, 'ahead of']
] as const) {
  t.test(`a process 40 s ${what} the database ends no family and revives none (D-4)`, async t => {
    const server = await startTestServer(t)
    const requests = createRequests(server)
    const { refresh, turnClock, issuer } = requests
    const clock = (seconds: number) => turnClock(skew + seconds)
    const offline = { scope: 'openid offline_access', extra: { prompt: 'consent' } }
    const refused = { status: 400, body: { error: 'invalid_grant' } }

    await clock(0)
    t.equal(
      (await requests.get('/readyz')).status,
      200,
      'clock_time is turned, not the clock itself'
    )
    const browser = createBrowser({ origin: issuer })
    const first = await requests.tokens({ ...offline, browser })
    const { body: second, status } = await refresh(web, first.refresh_token)
    t.equal(status, 200)
    t.equal((await refresh(web, first.refresh_token)).body.refresh_token, second.refresh_token)
    await clock(28)
    t.equal((await refresh(web, first.refresh_token)).body.refresh_token, second.refresh_token)
    const { body: third } = await refresh(web, second.refresh_token)
    t.ok(third.refresh_token, 'alive')

    const code = await requests.code({ ...offline, browser })
    await clock(28 + 59)
    t.equal((await requests.redeem(code)).status, 200, 'a code of 59 s')
    const late = await requests.code({ ...offline, browser })
    await clock(28 + 59 + 61)
    t.match(await requests.redeem(late), refused, 'a code of 61 s')

    const month = 30 * 86_400
    await clock(28 + month + 10)
    t.match(await refresh(web, third.refresh_token), refused, 'idle for 30 days')
    await clock(28 + month - 10)
    t.equal((await refresh(web, third.refresh_token)).status, 200, 'ten seconds less')
    await clock(28 + month + 30)
    t.match(await refresh(web, third.refresh_token), refused, 'spent 40 s ago: reuse')
  })
}

for (const skew of [4, -4, 40, -40]) {
  t.test(
    `machine tokens end at once where clocks differ by ${skew} s, and new ones live`,
    async t => {
      const server = await startTestServer(t)
      const requests = createRequests(server)
      await requests.turnClock(skew)
      const caller = basic('billing')
      const issue = async () => String((await requests.machine('billing')).body['access_token'])
      const isActive = async (token: string) =>
        (await requests.introspect(caller, token)).body['active']
      const before = await issue()
      t.equal(await isActive(before), true)
      for (const turn of ['once', 'twice']) {
        const last = await issue()
        await server.server.clients.revokeTokens('billing', 'cli')
        t.equal(await isActive(before), false)
        t.equal(await isActive(last), false, `revoked ${turn}`)
      }
      t.equal(await isActive(await issue()), true)
    }
  )
}
