// DPoP (RFC 9449): tokens bound to a key that the client holds. A proof is for one request, at one URL, now, and once.

import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair } from 'jose'
import * as oidc from 'openid-client'
import t from 'tap'
import { createBrowser } from '../support/browser.ts'
import { secretOf } from '../support/configuration.ts'
import { discover, signIn } from '../support/relying-party.ts'
import { person, startTestServer } from '../support/server.ts'
import {
  type App,
  api,
  basic,
  claimsIn,
  createProver,
  createRequests,
  spa,
  web
} from './requests.ts'

const bound: App = {
  clientId: 'key-holder',
  redirectUri: 'https://key-holder.example.com/callback',
  caller: basic('key-holder')
}
const server = await startTestServer(t, {
  clients: [
    {
      client_id: 'key-holder',
      type: 'web',
      client_secret: secretOf('key-holder'),
      redirect_uris: [bound.redirectUri],
      dpop_bound_access_tokens: true
    }
  ]
})
const requests = createRequests(server)
const { issuer } = requests
const tokenUrl = `${issuer}/oauth/token`
const userinfoUrl = `${issuer}/userinfo`
const prover = await createProver()
const now = () => Math.floor(Date.now() / 1000)

t.test(
  'openid-client: bound tokens at the token endpoint, userinfo and refresh (RFC 9449 §4, §5, §7)',
  async t => {
    const config = await discover({ issuer, clientId: 'spa' })
    const { callbackUrl, checks } = await signIn({
      issuer,
      clientId: 'spa',
      redirectUri: spa.redirectUri,
      scope: 'openid',
      ...person
    }).then(async ({ browser }) => {
      const { authorize } = await import('../support/relying-party.ts')
      return authorize({
        issuer,
        clientId: 'spa',
        redirectUri: spa.redirectUri,
        scope: 'openid offline_access',
        extra: { prompt: 'consent' },
        browser,
        ...person
      })
    })
    const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'))
    const tokens = await oidc.authorizationCodeGrant(config, callbackUrl, checks, {}, { DPoP })
    t.equal(tokens.token_type, 'dpop')
    const sub = tokens.claims()?.sub ?? ''
    t.match(await oidc.fetchUserInfo(config, tokens.access_token, sub, { DPoP }), { sub })
    const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '', {}, { DPoP })
    t.match(await oidc.fetchUserInfo(config, refreshed.access_token, sub, { DPoP }), { sub })
  }
)

t.test('each advertised algorithm of proofs is taken (RFC 9449 §5.1)', async t => {
  const { body } = await requests.get('/.well-known/openid-configuration')
  const algorithms = body['dpop_signing_alg_values_supported'] as string[]
  t.same([...algorithms].sort(), ['ES256', 'EdDSA', 'PS256', 'RS256'])
  for (const alg of algorithms) {
    const one = await createProver(alg)
    const answer = await requests.token(
      basic('billing'),
      { grant_type: 'client_credentials' },
      { dpop: await one.proof({ url: tokenUrl }) }
    )
    t.equal(answer.status, 200, answer.text)
    t.same(claimsIn(answer.body.access_token)['cnf'], { jkt: one.thumbprint }, alg)
    t.equal(answer.body['token_type'], 'DPoP')
  }
})

