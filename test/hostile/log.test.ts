// The log of a run in which everything secret was sent, in the right places and in wrong ones: none of it is in a line, and no caller can
// write a line of their own (OWASP ASVS v5.0.0 §16.2.5).

import * as oidc from 'openid-client'
import t from 'tap'
import { endpoints } from '../../src/protocol/configuration.ts'
import { api, redirectUri, secretOf } from '../support/configuration.ts'
import { authorize, redeem } from '../support/relying-party.ts'
import { person } from '../support/server.ts'
import { assertUnharmed, startArena } from './arena.ts'
import { authorizeQuery, basic, form } from './endpoints.ts'

t.test('no line of the log holds a secret of the run', async t => {
  const arena = await startArena(t)
  const secrets = new Map<string, string>()
  const secret = (name: string, value: string | undefined): string => {
    t.ok(value !== undefined && value.length >= 8, `${name} was seen`)
    secrets.set(name, value ?? '')
    return value ?? ''
  }
  const post = (target: string, body: string, ...headers: [string, string][]) =>
    arena.send({ method: 'POST', target, headers: [form, ...headers], body })

  // everything where it belongs
  const authorization = await authorize({
    issuer: arena.issuer,
    clientId: 'web',
    clientSecret: secretOf('web'),
    redirectUri,
    scope: 'openid profile offline_access read:things',
    extra: { prompt: 'consent' },
    ...person
  })
  const { browser, callbackUrl, checks, config } = authorization
  secret('password', person.password)
  secret('client secret', secretOf('web'))
  secret('basic credentials', basic('web')[1].slice('Basic '.length))
  secret('state', checks.expectedState)
  secret('nonce', checks.expectedNonce)
  secret('code', callbackUrl.searchParams.get('code') ?? undefined)
  secret('code_verifier', checks.pkceCodeVerifier)
  for (const [name, value] of browser.cookies()) {
    if (!name.startsWith('mintmark_language')) secret(`cookie ${name}`, value)
  }
  const tokens = await redeem(authorization)
  const access = secret('access token', tokens.access_token)
  const refresh = secret('refresh token', tokens.refresh_token)
  const idToken = secret('ID token', tokens.id_token)
  const refreshed = await oidc.refreshTokenGrant(config, refresh)
  const second = secret('second refresh token', refreshed.refresh_token)
  const pushed = await post(endpoints.pushed_authorization_request, authorizeQuery, [
    ...basic('web')
  ])
  const requestUri = secret('request_uri', JSON.parse(pushed.text).request_uri)
  const device = JSON.parse((await post(endpoints.device_authorization, 'client_id=tv')).text)
  const deviceCode = secret('device_code', device.device_code)
  const userCode = secret('user_code', device.user_code)

  // and where it does not
  const all = [...secrets.values()]
  const encode = encodeURIComponent
  for (const value of all) {
    for (const name of ['code', 'token', 'state', 'password', 'refresh_token', 'client_secret']) {
      await arena.send({ target: `${endpoints.userinfo}?${name}=${encode(value)}` })
      await arena.send({ target: `/nowhere?x=1&${name}=${encode(value)}` })
    }
    await post(endpoints.token, `grant_type=refresh_token&refresh_token=${encode(value)}`, [
      ...basic('web')
    ])
    await post(endpoints.introspection, `token=${encode(value)}`, [...basic('web')])
    await post(endpoints.revocation, `token=${encode(value)}&token=${encode(value)}`, [
      ...basic('web')
    ])
    await post(endpoints.token, `grant_type=authorization_code&code=${encode(value)}`, [
      ...basic('spa', value)
    ])
    await arena.send({
      target: endpoints.userinfo,
      headers: [['authorization', `Bearer ${encode(value)}`]]
    })
    await arena.send({
      target: endpoints.userinfo,
      headers: [['authorization', `DPoP ${encode(value)}`]]
    })
    await arena.send({
      target: '/device',
      headers: [['cookie', `mintmark_session=${encode(value)}`]]
    })
    await post('/interaction/x', `login=ada&password=${encode(value)}`)
    await arena.send({ method: 'PUT', target: `${endpoints.token}?token=${encode(value)}` })
    await arena.send({ target: `/authorize?${authorizeQuery}&login_hint=${encode(value)}` })
  }
  await arena.send({ target: `/device?user_code=${userCode}` })
  await arena.send({ target: `/logout?id_token_hint=${idToken}` })
  await arena.send({ target: `/authorize?client_id=web&request_uri=${encode(requestUri)}` })
  await post(
    endpoints.token,
    `client_id=tv&grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code=${deviceCode}`
  )
  for (const token of [second, access])
    await post(endpoints.revocation, `token=${token}`, [...basic('web')])

  const lines = arena.log.map(line => JSON.stringify(line))
  t.ok(lines.length > all.length, 'the run was logged')
  for (const [name, value] of secrets) {
    for (const written of new Set([value, encode(value), value.slice(0, 20)])) {
      t.same(
        lines.filter(line => line.includes(written)),
        [],
        `${name} is in no line`
      )
    }
  }
  await assertUnharmed(t, arena)
})

t.test('a caller cannot write a log line, nor steer a terminal', async t => {
  const arena = await startArena(t)
  const payloads = [
    'a"}\\n{"level":"fatal"',
    '\u001b[2J',
    '\u009b31m',
    '\u202e',
    '%0a%0d{"level":"fatal"}',
    '\u0085'
  ]
  for (const payload of payloads) {
    const latin = Buffer.from(payload).toString('latin1')
    await arena
      .send({ target: '/nowhere', headers: [['user-agent', latin]] })
      .catch(() => undefined)
    await arena.send({ target: `/no${encodeURIComponent(payload)}` })
    await arena.send({
      method: 'POST',
      target: endpoints.token,
      headers: [form],
      body: `client_id=${encodeURIComponent(payload)}&grant_type=${encodeURIComponent(payload)}`
    })
    await arena.send({
      target: `/authorize?${authorizeQuery}&scope=${encodeURIComponent(payload)}&client_id=${encodeURIComponent(payload)}`
    })
  }
  // the stream of the arena parses each line it is given, and would have thrown
  t.notOk(arena.log.some(({ level }) => level === 'fatal'))
  const served = await arena.send({
    method: 'POST',
    target: endpoints.token,
    headers: [form, basic('billing')],
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: api }).toString()
  })
  t.equal(served.status, 200)
  await assertUnharmed(t, arena)
})
