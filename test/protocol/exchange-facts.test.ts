// What protocol/token-exchange.ts relies on in the engine: how it runs a grant type of ours, what its models keep, and what the functions of
// lib/helpers/grants.js do, which its semantic versioning does not cover. One test for each fact, as in engine-facts.test.ts.

import { decodeJwt } from 'jose'
import { type Configuration, errors, Provider } from 'oidc-provider'
import {
  buildTokenResponse,
  checkDpopReplay,
  checkDpopRequired,
  checkMtlsCert,
  validateDpop
} from 'oidc-provider/lib/helpers/grants.js'
import t, { type Test } from 'tap'
import { startEngine } from './recording-engine.ts'
import { createProver } from './requests.ts'

type Handler = Parameters<Provider['registerGrantType']>[1]
type Context = Parameters<Handler>[0]

const api = 'https://api.example.com'
const grantType = 'urn:example:ours'
const info = {
  scope: 'read',
  audience: api,
  accessTokenTTL: 60,
  accessTokenFormat: 'jwt' as const,
  jwt: { sign: { alg: 'ES256' as const, kid: 'one' } }
}

/** An engine with a grant type of ours, which every client may use, and the requests for it. */
async function startOurs(t: Test, handler: Handler) {
  const engine = await startEngine(t)
  engine.provider.registerGrantType(grantType, handler, ['scope', 'one', 'many'], ['many'])
  const { Client } = engine.provider
  Client.prototype.grantTypeAllowed = () => true
  const post = (form: Record<string, string> | [string, string][], headers = {}) =>
    fetch(`${engine.provider.issuer}/token`, {
      method: 'POST',
      headers,
      body: new URLSearchParams([
        ['grant_type', grantType],
        ['client_id', 'app'],
        ['client_secret', 'secret of app'],
        ...(Array.isArray(form) ? form : Object.entries(form))
      ])
    })
  return { ...engine, post }
}