t.test('a proof that is wrong in any part is invalid_dpop_proof (RFC 9449 §4.3)', async t => {
  const other = await generateKeyPair('ES256', { extractable: true })
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const good = await prover.proof({ url: tokenUrl })
  const unsigned = `${part({ typ: 'dpop+jwt', alg: 'none', jwk: prover.jwk })}.${good.split('.')[1]}.`
  const proof = (claims: object, header: object = {}) =>
    prover.proof({
      url: tokenUrl,
      claims: claims as Record<string, unknown>,
      header: header as never
    })
  const wrong: Record<string, string> = {
    'no jti': await proof({ jti: undefined }),
    'no htm': await proof({ htm: undefined }),
    'no htu': await proof({ htu: undefined }),
    'no iat': await proof({ iat: undefined }),
    'another method': await proof({ htm: 'GET' }),
    'a method in small letters': await proof({ htm: 'post' }),
    'another endpoint': await proof({ htu: `${issuer}/oauth/par` }),
    'another host': await proof({ htu: 'https://evil.test/oauth/token' }),
    'another scheme': await proof({ htu: tokenUrl.replace('http:', 'https:') }),
    'no URL': await proof({ htu: '/oauth/token' }),
    'iat is text': await proof({ iat: String(now()) }),
    'another type': await proof({}, { typ: 'JWT' }),
    'no type': await proof({}, { typ: undefined }),
    'no key': await proof({}, { jwk: undefined }),
    'another key': await proof({}, { jwk: await exportJWK(other.publicKey) }),
    'a private key': await proof({}, { jwk: prover.privateJwk }),
    'alg none': unsigned,
    'no JWT': 'x',
    'two proofs': `${good}, ${await prover.proof({ url: tokenUrl })}`
  }
  for (const [what, dpop] of Object.entries(wrong)) {
    const answer = await requests.token(
      basic('billing'),
      { grant_type: 'client_credentials' },
      { dpop }
    )
    t.match(answer, { status: 400, body: { error: 'invalid_dpop_proof' } }, what)
    t.notOk('access_token' in answer.body, what)
  }
})

t.test('query and fragment of htu do not count (RFC 9449 §4.3)', async t => {
  const dpop = await prover.proof({ url: `${tokenUrl}?x=1#y` })
  const answer = await requests.token(
    basic('billing'),
    { grant_type: 'client_credentials' },
    { dpop }
  )
  t.equal(answer.status, 200)
})

t.test(
  'a proof out of its time is answered with a nonce, and a proof with it is taken (RFC 9449 §8)',
  async t => {
    for (const iat of [now() - 400, now() + 400]) {
      const refused = await requests.token(
        basic('billing'),
        { grant_type: 'client_credentials' },
        { dpop: await prover.proof({ url: tokenUrl, claims: { iat } }) }
      )
      t.match(refused, { status: 400, body: { error: 'use_dpop_nonce' } })
      const nonce = refused.headers.get('dpop-nonce') ?? ''
      t.ok(nonce)
      const dpop = await prover.proof({ url: tokenUrl, claims: { iat, nonce } })
      const taken = await requests.token(
        basic('billing'),
        { grant_type: 'client_credentials' },
        { dpop }
      )
      t.equal(taken.status, 200)
    }
    const forged = await prover.proof({ url: tokenUrl, claims: { nonce: 'guessed' } })
    t.match(
      await requests.token(
        basic('billing'),
        { grant_type: 'client_credentials' },
        { dpop: forged }
      ),
      {
        status: 400,
        body: { error: 'use_dpop_nonce' }
      }
    )
  }
)

t.test('a proof is used once, also by eight at the same time (RFC 9449 §11.1)', async t => {
  const dpop = await prover.proof({ url: tokenUrl })
  const answers = await Promise.all(
    Array.from({ length: 8 }, () =>
      requests.token(basic('billing'), { grant_type: 'client_credentials' }, { dpop })
    )
  )
  t.equal(answers.filter(({ status }) => status === 200).length, 1)
  for (const { status, body } of answers.filter(answer => answer.status !== 200)) {
    t.equal(status, 400)
    t.equal(body['error'], 'invalid_dpop_proof')
  }
})

t.test(
  'a proof at the far edge of its time is still remembered when it comes again (RFC 9449 §11.1, D-12)',
  async t => {
    t.teardown(() => requests.turnClock(0))
    const dpop = await prover.proof({ url: tokenUrl, claims: { iat: now() + 290 } })
    const send = () =>
      requests.token(basic('billing'), { grant_type: 'client_credentials' }, { dpop })
    t.equal((await send()).status, 200)
    // the proof stays acceptable for 590 s; its record must outlive that
    await requests.turnClock(595)
    t.match(await send(), { status: 400, body: { error: 'invalid_dpop_proof' } })
    const { rows } = await server.store.database.run<{ left: number }>(
      'test.replay',
      'SELECT extract(epoch FROM max(expires_at) - clock_time())::float8 AS left FROM replay_records'
    )
    t.ok((rows[0]?.left ?? 0) > 0, 'and no sweep has taken it')
  }
)

