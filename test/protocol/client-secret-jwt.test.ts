// client_secret_jwt (OpenID Connect Core §9): assertions that a client signs with its secret. The secret lies sealed and opens for this alone;
// two live secrets both count while one follows the other; a client that shows its secret can never sign with it.

import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import * as oidc from 'openid-client'
import t from 'tap'
import { issueInitialAccessToken } from '../../src/clients/registration-token.ts'
import { openSecret } from '../../src/clients/sealed-secrets.ts'
import { createSealer } from '../../src/lib/seal.ts'
import { digest } from '../../src/lib/secret.ts'
import { secretOf } from '../support/configuration.ts'
import { createSigner, signJwt } from '../support/key-host.ts'
import { discover } from '../support/relying-party.ts'
import { masterKey, startTestServer } from '../support/server.ts'
import { basic, type Caller, createRequests, inBody } from './requests.ts'

const grant = { grant_type: 'client_credentials' }
const now = () => Math.floor(Date.now() / 1000)
const method = 'client_secret_jwt'
let ahead = 0
const own = await createSigner('own')
const server = await startTestServer(
  t,
  {
    registration: { enabled: true },
    clients: [
      {
        client_id: 'hmac-client',
        type: 'machine',
        token_endpoint_auth_method: method,
        client_secret: secretOf('hmac-client')
      },
      {
        client_id: 'signer',
        type: 'machine',
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [own.jwk] }
      }
    ]
  },
  { now: () => new Date(Date.now() + ahead * 1000) }
)
const requests = createRequests(server)
const { issuer, token } = requests
const { clients } = server.server
const { database } = server.store

async function assertion(
  clientId: string,
  secret: string | Uint8Array,
  claims: Record<string, unknown> = {},
  alg = 'HS256',
  header: Record<string, unknown> = {}
): Promise<Caller> {
  const all = { iss: clientId, sub: clientId, aud: issuer, jti: randomUUID(), exp: now() + 60 }
  const client_assertion = await new SignJWT(JSON.parse(JSON.stringify({ ...all, ...claims })))
    .setProtectedHeader({ alg, ...header })
    .sign(typeof secret === 'string' ? new TextEncoder().encode(secret) : secret)
  const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
  return { headers: {}, parameters: { client_assertion, client_assertion_type } }
}

async function make(members: object = {}) {
  const metadata = { token_endpoint_auth_method: method, ...members }
  const made = await clients.create({ type: 'machine', owner: 'cli', metadata })
  if (!made.ok || made.secret === undefined) throw new Error(JSON.stringify(made))
  return { clientId: made.client.clientId, secret: made.secret }
}

const status = async (clientId: string, secret: string) =>
  (await token(await assertion(clientId, secret), grant)).status

t.test('openid-client signs with its secret (OpenID Connect Core §9)', async t => {
  for (const { clientId, secret } of [
    await make(),
    { clientId: 'hmac-client', secret: secretOf('hmac-client') }
  ]) {
    const clientAuthentication = oidc.ClientSecretJwt(secret)
    const config = await discover({ issuer, clientId, clientAuthentication })
    const tokens = await oidc.clientCredentialsGrant(config)
    t.type(tokens.access_token, 'string')
  }
})

