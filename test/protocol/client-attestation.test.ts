// Attestation-based client authentication (draft-ietf-oauth-attestation-based-client-auth-12): an instance of an app proves that it is one by what
// a trusted attester says of its key, and by that key; whoever lacks one of them, or shows it twice, is nobody.

import { randomUUID } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose'
import t from 'tap'
import { createSigner, type Signer, signJwt, startKeyHost } from '../support/key-host.ts'
import { startTestServer } from '../support/server.ts'
import { type App, claimsIn, createRequests, nobody } from './requests.ts'

const host = await startKeyHost(t)
const attester = `${host.url}/attester`
const other = `${host.url}/other`
const key = await createSigner('attester-1')
const otherKey = await createSigner('other-1')
const algorithms = ['ES256', 'RS256', 'PS256', 'EdDSA', 'ES384']
const signers = await Promise.all(algorithms.map(alg => createSigner(`attester-${alg}`, alg)))
host.answers.set('/attester/keys', { keys: [key, ...signers].map(({ jwk }) => jwk) })
host.answers.set('/other/keys', { keys: [otherKey.jwk] })

const client = (client_id: string, more: object = {}) => ({
  client_id,
  type: 'native',
  redirect_uris: [`https://${client_id}.example.com/callback`],
  token_endpoint_auth_method: 'attest_jwt_client_auth',
  attester,
  ...more
})
const server = await startTestServer(t, {
  trustedIssuers: [
    { issuer: attester, jwksUri: `${attester}/keys`, attests: true, maxLifetime: '1h' },
    { issuer: other, jwksUri: `${other}/keys`, attests: true },
    { issuer: `${host.url}/silent`, jwksUri: `${attester}/keys` }
  ],
  clients: [
    client('app'),
    client('second'),
    client('proving', { token_endpoint_auth_method: 'attest_jwt_client_auth_dpop' }),
    {
      ...client('batch', { type: 'machine', redirect_uris: undefined })
    }
  ]
})
const requests = createRequests(server)
const { issuer } = requests
const now = () => Math.floor(Date.now() / 1000)
type Claims = Record<string, unknown>

/** An instance of an app with a key of its own. */
async function instanceOf(clientId: string) {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(publicKey)
  const signer = { alg: 'ES256', kid: undefined as unknown as string, privateKey }
  return {
    jwk,
    signer,
    attestation: (claims: Claims = {}, by: Signer = key, header: Claims = {}) =>
      signJwt(
        by,
        {
          ...{ iss: attester, sub: clientId, iat: now(), exp: now() + 600, cnf: { jwk } },
          ...claims
        },
        { typ: 'oauth-client-attestation+jwt', ...header }
      ),
    proof: async (claims: Claims = {}, by: Pick<Signer, 'alg' | 'kid' | 'privateKey'> = signer) =>
      signJwt(
        by,
        {
          ...{ aud: issuer, jti: randomUUID(), iat: now(), challenge: await challenge() },
          ...claims
        },
        { typ: 'oauth-client-attestation-pop+jwt', kid: undefined }
      )
  }
}
type Instance = Awaited<ReturnType<typeof instanceOf>>

async function challenge(): Promise<string> {
  const { body } = await requests.post('/oauth/challenge', nobody, {})
  return String(body['attestation_challenge'])
}

const shown = (attestation: string, proof?: string) => ({
  'oauth-client-attestation': attestation,
  ...(proof === undefined ? {} : { 'oauth-client-attestation-pop': proof })
})
const headersOf = async (instance: Instance) =>
  shown(await instance.attestation(), await instance.proof())
const grant = { grant_type: 'client_credentials' }
const ask = (headers: Record<string, string>) => requests.token(nobody, grant, headers)
const batch = await instanceOf('batch')

t.test('an attested instance authenticates, after a challenge (§8)', async t => {
  const { body, headers } = await requests.post('/oauth/challenge', nobody, {})
  t.equal(headers.get('cache-control'), 'no-store')
  t.match(body['attestation_challenge'], /^[\w-]{43}$/)
  const answer = await ask(await headersOf(batch))
  t.equal(answer.status, 200, answer.text)
  t.equal(claimsIn(answer.body.access_token)['client_id'], 'batch')
  const { body: said } = await requests.get('/.well-known/openid-configuration')
  t.equal(said['challenge_endpoint'], `${issuer}/oauth/challenge`)
  const methods = said['token_endpoint_auth_methods_supported'] as string[]
  t.ok(methods.includes('attest_jwt_client_auth'))
  t.ok(methods.includes('attest_jwt_client_auth_dpop'))
})