t.test(
  'a proof that was replayed is no invalid_grant, and leaves the refresh token unspent (D-5, RFC 9449 §5)',
  async t => {
    const first = await requests.tokens(
      { app: spa, scope: 'openid offline_access', extra: { prompt: 'consent' } },
      { dpop: await prover.proof({ url: tokenUrl }) }
    )
    const used = await prover.proof({ url: tokenUrl })
    const refreshed = await requests.refresh(spa, first.refresh_token, {}, { dpop: used })
    t.equal(refreshed.status, 200)
    const { refresh_token } = refreshed.body
    const replayed = await requests.refresh(spa, refresh_token, {}, { dpop: used })
    t.match(replayed, { status: 400, body: { error: 'invalid_dpop_proof' } })
    const fresh = await prover.proof({ url: tokenUrl })
    const again = await requests.refresh(spa, refresh_token, {}, { dpop: fresh })
    t.equal(again.status, 200, 'a fresh proof redeems it')
    t.not(again.body.refresh_token, refresh_token)
  }
)

t.test('a proof that was replayed leaves a code unspent, too (RFC 9449 §5)', async t => {
  const dpop = await prover.proof({ url: tokenUrl })
  t.equal(
    (await requests.token(basic('billing'), { grant_type: 'client_credentials' }, { dpop })).status,
    200
  )
  const spent = await prover.proof({ url: tokenUrl })
  await requests.redeem(await requests.code({ app: spa }), {}, { headers: { dpop: spent } })
  const code = await requests.code({ app: spa })
  t.match(await requests.redeem(code, {}, { headers: { dpop: spent } }), {
    status: 400,
    body: { error: 'invalid_dpop_proof' }
  })
  const fresh = await prover.proof({ url: tokenUrl })
  t.equal((await requests.redeem(code, {}, { headers: { dpop: fresh } })).status, 200)
})

t.test(
  'userinfo takes a bound token with a proof of its key for this token, and no other way (RFC 9449 §7)',
  async t => {
    const { access_token } = await requests.tokens(
      { scope: 'openid' },
      { dpop: await prover.proof({ url: tokenUrl }) }
    )
    const another = await requests.tokens({ scope: 'openid' })
    const stranger = await createProver()
    const ask = async (dpop: string | undefined, scheme = 'DPoP', token = access_token) =>
      requests.get('/userinfo', {
        authorization: `${scheme} ${token}`,
        ...(dpop === undefined ? {} : { dpop })
      })
    const proof = { method: 'GET', url: userinfoUrl, accessToken: access_token }

    t.equal((await ask(await prover.proof(proof))).status, 200, 'the control')
    const replayed = await prover.proof(proof)
    t.equal((await ask(replayed)).status, 200)
    const wrong: Record<string, Awaited<ReturnType<typeof ask>>> = {
      'as a bearer token': await ask(undefined, 'Bearer'),
      'as a bearer token, with a proof': await ask(await prover.proof(proof), 'Bearer'),
      'without a proof': await ask(undefined),
      'with another key': await ask(await stranger.proof(proof)),
      'without ath': await ask(await prover.proof({ method: 'GET', url: userinfoUrl })),
      'with the ath of another token': await ask(
        await prover.proof({ ...proof, accessToken: another.access_token })
      ),
      'for another method': await ask(await prover.proof({ ...proof, method: 'POST' })),
      'for another URL': await ask(await prover.proof({ ...proof, url: tokenUrl })),
      'a second time': await ask(replayed)
    }
    for (const [what, answer] of Object.entries(wrong)) {
      t.ok(answer.status === 401 || answer.status === 400, `${what}: ${answer.status}`)
      t.notOk('sub' in answer.body, what)
      t.match(answer.headers.get('www-authenticate'), /DPoP/, what)
    }
    const bearer = await ask(
      await prover.proof({ ...proof, accessToken: another.access_token }),
      'DPoP',
      another.access_token
    )
    t.notOk('sub' in bearer.body, 'nor does a bearer token become a bound one')
  }
)