t.test('a grant type is run after authentication, with its own parameters only', async t => {
  const seen: object[] = []
  const ours = await startOurs(t, ctx => {
    seen.push({ ...ctx.oidc.params, client: ctx.oidc.client.clientId })
    ctx.body = {}
  })
  const wrong = await fetch(`${ours.provider.issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: grantType, client_id: 'app', client_secret: 'wrong' })
  })
  t.equal(wrong.status, 401)
  t.same(seen, [], 'nobody came through')
  await ours.post({ one: '1', code: 'x', refresh_token: 'y' })
  const [params] = seen as Record<string, unknown>[]
  t.match(params, { client: 'app', one: '1' })
  t.notOk(params && ('code' in params || 'refresh_token' in params))
})

t.test('a parameter comes once and is not empty; one that may repeat is a list', async t => {
  const seen: Record<string, unknown>[] = []
  const ours = await startOurs(t, ctx => {
    seen.push({ ...ctx.oidc.params })
    ctx.body = {}
  })
  const twice = await ours.post([
    ['one', '1'],
    ['one', '2']
  ])
  t.match(await twice.json(), { error: 'invalid_request' })
  t.same(seen, [])
  await ours.post([
    ['one', ''],
    ['many', 'a'],
    ['many', 'b']
  ])
  t.equal(seen[0]?.['one'], undefined)
  t.same(seen[0]?.['many'], ['a', 'b'])
})

t.test(
  'a grant type that is not registered is advertised nowhere, and makes a client invalid',
  async t => {
    const engine = await startEngine(t)
    const supported = async () =>
      (
        (await (await engine.get('/.well-known/openid-configuration')).json()) as {
          grant_types_supported: string[]
        }
      ).grant_types_supported
    t.notOk((await supported()).includes(grantType))
    const Client = engine.provider.Client as unknown as new (metadata: object) => object
    const metadata = {
      client_id: 'new',
      client_secret: 'a secret',
      redirect_uris: [],
      response_types: [],
      grant_types: [grantType]
    }
    t.throws(() => new Client(metadata), errors.InvalidClientMetadata)
    t.ok(new Client({ ...metadata, grant_types: [] }), 'one without any is taken')
    engine.provider.registerGrantType(grantType, () => undefined)
    t.ok((await supported()).includes(grantType))
    t.ok(new Client(metadata))
  }
)

t.test(
  'an access token keeps the exp that it was given, and is bound by its thumbprint',
  async t => {
    const exp = Math.floor(Date.now() / 1000) + 17
    const ours = await startOurs(t, async ctx => {
      const { provider, client } = ctx.oidc
      const token = new provider.AccessToken({
        ...{ client, accountId: 'ada', grantId: 'g', gty: grantType, expiresWithSession: false },
        resourceServer: new provider.ResourceServer(api, info)
      })
      token.scope = 'read'
      token.exp = exp
      token.setThumbprint('jkt', 'a-thumbprint')
      ctx.body = { value: await token.save(), jti: token.jti, type: token.tokenType }
    })
    const answer = (await (await ours.post({})).json()) as Record<string, string>
    const claims = decodeJwt(answer['value'] ?? '')
    t.match(claims, { sub: 'ada', client_id: 'app', aud: api, scope: 'read', exp })
    t.match(claims, { jti: answer['jti'], cnf: { jkt: 'a-thumbprint' } })
    t.equal(answer['type'], 'DPoP')
    t.same(ours.calls, [], 'and is not stored')
  }
)

/** What a handler's work answers, or how it fails. */
async function outcomeOf(
  t: Test,
  work: (ctx: Context) => unknown,
  headers: object = {},
  form = {}
) {
  const ours = await startOurs(t, async ctx => {
    ctx.body = { outcome: (await work(ctx)) ?? 'undefined' }
  })
  const given = Object.entries(headers).map(async ([name, make]) => [
    name,
    await make(`${ours.provider.issuer}/token`)
  ])
  const response = await ours.post(form, Object.fromEntries(await Promise.all(given)))
  return (await response.json()) as Record<string, unknown>
}

t.test(
  'validateDpop: undefined without a proof, its thumbprint with one, else the refusal',
  async t => {
    const prover = await createProver()
    const work = (ctx: Context) => validateDpop(ctx.oidc.provider, ctx)
    t.match(await outcomeOf(t, work), { outcome: 'undefined' })
    const DPoP = (url: string) => prover.proof({ url })
    t.match(await outcomeOf(t, work, { DPoP }), { outcome: { thumbprint: prover.thumbprint } })
    const elsewhere = { DPoP: () => prover.proof({ url: 'https://elsewhere.example.com/token' }) }
    t.match(await outcomeOf(t, work, elsewhere), { error: 'invalid_dpop_proof' })
  }
)

t.test(
  'checkDpopReplay claims the proof of the client, once, by ReplayDetection.unique',
  async t => {
    const claimed: unknown[] = []
    const work = async (ctx: Context) => {
      const { provider } = ctx.oidc
      Object.assign(provider.ReplayDetection, {
        unique: async (...given: unknown[]) => claimed.push(given.slice(0, 2)) === 1
      })
      const proof = { thumbprint: 't', jti: 'j', iat: 1 }
      await checkDpopReplay(provider, ctx, proof, 'app', errors.InvalidRequest)
      await checkDpopReplay(provider, ctx, undefined, 'app', errors.InvalidRequest)
      await checkDpopReplay(provider, ctx, proof, 'app', errors.InvalidRequest)
    }
    t.match(await outcomeOf(t, work), { error: 'invalid_request' })
    t.same(claimed, [
      ['app', 'j'],
      ['app', 'j']
    ])
  }
)

t.test('checkDpopRequired and checkMtlsCert refuse in the class that they are given', async t => {
  const required = (bound: boolean) => (ctx: Context) => {
    Object.defineProperty(ctx.oidc.client, 'dpopBoundAccessTokens', { value: bound })
    checkDpopRequired(ctx.oidc.provider, ctx, undefined, errors.InvalidRequest)
  }
  t.match(await outcomeOf(t, required(true)), { error: 'invalid_request' })
  t.match(await outcomeOf(t, required(false)), { outcome: 'undefined' })
  const none = (ctx: Context) => checkMtlsCert(ctx.oidc.provider, ctx, errors.InvalidRequest)
  t.match(await outcomeOf(t, none), { outcome: 'undefined' }, 'a client that is not bound')
})

t.test('buildTokenResponse names what it is given, and leaves out what is undefined', async t => {
  const provider = new Provider('http://localhost', { jwks: { keys: [] } } as Configuration)
  const given = { accessToken: 'a', tokenType: 'Bearer', expiresIn: 1, issuedTokenType: 'i' }
  t.strictSame(buildTokenResponse(provider, { ...given, scope: undefined }), {
    access_token: 'a',
    expires_in: 1,
    issued_token_type: 'i',
    token_type: 'Bearer'
  })
})

t.test('introspection compares the grant’s client with the token’s, and tells `extra`', async t => {
  const engine = await startEngine(t)
  const exp = Math.floor(Date.now() / 1000) + 60
  const common = { accountId: 'ada', exp, iat: exp - 120 }
  engine.store.set('AccessToken x', {
    ...{ ...common, kind: 'AccessToken', jti: 'x', clientId: 'app', grantId: 'g' },
    extra: { act: { sub: 'app' } }
  })
  const told = async (clientId: string) => {
    engine.store.set('Grant g', { ...common, kind: 'Grant', jti: 'g', clientId })
    const form = { client_id: 'app', client_secret: 'secret of app', token: 'x' }
    return (await engine.post('/token/introspection', form)).json()
  }
  t.match(await told('app'), { active: true, act: { sub: 'app' } })
  t.same(await told('other'), { active: false })
})
