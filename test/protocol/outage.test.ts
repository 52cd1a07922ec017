// PostgreSQL stops, freezes, hangs up, or has no connection left: whatever needs it answers 503 with Retry-After and
// `temporarily_unavailable`, never an error that makes a client throw its token away; the server stays, and recovers by itself.

import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createBrowser } from '../support/browser.ts'
import { sql } from '../support/embedded-folder.ts'
import { person } from '../support/server.ts'
import { startOwnCluster, startServerOn } from './own-cluster.ts'
import { type Answer, createRequests, publicly, web } from './requests.ts'

const cluster = await startOwnCluster(t)
const main = await startServerOn(t, cluster.url, { pool: 10 })
const requests = createRequests(main)
const { issuer } = main
const offline = { scope: 'openid offline_access', extra: { prompt: 'consent' } }

function assertUnavailable(t: Test, answer: Answer, name: string) {
  t.match(answer, { status: 503, body: { error: 'temporarily_unavailable' } }, name)
  t.match(answer.headers.get('retry-after'), /^[1-9]\d*$/, name)
  t.equal(answer.headers.get('cache-control'), 'no-store', name)
}

/** Whatever a client may send that needs the database. */
async function allRequests(held: { refreshToken: string; accessToken: string }) {
  const code = {
    grant_type: 'authorization_code',
    code: 'some-code',
    redirect_uri: web.redirectUri
  }
  const { url } = await requests.authorizationUrl()
  return {
    refresh: () => requests.refresh(web, held.refreshToken),
    'code exchange': () => requests.token(web.caller, { ...code, code_verifier: 'v'.repeat(43) }),
    'client credentials': () => requests.machine('billing'),
    'device poll': () =>
      requests.token(publicly('tv'), {
        grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
        device_code: 'some-code'
      }),
    userinfo: () => requests.userinfo(held.accessToken),
    introspection: () => requests.introspect(web.caller, held.accessToken),
    'introspection of a refresh token': () => requests.introspect(web.caller, held.refreshToken),
    revocation: () => requests.revoke(web.caller, held.accessToken),
    'revocation of a refresh token': () => requests.revoke(web.caller, held.refreshToken),
    'pushed request': () =>
      requests.post('/oauth/par', web.caller, Object.fromEntries(url.searchParams)),
    'device authorization': () =>
      requests.post('/oauth/device', publicly('tv'), { scope: 'openid' })
  }
}

/** The pages of a sign-in that had begun before, and of one that begins now. */
async function startedSignIn() {
  const browser = createBrowser({ origin: issuer })
  const { url } = await requests.authorizationUrl()
  const login = await browser.follow(await browser.get(url))
  return { browser, url, login }
}

async function assertOutage(
  t: Test,
  held: { refreshToken: string; accessToken: string },
  begun: Awaited<ReturnType<typeof startedSignIn>>
) {
  const all = Object.entries(await allRequests(held))
  const answers = await Promise.all(
    all.map(async ([name, send]) => ({ name, answer: await send() }))
  )
  for (const { name, answer } of answers) assertUnavailable(t, answer, name)

  const { browser, url, login } = begun
  const pages = {
    authorize: browser.get(url),
    'sign-in page': browser.get(login.url),
    'sign-in': browser.submitForm(login, { ...person }),
    device: browser.get('/device'),
    'sign-out': browser.get('/logout')
  }
  for (const [name, answer] of Object.entries(pages)) {
    const page = await answer
    t.equal(page.status, 503, name)
    t.match(page.headers.get('retry-after'), /^[1-9]\d*$/, name)
    t.match(page.headers.get('content-type'), 'text/html', name)
    t.match(page.html, /<h1/, name)
    t.notOk(page.headers.has('location'), name)
  }

  for (const path of ['/.well-known/openid-configuration', '/.well-known/jwks.json', '/livez']) {
    t.equal((await requests.get(path)).status, 200, path)
  }
  t.equal((await requests.get('/readyz')).status, 503)
}

/** The server finds its way back without a hand; tried until then. */
async function recovered() {
  const ready = async () =>
    (await requests.get('/readyz')).status === 200 && main.store.feed.confirmed()
  while (!(await ready())) await sleep(50)
}