t.test(
  'a key that the authorization request named must redeem the code (RFC 9449 §10)',
  async t => {
    const stranger = await createProver()
    const request = { app: spa, extra: { dpop_jkt: prover.thumbprint } }
    const code = await requests.code(request)
    const wrong = await stranger.proof({ url: tokenUrl })
    t.match(await requests.redeem(code, {}, { headers: { dpop: wrong } }), {
      status: 400,
      body: { error: 'invalid_grant' }
    })
    t.match(await requests.redeem(code), { status: 400, body: { error: 'invalid_grant' } })
    const right = await prover.proof({ url: tokenUrl })
    t.equal((await requests.redeem(code, {}, { headers: { dpop: right } })).status, 200)
  }
)

t.test('a proof that was pushed names the key, too (RFC 9449 §10.1)', async t => {
  const { url, verifier, nonce } = await requests.authorizationUrl()
  const parameters = Object.fromEntries(url.searchParams)
  const { body } = await requests.post('/oauth/par', web.caller, parameters, {
    dpop: await prover.proof({ url: `${issuer}/oauth/par` })
  })
  await requests.code()
  const query = new URLSearchParams({ client_id: 'web', request_uri: String(body['request_uri']) })
  const page = await requests.ada.get(`/authorize?${query}`)
  const code = page.location?.searchParams.get('code') ?? ''
  t.ok(code)
  const redeemed = { code, verifier, nonce, callbackUrl: new URL(issuer), app: web }
  t.match(await requests.redeem(redeemed), { status: 400, body: { error: 'invalid_grant' } })
  const right = await prover.proof({ url: tokenUrl })
  t.equal((await requests.redeem(redeemed, {}, { headers: { dpop: right } })).status, 200)
})

t.test('a client registered for bound tokens gets no other (RFC 9449 §5.2)', async t => {
  const code = await requests.code({ app: bound })
  const refused = await requests.redeem(code)
  t.equal(refused.status, 400)
  t.notOk('access_token' in refused.body)
  const dpop = await prover.proof({ url: tokenUrl })
  const answer = await requests.redeem(code, {}, { headers: { dpop } })
  t.match(answer, { status: 200, body: { token_type: 'DPoP' } })
})

t.test('a confidential client may change its key at refresh (RFC 9449 §5)', async t => {
  const first = await requests.tokens(
    { scope: 'openid offline_access', extra: { prompt: 'consent' } },
    { dpop: await prover.proof({ url: tokenUrl }) }
  )
  const next = await createProver()
  const dpop = await next.proof({ url: tokenUrl })
  const { status, body } = await requests.refresh(web, first.refresh_token, {}, { dpop })
  t.equal(status, 200)
  t.same(claimsIn(body.access_token)['cnf'], { jkt: next.thumbprint })
})

t.test('an API’s token is bound, and introspection says to what (RFC 9449 §6)', async t => {
  const answer = await requests.token(
    basic('billing'),
    { grant_type: 'client_credentials', resource: api },
    { dpop: await prover.proof({ url: tokenUrl, claims: { jti: randomUUID() } }) }
  )
  t.same(claimsIn(answer.body.access_token)['cnf'], { jkt: prover.thumbprint })
  const { body } = await requests.introspect(basic('api-server'), answer.body.access_token)
  t.match(body, { active: true, token_type: 'DPoP', cnf: { jkt: prover.thumbprint } })
})

t.test('revoking needs no proof (RFC 7009 §2.1)', async t => {
  const { access_token } = await requests.tokens(
    { scope: 'openid', browser: createBrowser({ origin: issuer }) },
    { dpop: await prover.proof({ url: tokenUrl }) }
  )
  t.equal((await requests.revoke(web.caller, access_token)).status, 200)
  t.same((await requests.introspect(web.caller, access_token)).body, { active: false })
})
