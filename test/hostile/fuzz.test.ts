// Requests by chance, from seeds that are written down: whatever comes, what arena.ts says of an answer holds. MINTMARK_FUZZ_SEED and
// MINTMARK_FUZZ_REQUESTS make a longer run, or send a failing one again. A seed that found something is added to the list.

import t from 'tap'
import { endpoints } from '../../src/protocol/configuration.ts'
import { accessTokenType, orders, stock, tokenExchangeGrantType } from '../protocol/exchange.ts'
import { createRequests } from '../protocol/requests.ts'
import { createBrowser } from '../support/browser.ts'
import { assertUnharmed, startArena } from './arena.ts'
import { authorizeQuery, basic, type Endpoint, form } from './endpoints.ts'
import { nextRequest, randomFrom } from './fuzz.ts'

const { MINTMARK_FUZZ_SEED: seedGiven, MINTMARK_FUZZ_REQUESTS: requestsGiven } = process.env
const seeds = seedGiven === undefined ? [1, 7591, 6749, 20261121] : seedGiven.split(',').map(Number)
const requestsPerSeed = Number(requestsGiven ?? 500)

for (const seed of seeds) {
  t.test(`${requestsPerSeed} requests from seed ${seed} harm nothing`, { timeout: 0 }, async t => {
    const arena = await startArena(t)
    // a sign-in that has begun: behind its cookie and its token lies the code that strangers do not reach
    const browser = createBrowser({ origin: arena.issuer })
    const page = await browser.follow(await browser.get(`/authorize?${authorizeQuery}`))
    t.equal(page.status, 200)
    const cookie = [...browser.cookies()].map(([name, value]) => `${name}=${value}`).join('; ')
    const fields = new URLSearchParams([
      ...(page.forms.find(each => each.fields.has('csrf'))?.fields ?? [])
    ])
    const begun: Endpoint = {
      route: '/interaction/:uid',
      reader: 'person',
      methods: ['GET', 'HEAD', 'POST'],
      sound: {
        method: 'POST',
        target: page.url.pathname,
        headers: [form, ['cookie', cookie]],
        body: fields.toString()
      }
    }
    // an exchange that would succeed: behind its token lies more code that strangers do not reach
    const { access_token } = await createRequests(arena).tokens({
      scope: 'openid read:orders write:orders',
      resource: orders
    })
    const exchanging: Endpoint = {
      route: endpoints.token,
      reader: 'client',
      methods: ['POST'],
      sound: {
        method: 'POST',
        target: endpoints.token,
        headers: [form, basic('orders')],
        body: new URLSearchParams({
          grant_type: tokenExchangeGrantType,
          subject_token: access_token,
          subject_token_type: accessTokenType,
          resource: stock
        }).toString()
      }
    }
    const table = [...arena.table, begun, begun, begun, exchanging, exchanging]

    const random = randomFrom(seed)
    const failures: string[] = []
    const statuses = new Map<number, number>()
    for (let sent = 0; sent < requestsPerSeed; sent++) {
      const { endpoint, wire } = nextRequest(random, table, [['cookie', cookie]])
      const answer = await arena.send(wire)
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      for (const problem of arena.problemsOf(endpoint, wire, answer)) {
        failures.push(`request ${sent}: ${problem} — ${JSON.stringify(wire).slice(0, 600)}`)
      }
    }
    t.same(failures, [])
    t.comment(
      [...statuses]
        .sort(([a], [b]) => a - b)
        .map(([status, times]) => `${status}: ${times}`)
        .join(', ')
    )
    await assertUnharmed(t, arena)
  })
}
