// What we rely on in the engine and what its documentation does not promise, one test for each fact, against the engine itself with an
// adapter that writes down what it is asked. An upgrade that changes one fails here, by name, and not in production.

import { SignJWT } from 'jose'
import { type AdapterPayload, Provider } from 'oidc-provider'
import t from 'tap'
import { parseEngineForm } from '../../src/protocol/engine-pages.ts'
import { type Engine, privateKey, startEngine } from './recording-engine.ts'
import { createProver } from './requests.ts'

const anHourAhead = () => Math.floor(Date.now() / 1000) + 3600
const asClient = (id: string) => ({ client_id: id, client_secret: `secret of ${id}` })

/** A grant with a refresh token, as it would be found. */
function seedRefreshToken({ store }: Engine, changes: Partial<AdapterPayload> = {}) {
  const common = { accountId: 'ada', clientId: 'app', exp: anHourAhead() }
  const scope = 'openid offline_access'
  store.set('Grant g', { ...common, kind: 'Grant', jti: 'g', openid: { scope } })
  store.set('RefreshToken old', {
    ...common,
    kind: 'RefreshToken',
    jti: 'old',
    grantId: 'g',
    gty: 'authorization_code',
    scope,
    expiresWithSession: false,
    ...changes
  })
}

const refresh = (engine: Engine, client = 'app', headers = {}) =>
  engine.post(
    '/token',
    { ...asClient(client), grant_type: 'refresh_token', refresh_token: 'old' },
    headers
  )

const writes = ({ calls }: Engine) => calls.filter(call => !call.includes('.find'))

t.test(
  'rotation: consume(old), then the entity RotatedRefreshToken, then the successor by generateTokenId',
  async t => {
    const engine = await startEngine(t)
    seedRefreshToken(engine)
    const seen: unknown[] = []
    Object.assign(engine.provider.RefreshToken.prototype, {
      generateTokenId() {
        const { RotatedRefreshToken: rotated } = Provider.ctx?.oidc.entities ?? {}
        seen.push(rotated?.jti, [...engine.calls].pop())
        return 'successor'
      }
    })
    const answer = await refresh(engine)
    t.match(await answer.json(), { refresh_token: 'successor' })
    t.same(seen, ['old', 'RefreshToken.consume old'])
    t.same(writes(engine).slice(0, 2), [
      'RefreshToken.consume old',
      'RefreshToken.upsert successor'
    ])
  }
)

t.test(
  'a refresh token is looked at for expiry before it is looked at for consumption',
  async t => {
    const engine = await startEngine(t)
    seedRefreshToken(engine, { consumed: true, exp: 1 })
    t.equal((await refresh(engine)).status, 400)
    t.same(writes(engine), [], 'reuse of an expired token would go unseen')
  }
)

t.test(
  'a consumed refresh token is destroyed and its grant revoked, then the request refused',
  async t => {
    const engine = await startEngine(t)
    seedRefreshToken(engine, { consumed: true })
    t.equal((await refresh(engine)).status, 400)
    t.ok(engine.calls.includes('RefreshToken.destroy old'))
    t.ok(engine.calls.includes('RefreshToken.revokeByGrantId g'))
    t.ok(engine.calls.includes('Grant.destroy g'))
  }
)

t.test('client and DPoP key are compared before consumption is looked at', async t => {
  const engine = await startEngine(t)
  const prover = await createProver()
  seedRefreshToken(engine, { consumed: true })
  t.equal((await refresh(engine, 'other')).status, 400)
  t.same(writes(engine), [], 'another client')
  seedRefreshToken(engine, { consumed: true, jkt: 'the thumbprint of another key' })
  const DPoP = await prover.proof({ url: `${engine.provider.issuer}/token` })
  t.equal((await refresh(engine, 'app', { DPoP })).status, 400)
  t.same(
    writes(engine).filter(call => !call.startsWith('ReplayDetection')),
    [],
    'another key'
  )
})

t.test('a consumed code revokes its grant', async t => {
  const engine = await startEngine(t)
  seedRefreshToken(engine)
  const redirect_uri = 'https://app.example.com/callback'
  engine.store.set('AuthorizationCode c', {
    accountId: 'ada',
    clientId: 'app',
    exp: anHourAhead(),
    kind: 'AuthorizationCode',
    jti: 'c',
    grantId: 'g',
    redirectUri: redirect_uri,
    scope: 'openid',
    consumed: true
  })
  const form = { ...asClient('app'), grant_type: 'authorization_code', code: 'c', redirect_uri }
  t.equal((await engine.post('/token', form)).status, 400)
  t.ok(engine.calls.includes('Grant.destroy g'))
})

async function someJwt(): Promise<string> {
  return new SignJWT({ sub: 'ada' })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' })
    .sign(privateKey)
}

t.test(
  'userinfo hands any token to AccessToken.find, a JWT too, and refuses one that has an audience',
  async t => {
    const engine = await startEngine(t)
    seedRefreshToken(engine)
    const jwt = await someJwt()
    const token = {
      kind: 'AccessToken',
      jti: jwt,
      accountId: 'ada',
      clientId: 'app',
      grantId: 'g',
      scope: 'openid',
      exp: anHourAhead()
    }
    const ask = () => engine.get('/me', { authorization: `Bearer ${jwt}` })
    engine.store.set(`AccessToken ${jwt}`, token)
    t.match(await (await ask()).json(), { sub: 'ada' })
    engine.store.set(`AccessToken ${jwt}`, { ...token, aud: engine.provider.issuer })
    t.equal((await ask()).status, 401)
  }
)