t.test('a wrong secret, audience, time or algorithm is 401, and so is a second use', async t => {
  const { clientId, secret } = await make()
  const key = Buffer.from(secret)
  const wrong: [string, Caller][] = [
    ['another secret', await assertion(clientId, 'x'.repeat(43))],
    ['the digest', await assertion(clientId, digest(secret))],
    ['the digest as text', await assertion(clientId, digest(secret).toString('base64url'))],
    ['nothing as key', await assertion(clientId, new Uint8Array([0]))],
    ['a bit less', await assertion(clientId, secret.slice(0, -1))],
    ['HS384', await assertion(clientId, secret, {}, 'HS384')],
    ['HS512', await assertion(clientId, secret, {}, 'HS512')],
    ['the token endpoint', await assertion(clientId, secret, { aud: `${issuer}/oauth/token` })],
    ['a list', await assertion(clientId, secret, { aud: [issuer] })],
    ['nobody', await assertion(clientId, secret, { aud: undefined })],
    ['too long', await assertion(clientId, secret, { exp: now() + 400 })],
    ['expired', await assertion(clientId, secret, { exp: now() - 60 })],
    ['no exp', await assertion(clientId, secret, { exp: undefined })],
    ['no jti', await assertion(clientId, secret, { jti: undefined })],
    ['another iss', await assertion(clientId, secret, { iss: 'billing' })]
  ]
  for (const [what, caller] of wrong) {
    t.match(await token(caller, grant), { status: 401, body: { error: 'invalid_client' } }, what)
  }
  const none = await assertion(clientId, key)
  const [, body] = String(none.parameters['client_assertion']).split('.')
  for (const alg of ['none', 'None', 'HS256']) {
    const head = Buffer.from(JSON.stringify({ alg })).toString('base64url')
    const caller = {
      ...none,
      parameters: { ...none.parameters, client_assertion: `${head}.${body}.` }
    }
    t.ok([400, 401].includes((await token(caller, grant)).status), alg)
  }
  const once = await assertion(clientId, secret)
  t.equal((await token(once, grant)).status, 200)
  t.equal((await token(once, grant)).status, 401, 'used')
  const named = await assertion(clientId, secret, {}, 'HS256', {
    kid: '../../etc/passwd',
    jku: 'https://evil.test'
  })
  t.equal((await token(named, grant)).status, 200, 'a kid names nothing here')
})

t.test('what a client does with its secret is what it registered', async t => {
  const { clientId, secret } = await make()
  for (const caller of [basic(clientId, secret), inBody(clientId, secret)]) {
    t.equal((await token(caller, grant)).status, 401, 'it signs, and does not show')
  }
  t.equal(await status('billing', secretOf('billing')), 401, 'it shows, and does not sign')
  t.equal(await status('billing', digest(secretOf('billing')).toString('base64url')), 401)
  const publicKey = JSON.stringify(own.jwk)
  t.equal(
    (await token(await assertion('signer', publicKey), grant)).status,
    401,
    'HS256 with a public key'
  )
  const es256 = await signJwt(own, {
    iss: clientId,
    sub: clientId,
    aud: issuer,
    jti: 'x',
    exp: now() + 60
  })
  const { parameters } = await assertion(clientId, secret)
  const caller = { headers: {}, parameters: { ...parameters, client_assertion: es256 } }
  t.equal((await token(caller, grant)).status, 401, 'a key where a secret is registered')
})

t.test('two secrets count while one follows the other, and then one', async t => {
  const { clientId, secret } = await make()
  const rotated = await clients.rotateSecret(clientId, { keepSeconds: 3600 })
  if (!rotated.ok) throw new Error(rotated.reason)
  t.equal(await status(clientId, secret), 200, 'the older one')
  t.equal(await status(clientId, rotated.secret), 200, 'the newer one')
  ahead = 3601
  t.equal(await status(clientId, secret), 401, 'its time is over, also in memory')
  t.equal(await status(clientId, rotated.secret), 200)
  ahead = 0
  const again = await clients.rotateSecret(clientId, 'revoke')
  if (!again.ok) throw new Error(again.reason)
  t.equal(await status(clientId, rotated.secret), 401, 'ended at once')
  t.equal(await status(clientId, again.secret), 200)
  const used = async () => (await clients.listSecrets(clientId)).map(({ lastUsedAt }) => lastUsedAt)
  while ((await used()).some(at => at === undefined));
  t.pass('the use of the secret that signed is noted')
})

t.test(
  'the secret lies sealed, for its client and place alone, and only while it is needed',
  async t => {
    const { clientId, secret } = await make()
    const rows = async () =>
      (
        await database.run<{ digest: Buffer; sealed: Buffer | null }>(
          'test.secrets',
          'SELECT digest, sealed FROM client_secrets WHERE client_id = $1',
          [clientId]
        )
      ).rows
    const [row] = await rows()
    const sealed = row?.sealed ?? Buffer.alloc(0)
    t.notOk(sealed.includes(secret))
    const kept = { digest: digest(secret), sealed, expiresAt: undefined }
    const seal = createSealer({ masterKey })
    t.equal(openSecret(seal, clientId, kept)?.toString(), secret)
    t.throws(() => openSecret(seal, 'somebody-else', kept), { code: 'seal_broken' })
    t.throws(() => openSecret(seal, clientId, { ...kept, digest: digest('x') }), {
      code: 'seal_broken'
    })

    const shows = { token_endpoint_auth_method: 'client_secret_basic' }
    const changed = await clients.update(clientId, shows, 'cli')
    t.match(changed, { ok: true, secret: undefined })
    t.match(
      await rows(),
      [{ sealed: null }],
      'a client that shows its secret needs no more than a digest'
    )
    t.equal((await token(basic(clientId, secret), grant)).status, 200)
    const back = await clients.update(clientId, { token_endpoint_auth_method: method }, 'cli')
    if (!back.ok || back.secret === undefined) throw new Error('no secret was made')
    t.equal(await status(clientId, secret), 401, 'a digest verifies nothing')
    t.equal(await status(clientId, back.secret), 200, 'so there is a new one')
  }
)