t.test('what nobody attested, or for something else, is invalid_client', async t => {
  const stranger = await createSigner('attester-1')
  const [attestation, proof] = [batch.attestation, batch.proof]
  const wrong: Record<string, Record<string, string>> = {
    'another key of the attester': shown(await attestation({}, stranger), await proof()),
    'another attester': shown(await attestation({ iss: other }, otherKey), await proof()),
    'an issuer that attests nothing': shown(
      await attestation({ iss: `${host.url}/silent` }),
      await proof()
    ),
    'no issuer': shown(await attestation({ iss: undefined }), await proof()),
    'of nobody': shown(await attestation({ sub: 'unknown' }), await proof()),
    'that has expired': shown(
      await attestation({ iat: now() - 900, exp: now() - 300 }),
      await proof()
    ),
    'that would live too long': shown(await attestation({ exp: now() + 7200 }), await proof()),
    'from the future': shown(await attestation({ iat: now() + 120 }), await proof()),
    'without a key': shown(await attestation({ cnf: undefined }), await proof()),
    'of another type': shown(await attestation({}, key, { typ: 'JWT' }), await proof()),
    'with crit': shown(
      await attestation({}, key, { crit: ['x'], x: 1 }).catch(() => 'a.b.c'),
      await proof()
    ),
    'another spelling': shown(`${await attestation()}==`, await proof()),
    'without a proof': shown(await attestation()),
    'a proof of another key': shown(await attestation(), await proof({}, stranger)),
    'a proof for another server': shown(
      await attestation(),
      await proof({ aud: 'https://else.example.com' })
    ),
    'a proof for several': shown(await attestation(), await proof({ aud: [issuer] })),
    'an old proof': shown(await attestation(), await proof({ iat: now() - 900 })),
    'a proof without jti': shown(await attestation(), await proof({ jti: undefined })),
    'a proof in another spelling': shown(await attestation(), `${await proof()}=`)
  }
  for (const [what, headers] of Object.entries(wrong)) {
    const answer = await ask(headers)
    t.ok([400, 401].includes(answer.status), `${what}: ${answer.text}`)
    t.match(answer.body['error'], /^invalid_(client|request)$/, what)
    t.ok(String(answer.body['error_description']).length > 10, what)
  }
  for (const invented of ['x', '', undefined]) {
    const answer = await ask(shown(await attestation(), await proof({ challenge: invented })))
    t.match(answer.body, { error: 'use_attestation_challenge' }, 'a challenge that is none')
    t.match(answer.headers.get('oauth-client-attestation-challenge'), /^[\w-]{43}$/)
  }
  const second = shown(await attestation({ sub: 'second' }), await proof())
  const mismatch = await requests.token(nobody, { ...grant, client_id: 'batch' }, second)
  t.match(mismatch, { status: 400, body: { error: 'invalid_request' } }, 'of another client')
  t.equal((await ask(await headersOf(batch))).status, 200, 'and as it should be')
})

t.test('each advertised algorithm signs attestations and proofs, and no other does', async t => {
  const { body } = await requests.get('/.well-known/openid-configuration')
  for (const kind of ['', '_pop']) {
    const said = body[`client_attestation${kind}_signing_alg_values_supported`] as string[]
    t.same([...said].sort(), algorithms.filter(alg => alg !== 'ES384').sort())
  }
  for (const signer of signers) {
    const { alg } = signer
    const expected = alg === 'ES384' ? 401 : 200
    const attested = shown(await batch.attestation({}, signer), await batch.proof())
    t.equal((await ask(attested)).status, expected, `an attestation by ${alg}`)
    // the attester's own key pair, taken for an instance's
    const { kid: _, use: __, alg: ___, ...jwk } = signer.jwk
    const attestation = await batch.attestation({ cnf: { jwk } })
    t.equal((await ask(shown(attestation, await batch.proof({}, signer)))).status, expected, alg)
  }
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const [, payload] = (await batch.attestation()).split('.')
  for (const alg of ['none', 'HS256', 'es256']) {
    const header = encode({ alg, kid: key.kid, typ: 'oauth-client-attestation+jwt' })
    t.equal((await ask(shown(`${header}.${payload}.AAAA`, await batch.proof()))).status, 401, alg)
  }
})

