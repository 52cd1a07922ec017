// Production as an operator starts it: what it refuses, and a whole server behind a proxy that ends TLS, here a test that sends the
// issuer's Host. What a development start seeded in the same database does not live on (D-18), and development stays on loopback (D-16).

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, request as httpRequest } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import * as oidc from 'openid-client'
import t, { type Test } from 'tap'
import { createBrowser } from '../support/browser.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { makePlace, mintmark, startMintmark } from '../support/process.ts'
import { fetchFrom } from '../support/processes.ts'
import { passPages, signIn } from '../support/relying-party.ts'
import { freePort } from '../support/server.ts'

const issuer = 'https://id.example.com'
const redirectUri = 'https://app.example.com/callback'

/** The proxy in front, but for TLS: the issuer's Host to the server, and the issuer's addresses back to the browser. */
async function startProxy(t: Test, port: number): Promise<string> {
  const { host } = new URL(issuer)
  const proxy = createServer((incoming, answer) => {
    const { url, method, headers } = incoming
    const onward = { host: '127.0.0.1', port, path: url, method, headers: { ...headers, host } }
    const request = httpRequest(onward, response => {
      const { location } = response.headers
      const moved = location && { location: location.replace(issuer, origin) }
      answer.writeHead(response.statusCode ?? 502, { ...response.headers, ...(moved || {}) })
      response.pipe(answer)
    })
    incoming.pipe(request)
  })
  await once(proxy.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => proxy.close())
  const origin = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  return origin
}

t.test('production names everything that it refuses', async t => {
  const place = makePlace(t)
  writeFileSync(
    join(place.folder, 'mintmark.json'),
    JSON.stringify({
      clients: [{ client_id: 'demo-app', type: 'spa', redirect_uris: [redirectUri] }],
      accounts: [{ login: 'ada@example.com', password: 'correct horse battery staple' }]
    })
  )
  const { code, out, err } = await mintmark(t, place, ['start'], {
    env: {
      MINTMARK_CONFIG: 'mintmark.json',
      MINTMARK_MODE: 'production',
      MINTMARK_ISSUER: 'http://id.example.com'
    }
  })
  t.same([code, out], [1, ''])
  for (const [refused, whatToSet] of [
    ['issuer', 'MINTMARK_ISSUER to an https origin'],
    ['masterKey', 'MINTMARK_MASTER_KEY_FILE'],
    ['database.url', 'MINTMARK_DATABASE__EMBEDDED=true'],
    ['clients[0].client_id', 'Remove the client'],
    ['accounts', 'mintmark accounts create']
  ] as const) {
    t.match(err, `\n  ${refused} (`)
    t.match(err, whatToSet)
  }

  // D-16
  const open = await mintmark(t, place, ['start'], { env: { MINTMARK_HOST: '0.0.0.0' } })
  t.same([open.code, open.out], [1, ''])
  t.match(open.err, 'host (MINTMARK_HOST) is not loopback')
  t.match(open.err, 'MINTMARK_MODE=production')
})

