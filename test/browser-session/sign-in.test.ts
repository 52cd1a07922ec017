// Signing in and out of an app whose tokens stay on its server, with the real server, over HTTP: what the browser gets, what it must not get,
// and what the issuer ends.

import { readFileSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { createMemoryStore, type SessionRow } from '../../src/browser-session/session-store.ts'
import { createVisitor, startApp, startSetting } from './app.ts'

const setting = await startSetting(t)
const { server, appUrl, clock, options } = setting
const rows = new Map<string, SessionRow>()
const memory = createMemoryStore()
const store = {
  ...memory,
  create: async (key: string, row: SessionRow) => {
    rows.set(key, row)
    return memory.create(key, row)
  }
}
await startApp(t, { ...options, store, idleSeconds: 600, absoluteSeconds: 3600 }, 'listen')
const sessionOf = (visitor: ReturnType<typeof createVisitor>) =>
  visitor.atApp.cookies().get('session')

t.afterEach(() => {
  clock.aheadSeconds = 0
})

t.test('a sign-in ends with a cookie, and no token reaches the browser', async t => {
  const visitor = createVisitor(setting)
  t.equal((await visitor.get('/api/token')).status, 401)
  const page = await visitor.look('/page')
  t.equal(page.location?.href, `${appUrl}/auth/login?return_to=%2Fpage`)

  const back = await visitor.signIn('/auth/login?return_to=%2Fpage%3Fa%3D1')
  t.equal(back.location?.href, `${appUrl}/page?a=1`)
  t.equal((await visitor.look('/page')).html, 'Ada Lovelace')
  t.match(visitor.atApp.cookie('session'), { httpOnly: true, sameSite: 'Lax', path: '/' })
  t.match(JSON.parse((await visitor.get('/api/token')).html), { aud: 'https://bff.example.com' })

  const told = await visitor.get('/auth/session')
  t.match(JSON.parse(told.html), {
    claims: { sub: server.accountId, name: 'Ada Lovelace' },
    idleUntil: Number,
    until: Number
  })
  t.match(told.headers.get('cache-control'), 'no-store')
  const names = [...visitor.atApp.cookies().keys()]
  t.same(names, ['session'], 'the cookie of the sign-in is gone')
  t.notMatch(visitor.seen.join('\n'), /eyJ[\w-]+\.[\w-]+\.[\w-]+/, 'no JWT was ever sent')
})

t.test('what the store holds opens nothing', async t => {
  const visitor = createVisitor(setting)
  rows.clear()
  await visitor.signIn()
  const [[key, row] = []] = rows
  const id = sessionOf(visitor) ?? ''
  t.match(id, /^[\w-]{43}$/)
  const kept = JSON.stringify([key, row])
  t.notMatch(kept, id)
  t.notMatch(kept, server.accountId)
  t.notMatch(kept, 'eyJhbGciOi')
  const other = await startApp(t, { ...options, store })
  const ask = (session: string) =>
    other.inject({ url: '/api/token', headers: { cookie: `session=${session}` } })
  t.equal((await ask(id)).statusCode, 200)
  t.equal((await ask(key ?? '')).statusCode, 401, 'the key of the row is no session')
  t.equal((await ask(`${id}; session=${id}`)).statusCode, 401, 'a cookie that came twice')
})

t.test('a new sign-in is a new session, and ends the one before (ASVS 7.2.4)', async t => {
  const visitor = createVisitor(setting)
  await visitor.signIn()
  const first = sessionOf(visitor)
  await visitor.signIn()
  const second = sessionOf(visitor)
  t.not(first, second)
  const app = await startApp(t, { ...options, store })
  const ask = (session: unknown) =>
    app.inject({ url: '/api/token', headers: { cookie: `session=${session}` } })
  t.equal((await ask(first)).statusCode, 401)
  t.equal((await ask(second)).statusCode, 200)
  const planted = createVisitor(setting)
  const callback = await planted.toCallback()
  await planted.atApp.get(callback, { cookie: `session=${'A'.repeat(43)}` })
  t.not(sessionOf(planted), 'A'.repeat(43))
})

t.test('a callback counts in the browser that began it, once (RFC 9700 §4.7)', async t => {
  const visitor = createVisitor(setting)
  const stranger = createVisitor(setting)
  const callback = await visitor.toCallback()
  const foreign = await stranger.look(callback.href)
  t.equal(foreign.status, 400)
  t.match(foreign.heading, 'You are not signed in')
  t.equal(sessionOf(stranger), undefined)

  const changes: [string, (url: URL) => void][] = [
    ['another state', url => url.searchParams.set('state', 'x')],
    ['no state', url => url.searchParams.delete('state')],
    ['another issuer (RFC 9207)', url => url.searchParams.set('iss', 'https://evil.example')],
    ['no issuer', url => url.searchParams.delete('iss')],
    ['somebody else’s code', url => url.searchParams.set('code', 'x'.repeat(43))]
  ]
  for (const [title, change] of changes) {
    const own = createVisitor(setting)
    const url = await own.toCallback()
    change(url)
    t.equal((await own.look(url.href)).status, 400, title)
    t.equal(sessionOf(own), undefined, title)
  }
  t.equal((await visitor.look(callback.href)).status, 303)
  t.equal((await visitor.look(callback.href)).status, 400, 'a second time')
  t.equal((await visitor.get('/api/token')).status, 200, 'and the session stays')
})

t.test('two tabs may sign in at once, and who declines is told so', async t => {
  const visitor = createVisitor(setting)
  const one = await visitor.toCallback('/auth/login?return_to=/page%3Fone')
  const two = await visitor.toCallback('/auth/login?return_to=/page%3Ftwo')
  t.equal((await visitor.look(one.href)).location?.search, '?one')
  t.equal((await visitor.look(two.href)).location?.search, '?two')
  const declined = createVisitor(setting)
  const page = await declined.look((await declined.toCallback('/auth/login', 'decline')).href)
  t.match([page.status, page.html], [400, /You declined/])
})

t.test('a session slides with its use, up to an absolute end', async t => {
  const visitor = createVisitor(setting)
  await visitor.signIn()
  for (const minutes of [9, 18, 27, 36, 45, 54]) {
    clock.aheadSeconds = minutes * 60
    const answer = await visitor.look('/page')
    t.equal(answer.status, 200, `after ${minutes} minutes`)
    t.match(answer.headers.get('set-cookie'), `Max-Age=${Math.min(600, 3600 - minutes * 60)}`)
  }
  clock.aheadSeconds = 3600
  t.equal((await visitor.get('/api/token')).status, 401, 'an hour is the most')

  clock.aheadSeconds = 0
  await visitor.signIn()
  clock.aheadSeconds = 590
  t.equal((await visitor.get('/auth/session')).status, 200)
  clock.aheadSeconds = 605
  t.equal((await visitor.get('/page')).status, 303, 'to ask how long it lasts prolongs nothing')
})

t.test('a change must come from the app’s own pages (ASVS 3.5.1)', async t => {
  const visitor = createVisitor(setting)
  await visitor.signIn()
  const own = { 'sec-fetch-site': 'same-origin', origin: appUrl }
  const sent: [Record<string, string>, number][] = [
    [own, 200],
    [{ origin: appUrl }, 200],
    [{ 'x-csrf': '1' }, 200],
    [{}, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site', origin: appUrl }, 403],
    [{ ...own, origin: 'null' }, 403],
    [{ origin: 'https://evil.example', 'x-csrf': '1' }, 403],
    [{ origin: `${appUrl}.evil.example` }, 403]
  ]
  for (const [headers, status] of sent) {
    const title = JSON.stringify(headers)
    t.equal((await visitor.post('/api/things', headers)).status, status, title)
  }
  t.equal((await visitor.post('/auth/logout', {})).status, 403, 'nobody is signed out by a form')
  t.equal((await visitor.get('/api/token')).status, 200)
  t.equal((await visitor.get('/auth/logout')).status, 404, 'nor by a link')
})

t.test('signing out ends the session here, its refresh token, and the issuer’s', async t => {
  const visitor = createVisitor(setting)
  await visitor.signIn()
  const id = sessionOf(visitor)
  const answer = await visitor.post('/auth/logout')
  const { location } = JSON.parse(answer.html)
  t.equal(sessionOf(visitor), undefined)
  const app = await startApp(t, { ...options, store })
  const cookie = `session=${id}`
  t.equal((await app.inject({ url: '/api/token', headers: { cookie } })).statusCode, 401)
  const { rows: revoked } = await server.store.database.run(
    'test.revocations',
    "SELECT 1 FROM audit_events WHERE type IN ('token.revoked', 'grant.revoked') AND client_id = 'bff'"
  )
  t.ok(revoked.length > 0, 'the refresh token was revoked')

  let page = await visitor.atIssuer.get(location)
  page = await visitor.atIssuer.follow(page, url => url.origin === appUrl)
  while (!page.location) {
    page = await visitor.atIssuer.follow(
      await visitor.atIssuer.submitForm(page),
      url => url.origin === appUrl
    )
  }
  t.match(page.location.href, `${appUrl}/goodbye`)
  const again = await visitor.look('/auth/login')
  const asked = await visitor.atIssuer.follow(await visitor.atIssuer.get(again.location ?? ''))
  t.ok(
    asked.forms.some(({ fields }) => fields.has('password')),
    'the issuer asks who it is'
  )
  const html = { 'sec-fetch-site': 'same-origin', accept: 'text/html' }
  const idle = await visitor.post('/auth/logout', html)
  t.match([idle.status, idle.location?.href], [303, `${appUrl}/goodbye`], 'without a session')
})

t.test('whatever ends the session at the issuer ends it here (Back-Channel Logout)', async t => {
  const [visitor, bystander] = [createVisitor(setting), createVisitor(setting)]
  await visitor.signIn()
  await bystander.signIn()
  t.equal((await visitor.get('/api/token')).status, 200)
  await server.server.accounts.service.signOut(server.accountId, 'operator')
  const ended = Date.now() + 30_000
  while ((await visitor.get('/api/token')).status === 200 && Date.now() < ended) await pause(50)
  t.equal((await visitor.get('/api/token')).status, 401)
  t.equal((await visitor.get('/auth/session')).status, 401)
})

t.test('a place to return to is never outside the app', async t => {
  const visitor = createVisitor(setting)
  for (const target of ['//evil.example', '/\\evil.example', 'https://evil.example', '/.//evil']) {
    const back = await visitor.signIn(`/auth/login?return_to=${encodeURIComponent(target)}`)
    t.equal(back.location?.origin, appUrl, target)
  }
})

t.test('the app of docs/backend-for-frontend.md signs in and calls its API', async t => {
  const folder = fileURLToPath(new URL('../../', import.meta.url))
  const page = readFileSync(`${folder}docs/backend-for-frontend.md`, 'utf8')
  const [, code = ''] = /```ts\n(.*?)```/s.exec(page) ?? []
  const sent: (string | undefined)[] = []
  const api = createServer((request, response) => {
    sent.push(request.headers.authorization)
    response.end('{"things":[]}')
  })
  await new Promise<void>(resolve => api.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise(resolve => api.close(resolve)))
  const changes: [string, string][] = [
    ["'@mintmark/browser-session'", `'${folder}src/browser-session/browser-session.ts'`],
    ['http://localhost:3000', server.issuer],
    ["'web'", "'bff'"],
    ["String(process.env['CLIENT_SECRET'])", `'${options.clientSecret}'`],
    ['http://localhost:8080', appUrl],
    ['read:things', 'use:bff'],
    ["'https://api.example.com'", "'https://bff.example.com'"],
    ['http://127.0.0.1:4000', `http://127.0.0.1:${(api.address() as AddressInfo).port}`]
  ]
  let placed = code
  for (const [from, to] of changes) {
    t.ok(placed.includes(from), from)
    placed = placed.replaceAll(from, to)
  }
  const place = t.testdir({ 'app.ts': placed })
  symlinkSync(`${folder}node_modules`, `${place}/node_modules`)
  const { app } = (await import(`${place}/app.ts`)) as { app: FastifyInstance }
  t.teardown(() => app.close())

  const visitor = createVisitor(setting)
  const begun = await app.inject('/auth/login')
  const jar = (answer: typeof begun) =>
    [answer.headers['set-cookie']]
      .flat()
      .map(one => String(one).split(';')[0])
      .join('; ')
  const callback = await visitor.throughPages(String(begun.headers.location))
  const headers = { cookie: jar(begun) }
  const ended = await app.inject({ url: callback.pathname + callback.search, headers })
  const things = await app.inject({ url: '/api/things', headers: { cookie: jar(ended) } })
  t.match([things.statusCode, things.body], [200, '{"things":[]}'])
  t.match(sent, [/^Bearer eyJ/])
})