t.test(
  'the configuration file brings a secret that is sealed, and one that follows it',
  async t => {
    const entry = (client_secret: string, changes: object = {}) => ({
      client_id: 'from-file',
      type: 'machine' as const,
      token_endpoint_auth_method: method,
      client_secret,
      ...changes
    })
    let revision = 10
    const bring = async (...entries: ReturnType<typeof entry>[]) => {
      revision += 1
      const done = await clients.reconcile(entries, { from: 'key', value: revision })
      t.ok(done.ok && done.outcome === 'written', JSON.stringify(done))
    }
    const [first, next] = [secretOf('from-file'), secretOf('file-next')]
    await bring(entry(first, { token_endpoint_auth_method: 'client_secret_post' }))
    t.equal((await token(inBody('from-file', first), grant)).status, 200)
    await bring(entry(first))
    t.equal(await status('from-file', first), 200, 'the same secret, sealed from now on')
    t.equal((await token(inBody('from-file', first), grant)).status, 401)
    await bring(entry(next))
    t.same([await status('from-file', first), await status('from-file', next)], [200, 200])
    await bring(entry(next, { token_endpoint_auth_method: 'client_secret_basic' }))
    const { rows } = await database.run(
      'test.sealed',
      `SELECT 1 FROM client_secrets WHERE client_id = 'from-file' AND sealed IS NOT NULL`
    )
    t.same(rows, [])
  }
)

t.test('a client that registers itself has its secret sealed, too (RFC 7591 §3.2.1)', async t => {
  const { token: initial } = await issueInitialAccessToken(database, {
    lifetimeSeconds: 60,
    uses: 100
  })
  const register = async (members: object) => {
    const response = await fetch(`${issuer}/oauth/register`, {
      method: 'POST',
      headers: { authorization: `Bearer ${initial}`, 'content-type': 'application/json' },
      body: JSON.stringify(members)
    })
    return (await response.json()) as Record<string, string>
  }
  const machine = { grant_types: ['client_credentials'], response_types: [] }
  const body = await register({ ...machine, token_endpoint_auth_method: method })
  const { client_id: clientId = '', client_secret: secret = '' } = body
  t.match(secret, /^[\w-]{43,}$/, JSON.stringify(body))
  t.equal(await status(clientId, secret), 200)
  t.equal((await token(basic(clientId, secret), grant)).status, 401)
  const { rows } = await database.run<{ sealed: Buffer }>(
    'test.registered',
    'SELECT sealed FROM client_secrets WHERE client_id = $1',
    [clientId]
  )
  t.equal(rows[0]?.sealed.includes(secret), false)
})

t.test('the algorithm of the method is HS256, and of no other method', async t => {
  const refused = async (metadata: object) =>
    (await clients.create({ type: 'machine', owner: 'cli', metadata })).ok === false
  const jwks = { keys: [own.jwk] }
  t.ok(
    await refused({ token_endpoint_auth_method: method, token_endpoint_auth_signing_alg: 'ES256' })
  )
  t.ok(
    await refused({ token_endpoint_auth_method: method, token_endpoint_auth_signing_alg: 'HS512' })
  )
  const signs = { token_endpoint_auth_method: 'private_key_jwt', jwks }
  t.ok(await refused({ ...signs, token_endpoint_auth_signing_alg: 'HS256' }))
  t.ok(await refused({ token_endpoint_auth_signing_alg: 'HS256' }))
  const { clientId, secret } = await make({ token_endpoint_auth_signing_alg: 'HS256' })
  t.equal(await status(clientId, secret), 200)
})