t.test(
  'introspection and revocation refuse the shape of a JWT before they look anywhere',
  async t => {
    const engine = await startEngine(t)
    const token = await someJwt()
    for (const path of ['/token/introspection', '/token/revocation']) {
      const answer = await engine.post(path, { ...asClient('app'), token })
      t.match([answer.status, await answer.json()], [400, { error: 'unsupported_token_type' }])
    }
    t.same(engine.calls, [])
  }
)

t.test(
  'introspection and revocation ask for access, machine and refresh tokens at once',
  async t => {
    const engine = await startEngine(t)
    for (const path of ['/token/introspection', '/token/revocation']) {
      engine.calls.length = 0
      await engine.post(path, { ...asClient('app'), token: 'handle' })
      const asked = [
        'AccessToken.find handle',
        'ClientCredentials.find handle',
        'RefreshToken.find handle'
      ]
      t.same(engine.calls.sort(), asked)
    }
  }
)

t.test(
  'every client is found by the static Client.find; compareClientSecret alone judges a secret',
  async t => {
    const engine = await startEngine(t)
    const { Client } = engine.provider as unknown as {
      Client: {
        find(id: string): Promise<unknown>
        prototype: object
        new (metadata: object): { clientSecret: string }
      }
    }
    const asked: string[] = []
    const find = Client.find.bind(Client)
    Client.find = async id => {
      asked.push(id)
      return find(id)
    }
    const compared: string[] = []
    Object.assign(Client.prototype, {
      compareClientSecret(actual: string) {
        compared.push(actual)
        return actual === 'ours'
      }
    })
    const form = { client_id: 'app', grant_type: 'client_credentials' }
    t.equal((await engine.post('/token', { ...form, client_secret: 'ours' })).status, 200)
    t.equal((await engine.post('/token', { ...form, ...asClient('app') })).status, 401)
    await engine.get('/auth?client_id=app')
    t.same([...new Set(asked)], ['app'])
    t.ok(asked.length >= 3)
    t.same(compared, ['ours', 'secret of app'])
    t.same(
      engine.calls.filter(call => call.startsWith('Client.')),
      []
    )
    t.throws(
      () => new Client({ client_id: 'x', redirect_uris: ['https://x.example.com/'] }),
      { message: 'invalid_client_metadata' },
      'a client with a secret method must have one to be built'
    )
  }
)

t.test(
  'middleware of provider.use() has control after the answer is made and before it is sent, refusals included',
  async t => {
    const engine = await startEngine(t)
    const seen: [number, boolean][] = []
    engine.provider.use(async (ctx, next) => {
      await next()
      seen.push([ctx.status, ctx.res.headersSent])
      ctx.status = 418
    })
    const good = await engine.post('/token', {
      ...asClient('app'),
      grant_type: 'client_credentials'
    })
    const bad = await engine.post('/token', { ...asClient('app'), grant_type: 'refresh_token' })
    t.same([good.status, bad.status], [418, 418])
    t.same(seen, [
      [200, false],
      [400, false]
    ])
  }
)

t.test(
  'what an adapter throws becomes a 500 with a server_error event, in the same asynchronous context',
  async t => {
    const engine = await startEngine(t)
    const failures: unknown[] = []
    engine.provider.on('server_error', (_ctx, error) => failures.push(error.message))
    Object.assign(engine.provider.RefreshToken, {
      find: async () => {
        throw new Error('the database is gone')
      }
    })
    t.equal((await refresh(engine)).status, 500)
    t.same(failures, ['the database is gone'])
  }
)

t.test('ReplayDetection.unique is awaited, and its no refuses a DPoP proof', async t => {
  const engine = await startEngine(t)
  const prover = await createProver()
  const url = `${engine.provider.issuer}/token`
  const asked: unknown[] = []
  let first = true
  Object.assign(engine.provider.ReplayDetection, {
    unique: async (owner: string, jti: string, exp: number) => {
      asked.push([owner, typeof jti, typeof exp])
      return first
    }
  })
  const send = async () => {
    const form = { ...asClient('app'), grant_type: 'client_credentials' }
    return (await engine.post('/token', form, { DPoP: await prover.proof({ url }) })).status
  }
  t.equal(await send(), 200)
  first = false
  t.equal(await send(), 400)
  t.match(asked, [
    ['app', 'string', 'number'],
    ['app', 'string', 'number']
  ])
})

t.test(
  'a page of ours gets the engine’s form with its address in action and its inputs as name and value',
  async t => {
    const forms: string[] = []
    const engine = await startEngine(t, {
      features: {
        deviceFlow: {
          enabled: true,
          userCodeInputSource: async (ctx, form) => {
            forms.push(form)
            ctx.body = 'ours'
          }
        }
      }
    })
    const { issuer } = engine.provider
    t.equal(await (await engine.get('/device')).text(), 'ours')
    t.match(parseEngineForm(forms[0] ?? ''), { action: `${issuer}/device`, xsrf: /^\w{16,}$/ })

    const submitsItself = 'document.forms[0].submit()'
    const direct = await (await engine.get('/device?user_code=ABCD-EFGH')).text()
    t.match(direct, submitsItself)
    t.match(parseEngineForm(direct), {
      action: `${issuer}/device`,
      inputs: { xsrf: /^\w+$/, user_code: 'ABCD-EFGH' }
    })
    const signOut = await (await engine.get('/session/end')).text()
    t.match(signOut, submitsItself)
    t.match(parseEngineForm(signOut), {
      action: `${issuer}/session/end/confirm`,
      inputs: { xsrf: /^\w+$/, logout: 'yes' }
    })
  }
)