t.test('a production start on a database that development has seeded (D-18)', async t => {
  const { url, database } = await createTestDatabase(t)
  const port = await freePort()
  const place = makePlace(t, { DATABASE_URL: url, MINTMARK_PORT: `${port}` })
  const masterKey = randomBytes(32).toString('base64')
  writeFileSync(join(place.folder, 'master-key'), masterKey, { mode: 0o600 })
  place.env['MINTMARK_MASTER_KEY_FILE'] = join(place.folder, 'master-key')

  const development = await startMintmark(t, place)
  const [, login = '', password = ''] = /sign in as (\S+) \/ (\S+)/.exec(development.banner()) ?? []
  const [, machine = ''] = /-u (\S+)/.exec(development.banner()) ?? []
  const { tokens } = await signIn({
    issuer: development.issuer,
    clientId: 'demo-web',
    redirectUri: `${development.issuer}/demo/callback`,
    scope: 'openid offline_access',
    extra: { prompt: 'consent' },
    login,
    password
  })
  t.ok(tokens.refresh_token)
  await development.stop()

  place.env['MINTMARK_MODE'] = 'production'
  place.env['MINTMARK_ISSUER'] = issuer
  place.data = join(place.folder, 'not-needed')
  const production = await startMintmark(t, place)
  t.same([production.banner(), production.stray(), production.err()], ['', [], ''])
  t.equal(production.issuer, issuer)
  const ask = (path: string, init?: Parameters<typeof fetchFrom>[3]) =>
    fetchFrom(port, issuer, path, init)
  const post = (path: string, fields: Record<string, string>, authorization?: string) =>
    ask(path, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...(authorization === undefined
          ? {}
          : { authorization: `Basic ${Buffer.from(authorization).toString('base64')}` })
      },
      body: new URLSearchParams(fields).toString()
    })

  const made = await mintmark(t, place, [
    ...['clients', 'create', '--type=web', '-o', 'json'],
    ...['--redirect-uri', redirectUri]
  ])
  const client = JSON.parse(made.out)
  const person = { login: 'ada@example.com', password: 'correct horse battery staple' }
  const created = await mintmark(
    t,
    place,
    ['accounts', 'create', '--login', person.login, '--password-stdin'],
    { input: person.password }
  )
  t.equal(created.code, 0, created.err)

  await t.test('what was seeded is disabled, and what it held is over', async t => {
    t.match(
      production.log().find(({ msg }) => String(msg).includes('had seeded is disabled')),
      { level: 'warn', disabled: ['demo-machine', 'demo-web', login] }
    )
    t.equal((await post('/oauth/token', { grant_type: 'client_credentials' }, machine)).status, 401)
    const refresh = {
      grant_type: 'refresh_token',
      client_id: 'demo-web',
      refresh_token: tokens.refresh_token ?? ''
    }
    t.match(await post('/oauth/token', refresh), { status: 401, text: 'invalid_client' })
    const { rows } = await database.run<{ live: string }>(
      'test.live',
      `SELECT (SELECT count(*) FROM refresh_families WHERE revoked_at IS NULL)
            + (SELECT count(*) FROM sessions) AS live`
    )
    t.match(rows, [{ live: '0' }])
    t.equal((await ask('/demo')).status, 404)
  })

  await t.test('addresses are https and its own, whatever the Host', async t => {
    const discovery = await ask('/.well-known/openid-configuration')
    t.equal(discovery.headers['strict-transport-security'], 'max-age=31536000')
    for (const [member, value] of Object.entries(JSON.parse(discovery.text))) {
      if (member === 'issuer') t.equal(value, issuer)
      if (/_(endpoint|uri)$/.test(member)) t.match(value, `${issuer}/`)
    }
    const foreign = await fetch(`http://127.0.0.1:${port}/.well-known/openid-configuration`)
    t.equal(foreign.status, 421)
    for (const path of ['/livez', '/readyz']) {
      t.equal((await fetch(`http://127.0.0.1:${port}${path}`)).status, 200, `${path}, by address`)
      const socket = connect(port, '127.0.0.1')
      socket.write(`GET ${path} HTTP/1.0\r\n\r\n`)
      t.match(await text(socket), /^HTTP\/1\.1 200 /, `${path}, without Host`)
    }
  })

  await t.test('a person signs in through the proxy', async t => {
    const origin = await startProxy(t, port)
    const browser = createBrowser({ origin })
    const verifier = oidc.randomPKCECodeVerifier()
    const parameters = new URLSearchParams({
      client_id: client.client_id,
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: 'openid',
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256'
    })
    const attempt = async (who: { login: string; password: string }) =>
      passPages(browser, await browser.get(`/authorize?${parameters}`), { redirectUri, ...who })
    await t.rejects(attempt({ login, password }), /stopped at/, 'the demo person may not')
    const { callbackUrl } = await attempt(person)
    const cookies = [...browser.cookies().keys()]
    t.ok(cookies.length > 0)
    for (const name of cookies) {
      t.match(name, /^__(Host|Secure)-/)
      t.match(browser.cookie(name), { secure: true, httpOnly: true })
      if (name.startsWith('__Host-')) t.equal(browser.cookie(name)?.path, '/')
    }
    t.ok(cookies.some(name => name.startsWith('__Host-')))
    t.equal(callbackUrl.searchParams.get('iss'), issuer)
    const answer = await post(
      '/oauth/token',
      {
        grant_type: 'authorization_code',
        code: callbackUrl.searchParams.get('code') ?? '',
        redirect_uri: redirectUri,
        code_verifier: verifier
      },
      `${client.client_id}:${client.client_secret}`
    )
    t.match(JSON.parse(answer.text), { token_type: 'Bearer', id_token: String })
  })

  const { checks } = JSON.parse((await mintmark(t, place, ['doctor', '-o', 'json'])).out)
  t.same(
    checks.flatMap(({ status, name }: Record<string, string>) =>
      status === 'problem' ? name : []
    ),
    ['durability'],
    'which the PostgreSQL of the tests does without'
  )
  const status = await mintmark(t, place, ['status', '-o', 'env'])
  t.equal(status.out, `MINTMARK_ISSUER='${issuer}'\n`, 'nothing that is secret')
  t.equal((await production.stop()).code, 0)

  writeFileSync(join(place.folder, 'master-key'), randomBytes(32).toString('base64'))
  const wrongKey = await mintmark(t, place, ['start'])
  t.equal(wrongKey.code, 1)
  t.match(
    wrongKey.err,
    /^mintmark cannot start: .*MINTMARK_MASTER_KEY .*MINTMARK_PREVIOUS_MASTER_KEYS.*\n$/
  )
})