t.test('a proof is good once, also for eight at the same time', async t => {
  const headers = await headersOf(batch)
  const all = await Promise.all(Array.from({ length: 8 }, () => ask(headers)))
  t.same(all.map(({ status }) => status).sort(), [200, 401, 401, 401, 401, 401, 401, 401])
  t.equal((await ask(headers)).status, 401)
})

const appOf = (clientId: string): App => ({
  clientId,
  redirectUri: `https://${clientId}.example.com/callback`,
  caller: { headers: {}, parameters: {} }
})
const offline = { scope: 'openid offline_access', extra: { prompt: 'consent' } }

t.test('tokens of an instance are refreshed by that instance alone (§6.3)', async t => {
  const [mine, another] = [await instanceOf('app'), await instanceOf('app')]
  const app = appOf('app')
  const code = await requests.code({ app, ...offline })
  t.match(
    (await requests.redeem(code)).body,
    { error: /^invalid_(client|request)$/ },
    'nothing shown'
  )
  const { body } = await requests.redeem(code, {}, { headers: await headersOf(mine) })
  t.type(body.refresh_token, 'string')
  const stolen = await requests.refresh(app, body.refresh_token, {}, await headersOf(another))
  t.match(stolen, { status: 400, body: { error: 'invalid_grant' } })
  const refreshed = await requests.refresh(app, body.refresh_token, {}, await headersOf(mine))
  t.equal(refreshed.status, 200, refreshed.text)
  const again = refreshed.body.refresh_token
  t.match((await requests.refresh(app, again, {}, await headersOf(another))).status, 400)
  t.equal((await requests.refresh(app, again, {}, await headersOf(mine))).status, 200)
})

t.test('a DPoP proof of the attested key takes the place of its own (§7)', async t => {
  const mine = await instanceOf('proving')
  const app = appOf('proving')
  const url = `${issuer}/oauth/token`
  const dpop = async (nonce?: string) =>
    signJwt(
      mine.signer,
      {
        jti: randomUUID(),
        htm: 'POST',
        htu: url,
        iat: now(),
        ...(nonce === undefined ? {} : { nonce })
      },
      { typ: 'dpop+jwt', kid: undefined, jwk: mine.jwk }
    )
  const code = await requests.code({ app })
  const first = await requests.redeem(
    code,
    {},
    { headers: { ...shown(await mine.attestation()), dpop: await dpop() } }
  )
  t.match(first.body, { error: 'use_dpop_nonce' }, 'a nonce stands for the challenge')
  const nonce = first.headers.get('dpop-nonce') ?? ''
  const stranger = await instanceOf('proving')
  const other = { ...shown(await stranger.attestation()), dpop: await dpop(nonce) }
  t.equal((await requests.redeem(code, {}, { headers: other })).status, 401, 'another key')
  const headers = { ...shown(await mine.attestation()), dpop: await dpop(nonce) }
  const { status, body, text } = await requests.redeem(code, {}, { headers })
  t.equal(status, 200, text)
  t.equal(body['token_type'], 'DPoP')
  const jkt = await calculateJwkThumbprint(mine.jwk)
  t.same(claimsIn(body.access_token)['cnf'], { jkt })
})

t.test('an attester is for these methods, and is one that is trusted', async t => {
  const create = (metadata: object) =>
    server.server.clients.create({ type: 'native', owner: 'cli', metadata } as never)
  const redirect_uris = ['https://new.example.com/callback']
  const method = 'attest_jwt_client_auth'
  for (const wrong of [
    { redirect_uris, token_endpoint_auth_method: method },
    { redirect_uris, attester },
    { redirect_uris, token_endpoint_auth_method: method, attester: 'https://evil.example.com' }
  ])
    t.notOk((await create(wrong)).ok, JSON.stringify(wrong))
  t.ok((await create({ redirect_uris, token_endpoint_auth_method: method, attester })).ok)
})

t.test('without an attester there is no such method, and no challenge', async t => {
  const plain = createRequests(await startTestServer(t))
  const { body } = await plain.get('/.well-known/openid-configuration')
  t.notOk('challenge_endpoint' in body)
  t.notMatch(JSON.stringify(body), /attest/)
  t.equal((await plain.post('/oauth/challenge', nobody, {})).status, 404)
})
