// Revocation (RFC 7009): an access token ends alone, a refresh token ends its whole grant, and both at once, everywhere.

import * as oidc from 'openid-client'
import t from 'tap'
import { secretOf } from '../support/configuration.ts'
import { discover } from '../support/relying-party.ts'
import { startTestServer } from '../support/server.ts'
import { basic, createRequests, nobody, otherWeb, publicly, spa, web } from './requests.ts'

const server = await startTestServer(t)
const requests = createRequests(server)
const { introspect, issuer, revoke, userinfo } = requests

const offline = (app = web) =>
  requests.tokens({ app, scope: 'openid offline_access', extra: { prompt: 'consent' } })

const isActive = async (value: string) => (await introspect(web.caller, value)).body['active']

t.test(
  'openid-client revokes an access token: refused at userinfo and inactive at once, alone (RFC 7009 §2.1)',
  async t => {
    const tokens = await offline()
    const config = await discover({ issuer, clientId: 'web', clientSecret: secretOf('web') })
    t.equal((await userinfo(tokens.access_token)).status, 200)
    await oidc.tokenRevocation(config, tokens.access_token)
    t.match(await userinfo(tokens.access_token), { status: 401, body: { error: 'invalid_token' } })
    t.equal(await isActive(tokens.access_token), false)

    t.equal(await isActive(tokens.refresh_token), true, 'the refresh token lives')
    const { status, body } = await requests.refresh(web, tokens.refresh_token)
    t.equal(status, 200)
    t.equal((await userinfo(body.access_token)).status, 200, 'and so does a new access token')
  }
)

t.test(
  'openid-client revokes a refresh token: the whole grant ends at once (RFC 7009 §2.1)',
  async t => {
    const first = await offline()
    const { body: second } = await requests.refresh(web, first.refresh_token)
    const other = await offline()
    const config = await discover({ issuer, clientId: 'web', clientSecret: secretOf('web') })
    await oidc.tokenRevocation(config, second.refresh_token, { token_type_hint: 'refresh_token' })
    for (const token of [first.access_token, second.access_token]) {
      t.equal((await userinfo(token)).status, 401)
      t.equal(await isActive(token), false)
    }
    for (const token of [first.refresh_token, second.refresh_token]) {
      t.equal(await isActive(token), false)
      t.match(await requests.refresh(web, token), { status: 400, body: { error: 'invalid_grant' } })
    }
    t.equal(
      (await userinfo(other.access_token)).status,
      200,
      'another sign-in of the same person lives'
    )
    t.equal((await requests.refresh(web, other.refresh_token)).status, 200)
  }
)

t.test('a machine’s token is revoked alone (RFC 7009 §2.1)', async t => {
  const [one, two] = [await requests.machine('billing'), await requests.machine('billing')]
  const caller = basic('billing')
  t.equal((await revoke(caller, one.body.access_token)).status, 200)
  t.same((await introspect(caller, one.body.access_token)).body, { active: false })
  t.equal((await introspect(caller, two.body.access_token)).body['active'], true)
})

t.test('a public client revokes its own tokens (RFC 7009 §5)', async t => {
  const tokens = await offline(spa)
  t.equal((await revoke(spa.caller, tokens.access_token)).status, 200)
  t.equal((await userinfo(tokens.access_token)).status, 401)
  t.equal((await revoke(spa.caller, tokens.refresh_token)).status, 200)
  t.equal((await requests.refresh(spa, tokens.refresh_token)).status, 400)
})

t.test('a wrong hint still finds the token (RFC 7009 §2.1)', async t => {
  const tokens = await offline()
  await revoke(web.caller, tokens.access_token, { token_type_hint: 'refresh_token' })
  t.equal((await userinfo(tokens.access_token)).status, 401)
  await revoke(web.caller, tokens.refresh_token, { token_type_hint: 'access_token' })
  t.equal(await isActive(tokens.refresh_token), false)
  const { access_token } = await offline()
  await revoke(web.caller, access_token, { token_type_hint: 'unknown' })
  t.equal((await userinfo(access_token)).status, 401)
})

t.test('somebody else’s token is answered 200 and left alone (RFC 7009 §2.1, §2.2)', async t => {
  const tokens = await offline()
  for (const caller of [otherWeb.caller, spa.caller, basic('api-server'), publicly('tv')]) {
    for (const value of [tokens.access_token, tokens.refresh_token]) {
      t.equal((await revoke(caller, value)).status, 200)
    }
  }
  t.equal((await userinfo(tokens.access_token)).status, 200)
  t.equal((await requests.refresh(web, tokens.refresh_token)).status, 200)
})

t.test(
  'what is unknown, malformed, expired or revoked already is answered 200 (RFC 7009 §2.2)',
  async t => {
    const tokens = await offline()
    const { access_token, id_token } = tokens
    await revoke(web.caller, access_token)
    const [header, payload] = access_token.split('.')
    const values = [
      'x',
      '\0',
      'a.b.c',
      '...',
      access_token,
      id_token,
      `${header}.${payload}.`,
      `${header}.${payload}.x`
    ]
    for (const value of values) {
      const answer = await revoke(web.caller, value)
      t.equal(answer.status, 200, value.slice(0, 20))
      t.equal(answer.text, '')
    }
    t.equal(
      (await requests.refresh(web, tokens.refresh_token)).status,
      200,
      'nothing else went with it'
    )
  }
)

t.test('revoking a spent refresh token ends its whole grant, too (RFC 7009 §2.1)', async t => {
  const first = await offline()
  const { body } = await requests.refresh(web, first.refresh_token)
  t.equal((await revoke(web.caller, first.refresh_token)).status, 200)
  t.match(await requests.refresh(web, body.refresh_token), {
    status: 400,
    body: { error: 'invalid_grant' }
  })
  t.equal((await userinfo(body.access_token)).status, 401)
})

t.test(
  'without client authentication it is 401, and nothing is revoked (RFC 7009 §2.1)',
  async t => {
    const { access_token } = await offline()
    for (const caller of [nobody, publicly('web'), basic('web', 'x'.repeat(43))]) {
      t.match(await revoke(caller, access_token), {
        status: 401,
        body: { error: 'invalid_client' }
      })
    }
    t.equal((await userinfo(access_token)).status, 200)
  }
)

t.test('no token and two tokens are invalid_request (RFC 7009 §2.2.1)', async t => {
  const { access_token } = await offline()
  for (const parameters of [{}, { token: '' }, { token: [access_token, access_token] }]) {
    t.match(await requests.post('/oauth/revoke', web.caller, parameters), {
      status: 400,
      body: { error: 'invalid_request' }
    })
  }
  t.equal((await userinfo(access_token)).status, 200)
})

t.test('the audit trail says what was revoked', async t => {
  const tokens = await offline()
  await revoke(web.caller, tokens.access_token)
  await revoke(web.caller, tokens.refresh_token)
  const { rows } = await server.store.database.run<{ type: string; account_id: string }>(
    'test.revocations',
    `SELECT type, account_id FROM audit_events WHERE client_id = 'web' ORDER BY id DESC LIMIT 2`
  )
  const types = rows.map(({ type }) => type)
  t.ok(
    types.every(type => type === 'token.revoked' || type === 'grant.revoked'),
    types.join(' ')
  )
})
