// Clients with the profile `fapi2` (FAPI 2.0 Security Profile): the whole of it with openid-client, and by hand everything that the profile
// refuses. What their metadata may not be is test/clients/profile.test.ts.

import * as oidc from 'openid-client'
import t from 'tap'
import { createVerifier } from '../../src/resource-server/verifier.ts'
import { createBrowser } from '../support/browser.ts'
import { passPages } from '../support/relying-party.ts'
import { person, startTestServer } from '../support/server.ts'
import { shown } from './certified.ts'
import {
  bank,
  certificate,
  certified,
  createProfileClients,
  fapiApi,
  jwks,
  privateKeyOf,
  profileSetting,
  rival,
  rsaApi,
  turning
} from './profile-clients.ts'
import {
  type App,
  type Caller,
  claimsIn,
  createProver,
  createRequests,
  headerOf
} from './requests.ts'

const server = await startTestServer(t, profileSetting)
const requests = createRequests(server)
const { issuer, ada, turnClock } = requests
const { callerOf, push } = createProfileClients(requests)
const tokenUrl = `${issuer}/oauth/token`
const prover = await createProver()
const proved = async (by = prover, url = tokenUrl) => ({ dpop: await by.proof({ url }) })

t.afterEach(() => turnClock(0))

/** A code of the app, by a pushed request. */
async function codeOf(who: App = bank, changed: Record<string, string> = {}, caller?: Caller) {
  const { answer, url, verifier } = await push(who, changed, { caller, scope: changed['scope'] })
  if (answer.status !== 201) throw new Error(answer.text)
  const { callbackUrl } = await passPages(ada, await ada.get(url), {
    ...person,
    redirectUri: who.redirectUri
  })
  return { code: callbackUrl.searchParams.get('code') ?? '', verifier, callbackUrl, app: who }
}

const exchange = (
  { code, verifier, app }: Awaited<ReturnType<typeof codeOf>>,
  caller: Caller,
  headers: Record<string, string> = {},
  changed: Record<string, string> = {}
) =>
  requests.token(
    caller,
    {
      grant_type: 'authorization_code',
      code,
      redirect_uri: app.redirectUri,
      code_verifier: verifier,
      ...changed
    },
    headers
  )

t.test(
  'openid-client goes all the way: pushed, private_key_jwt, DPoP, iss, ES256 (FAPI 2.0 §5.3)',
  async t => {
    const metadata = { client_id: 'bank', id_token_signed_response_alg: 'ES256' }
    const key = { key: privateKeyOf('PS256'), kid: 'PS256' }
    const asserted = oidc.PrivateKeyJwt(key, {
      [oidc.modifyAssertion]: (_header, payload) => {
        payload['aud'] = issuer
      }
    })
    const config = await oidc.discovery(new URL(issuer), 'bank', metadata, asserted, {
      execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks]
    })
    const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'))
    const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
    const expectedState = oidc.randomState()
    const url = await oidc.buildAuthorizationUrlWithPAR(
      config,
      {
        redirect_uri: bank.redirectUri,
        scope: 'openid offline_access read:fapi',
        resource: fapiApi,
        state: expectedState,
        prompt: 'consent',
        code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
        code_challenge_method: 'S256'
      },
      { DPoP }
    )
    const { callbackUrl } = await passPages(ada, await ada.get(url), {
      ...person,
      redirectUri: bank.redirectUri
    })
    t.equal(callbackUrl.searchParams.get('iss'), issuer, 'RFC 9207')
    const checks = { pkceCodeVerifier, expectedState, idTokenExpected: true }
    const resource = { resource: fapiApi }
    const tokens = await oidc.authorizationCodeGrant(config, callbackUrl, checks, resource, {
      DPoP
    })
    t.equal(tokens.token_type, 'dpop')
    t.equal(headerOf(tokens.id_token ?? '')['alg'], 'ES256')
    t.equal(headerOf(tokens.access_token)['alg'], 'ES256')
    t.match(claimsIn(tokens.access_token)['cnf'], { jkt: /./ })
    const bearer = await createVerifier({ issuer, audience: fapiApi }).verify(
      `Bearer ${tokens.access_token}`
    )
    t.equal(bearer.ok, false, 'nobody takes it as a bearer token')

    const again = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '', {}, { DPoP })
    t.equal(again.refresh_token, tokens.refresh_token, '§5.3.2.1: no rotation')
    t.not(again.access_token, tokens.access_token)
  }
)

t.test('a request that was not pushed is refused (FAPI 2.0 §5.3.2.2)', async t => {
  t.match(await requests.refusalOf({ app: bank }), { error: 'invalid_request' })
  const { answer } = await push(bank)
  t.match(answer, { status: 201 })
  t.ok(Number(answer.body['expires_in']) < 600, '§5.3.2.2')
})