for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
  t.test(
    `PostgreSQL stopped (${signal}): 503 everywhere, and the same refresh token works afterwards`,
    async t => {
      const { refresh_token: refreshToken, access_token: accessToken } =
        await requests.tokens(offline)
      const begun = await startedSignIn()
      await cluster.stop(signal)
      try {
        // so long may memory be believed, and a machine token be had without a database
        await sleep(1_000)
        t.notOk(main.store.feed.confirmed())
        await assertOutage(t, { refreshToken, accessToken }, begun)
      } finally {
        await cluster.start()
      }
      await recovered()

      t.match(await requests.refresh(web, refreshToken), { status: 200 })
      t.equal((await requests.userinfo(accessToken)).status, 200, 'and nothing was revoked')
      t.equal((await requests.machine('billing')).status, 200)
      const { browser, login } = begun
      const onward = await browser.submitForm(login, { ...person })
      t.equal(onward.status, 303, 'a sign-in that had begun goes on')
      t.equal(
        main.log.filter(({ level, msg }) => level === 'fatal' || msg === 'the engine failed')
          .length,
        0
      )
    }
  )
}

t.test('connections that PostgreSQL hangs up on, idle or at work, end no process', async t => {
  const { refresh_token: refreshToken } = await requests.tokens(offline)
  const terminate = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name IN ('mintmark', 'mintmark-feed') AND pid <> pg_backend_pid()`
  const idle = await sql(cluster.url, terminate)
  t.ok(idle.length >= 2, 'the feed and one more were there')
  await recovered()

  const { database } = main.store
  const atWork = Promise.allSettled([
    database.run('test.sleep', 'SELECT pg_sleep(4)'),
    database.transaction(tx => tx.run('test.sleep', 'SELECT pg_sleep(4)')),
    database.pipeline([
      { name: 'test.sleep', text: 'SELECT pg_sleep(4)', values: [] },
      { name: 'test.one', text: 'SELECT 1', values: [] }
    ])
  ])
  await asleep(3)
  await sql(cluster.url, terminate)
  const fault = { status: 'rejected', reason: { name: 'Fault', code: 'store_unavailable' } }
  t.match(await atWork, [fault, fault, fault])
  await recovered()
  t.equal((await requests.refresh(web, refreshToken)).status, 200)
})

/** Waits until that many connections are in pg_sleep. */
async function asleep(count: number) {
  const ask = "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
  while ((await sql(cluster.url, ask)).length < count) await sleep(20)
}

t.test('a pool of two', async t => {
  const narrow = await startServerOn(t, cluster.url, { pool: 2 })
  const clients = createRequests(narrow)
  const first = await clients.tokens(offline)
  let current = first.refresh_token
  const holdOne = (seconds: number) =>
    narrow.store.database.run('test.hold', 'SELECT pg_sleep($1)', [seconds])

  await t.test('one connection is left: everybody is served in turn', async t => {
    const held = holdOne(1)
    await asleep(1)
    const answers = await Promise.all(
      Array.from({ length: 32 }, () => clients.introspect(web.caller, current))
    )
    t.same([...new Set(answers.map(({ status }) => status))], [200])
    await held
  })

  await t.test('none is left: 503 for everybody, and nobody hangs', async t => {
    const held = Promise.all([holdOne(4.5), holdOne(4.5)])
    await asleep(2)
    const answers = await Promise.all(
      Array.from({ length: 32 }, () => clients.refresh(web, current))
    )
    for (const answer of answers) assertUnavailable(t, answer, 'refresh')
    await held
    const rotated = await clients.refresh(web, current)
    t.equal(rotated.status, 200, 'and the token was not spent')
    current = rotated.body.refresh_token
  })

  await t.test(
    'PostgreSQL falls silent on open connections: 503, and others take their place',
    async t => {
      const frozen = (
        await sql(
          cluster.url,
          "SELECT pid FROM pg_stat_activity WHERE application_name = 'mintmark'"
        )
      ).map(({ pid }) => Number(pid))
      for (const pid of frozen) process.kill(pid, 'SIGSTOP')
      try {
        const answers = await Promise.all([
          clients.refresh(web, current),
          clients.introspect(web.caller, first.access_token)
        ])
        for (const answer of answers) assertUnavailable(t, answer, 'silence')
        t.equal((await clients.refresh(web, current)).status, 200)
      } finally {
        for (const pid of frozen) process.kill(pid, 'SIGCONT')
      }
    }
  )
})