t.test('what a pushed request may not say (FAPI 2.0 §5.3.2.2)', async t => {
  const wrong: [string, Record<string, string | undefined>][] = [
    ['no PKCE', { code_challenge: undefined, code_challenge_method: undefined }],
    ['plain PKCE', { code_challenge_method: 'plain' }],
    ['no method', { code_challenge_method: undefined }],
    ['no redirect_uri', { redirect_uri: undefined }],
    ['http', { redirect_uri: bank.redirectUri.replace('https', 'http') }],
    ['another path', { redirect_uri: `${bank.redirectUri}/x` }],
    ['a token', { response_type: 'token' }],
    ['an ID token', { response_type: 'code id_token' }]
  ]
  for (const [what, changed] of wrong) {
    const { answer } = await push(bank, changed)
    t.match(answer, { status: 400, body: { error: /^(invalid|unsupported)_/ } }, what)
    t.notOk('request_uri' in answer.body, what)
  }
})

t.test(
  'who it is, it proves by its own fresh assertion for the issuer alone (FAPI 2.0 §5.3.2.1)',
  async t => {
    for (const alg of ['ES256', 'PS256', 'EdDSA'] as const) {
      const { answer } = await push(bank, {}, { caller: await callerOf(bank, { alg }) })
      t.equal(answer.status, 201, alg)
    }
    const second = Math.floor(Date.now() / 1000)
    const once = await callerOf(bank)
    t.equal((await push(bank, {}, { caller: once })).answer.status, 201)
    const wrong: [string, Caller][] = [
      ['used before', once],
      ['RS256', await callerOf(bank, { alg: 'RS256' })],
      ['for the token endpoint', await callerOf(bank, { claims: { aud: tokenUrl } })],
      ['for the PAR endpoint', await callerOf(bank, { claims: { aud: `${issuer}/oauth/par` } })],
      ['for a list', await callerOf(bank, { claims: { aud: [issuer] } })],
      [
        'for others, too',
        await callerOf(bank, { claims: { aud: [issuer, 'https://other.test'] } })
      ],
      ['expired', await callerOf(bank, { claims: { exp: second - 60 } })],
      ['iat far ahead', await callerOf(bank, { claims: { iat: second + 61 } })],
      ['nbf far ahead', await callerOf(bank, { claims: { nbf: second + 61 } })],
      ['of another client', await callerOf(rival, { claims: { sub: 'bank' } })],
      ['nothing', { headers: {}, parameters: { client_id: 'bank' } }]
    ]
    for (const [what, caller] of wrong) {
      const { answer } = await push(bank, {}, { caller })
      t.match(answer, { status: 401, body: { error: 'invalid_client' } }, what)
    }
    const ahead = await callerOf(bank, { claims: { iat: second + 10, nbf: second + 10 } })
    t.equal((await push(bank, {}, { caller: ahead })).answer.status, 201, 'ten seconds are nothing')
  }
)

t.test('no token without a key, and none with RS256 (FAPI 2.0 §5.3.2.1, §5.4.1)', async t => {
  const code = await codeOf()
  const rsa = await createProver('RS256')
  t.match(await exchange(code, await callerOf(bank)), { status: 400 }, 'bearer')
  const refused = await exchange(code, await callerOf(bank), await proved(rsa))
  t.match(refused, { status: 400, body: { error: 'invalid_dpop_proof' } })
  const granted = await exchange(code, await callerOf(bank), await proved())
  t.match(granted, { status: 200, body: { token_type: 'DPoP' } }, 'the code was left alone')
  t.equal((await requests.userinfo(granted.body.access_token)).status, 401, 'not as a bearer token')
  const parUrl = `${issuer}/oauth/par`
  const pushed = await push(bank, {}, { headers: await proved(rsa, parUrl) })
  t.match(pushed.answer, { status: 400, body: { error: 'invalid_dpop_proof' } })
  t.equal((await push(bank, {}, { headers: await proved(prover, parUrl) })).answer.status, 201)
})

t.test('a code is for its client, its key and its verifier, and for a minute', async t => {
  const pinned = await codeOf(bank, { dpop_jkt: prover.thumbprint })
  const other = await createProver()
  const wrong = [
    await exchange(pinned, await callerOf(rival), await proved()),
    await exchange(pinned, await callerOf(bank), await proved(), { code_verifier: 'x'.repeat(43) }),
    await exchange(pinned, await callerOf(bank), await proved(other))
  ]
  for (const answer of wrong) {
    t.match(answer, { status: 400, body: { error: 'invalid_grant' } })
  }
  const late = await codeOf()
  await turnClock(61)
  t.match(await exchange(late, await callerOf(bank), await proved()), {
    body: { error: 'invalid_grant' }
  })
})

t.test('a client with a certificate authenticates and binds by it (RFC 8705)', async t => {
  const mine = shown(certificate)
  const caller = { headers: mine, parameters: { client_id: certified.clientId } }
  const code = await codeOf(certified, {}, caller)
  const { status, body } = await exchange(code, caller, mine)
  t.equal(status, 200)
  t.same(claimsIn(body.access_token)['cnf'], { 'x5t#S256': certificate.thumbprint })
  const bare = { headers: {}, parameters: caller.parameters }
  t.match(await exchange(await codeOf(certified, {}, caller), bare), { status: 401 })
})

t.test('a machine with the profile has bound tokens, or none', async t => {
  const robot = { clientId: 'robot', redirectUri: '', caller: { headers: {}, parameters: {} } }
  const ask = async (headers: Record<string, string>) =>
    requests.token(
      await callerOf(robot),
      { grant_type: 'client_credentials', resource: fapiApi },
      headers
    )
  t.match(await ask(await proved()), { status: 200, body: { token_type: 'DPoP' } })
  t.match(await ask({}), { status: 400 })
})

t.test(
  'a refresh token stays the same, lives by its use, and ends (FAPI 2.0 §5.3.2.1)',
  async t => {
    const code = await codeOf(bank, { scope: 'openid offline_access', prompt: 'consent' })
    const { body } = await exchange(code, await callerOf(bank), await proved())
    const token = body.refresh_token
    const refresh = async (who = bank, headers?: Record<string, string>) =>
      requests.token(
        await callerOf(who),
        { grant_type: 'refresh_token', refresh_token: token },
        headers ?? (await proved())
      )
    const answers = await Promise.all(Array.from({ length: 8 }, () => refresh()))
    for (const answer of answers) {
      t.match(answer, { status: 200, body: { refresh_token: token, token_type: 'DPoP' } })
    }
    t.match(await refresh(bank, {}), { status: 400 }, 'not without a key')
    t.match(await refresh(rival), { status: 400, body: { error: 'invalid_grant' } })
    const { roundTrips } = await server.counted(() => refresh())
    t.same(
      roundTrips.flatMap(names => names.filter(name => name.startsWith('refresh_families.'))),
      ['refresh_families.find', 'refresh_families.keep']
    )
    // idle after 30 days: each use counts
    for (const days of [20, 40]) {
      await turnClock(days * 86_400)
      t.equal((await refresh()).status, 200, `${days} days`)
    }
    await turnClock(71 * 86_400)
    t.match(
      await refresh(),
      { status: 400, body: { error: 'invalid_grant' } },
      'unused for 31 days'
    )
    await turnClock(41 * 86_400)
    t.equal((await refresh()).status, 200)
    t.equal((await requests.revoke(await callerOf(bank), token)).status, 200)
    t.match(await refresh(), { status: 400, body: { error: 'invalid_grant' } }, 'revoked')
  }
)

t.test('a token that was replaced before the client had the profile is no way back', async t => {
  const { clients } = server.server
  const members = {
    redirect_uris: [turning.redirectUri],
    token_endpoint_auth_method: 'private_key_jwt',
    dpop_bound_access_tokens: true,
    jwks
  }
  const made = await clients.create({
    clientId: 'turning',
    type: 'web',
    owner: 'cli',
    metadata: members
  })
  t.ok(made.ok)
  const code = await codeOf(turning, { scope: 'openid offline_access', prompt: 'consent' })
  const first = await exchange(code, await callerOf(turning), await proved())
  const refresh = async (refresh_token: string) =>
    requests.token(
      await callerOf(turning),
      { grant_type: 'refresh_token', refresh_token },
      await proved()
    )
  const second = await refresh(first.body.refresh_token)
  t.not(second.body.refresh_token, first.body.refresh_token)
  const rsa = { resource: rsaApi, scope: 'openid read:rsa' }
  const bare = { code_challenge: undefined, code_challenge_method: undefined }
  for (const each of [rsa, bare]) t.equal((await push(turning, each)).answer.status, 201)
  t.ok((await clients.update('turning', { profile: 'fapi2' }, 'cli')).ok)
  t.match((await push(turning, rsa)).answer, {
    status: 400,
    body: { error: 'invalid_target', error_description: /RS256.*profile/ }
  })
  t.match((await push(turning, bare)).answer.body, { error: 'invalid_request' }, 'no exemption')
  const retried = await refresh(first.body.refresh_token)
  t.equal(retried.body.refresh_token, second.body.refresh_token, 'the successor, inside the leeway')
  t.equal((await refresh(second.body.refresh_token)).body.refresh_token, second.body.refresh_token)
  await turnClock(120)
  t.match(await refresh(first.body.refresh_token), { body: { error: 'invalid_grant' } })
  t.match(await refresh(second.body.refresh_token), { status: 400 }, 'reuse ended the family')
})

t.test('a client whose stored metadata has left its profile is served nothing', async t => {
  const change = (metadata: string) =>
    server.store.database.run(
      `test.broken.${metadata.length}`,
      `UPDATE clients SET metadata = metadata || '${metadata}' WHERE client_id = 'rival'`
    )
  await change('{"redirect_uris": ["http://rival.example.com/callback"]}')
  await server.server.clients.noteSecretUse('rival', Buffer.alloc(32)).catch(() => undefined)
  const gone = async () => (await push(rival)).answer.status === 401
  for (let looks = 0; looks < 200 && !(await gone()); looks += 1) {
    await new Promise(resolve => setTimeout(resolve, 25))
  }
  const { answer } = await push(rival)
  t.match(answer, { status: 401, body: { error: 'invalid_client' } })
  const page = await createBrowser({ origin: issuer }).get(
    (await requests.authorizationUrl({ app: rival })).url
  )
  t.notMatch(page.location?.pathname, /^\/interaction/)
})
