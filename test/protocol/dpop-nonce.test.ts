// Nonces of the server in DPoP proofs (RFC 9449 §8, §9), where they are required: of every client, or of one. A proof that was made ahead opens
// nothing, what it came with is not spent, and every process takes the nonces of the others.

import * as oidc from 'openid-client'
import t from 'tap'
import { api, secretOf } from '../support/configuration.ts'
import { startServerProcess } from '../support/processes.ts'
import { startTestServer } from '../support/server.ts'
import { type App, basic, createProver, createRequests, web } from './requests.ts'

const careful: App = {
  clientId: 'careful',
  redirectUri: 'https://careful.example.com/callback',
  caller: basic('careful')
}
const overrides = {
  clients: [
    {
      client_id: 'careful',
      type: 'web',
      client_secret: secretOf('careful'),
      redirect_uris: [careful.redirectUri],
      dpop_nonce: 'required'
    }
  ]
}
const strict = { dpop: { nonce: 'required' } }
const server = await startTestServer(t, strict)
const requests = createRequests(server)
const tokenUrl = `${requests.issuer}/oauth/token`
const prover = await createProver()

const proofWith = async (nonce: string | undefined, url = tokenUrl, more: object = {}) => ({
  dpop: await prover.proof({
    url,
    ...more,
    ...(nonce === undefined ? {} : { claims: { nonce } })
  })
})

t.test(
  'a proof without a nonce, or with another, gets one, and spends nothing (RFC 9449 §8)',
  async t => {
    const code = await requests.code({
      scope: 'openid offline_access',
      extra: { prompt: 'consent' }
    })
    const first = await requests.redeem(code, {}, { headers: await proofWith(undefined) })
    t.match(first, { status: 400, body: { error: 'use_dpop_nonce' } })
    const nonce = first.headers.get('dpop-nonce') ?? ''
    t.match(first.headers.get('cache-control'), /no-store/)
    t.ok(nonce.length > 20)
    for (const wrong of ['guessed', `${nonce}x`, nonce.slice(1), nonce.toUpperCase()]) {
      const refused = await requests.redeem(code, {}, { headers: await proofWith(wrong) })
      t.match(refused, { status: 400, body: { error: 'use_dpop_nonce' } }, wrong.slice(0, 8))
    }
    const taken = await requests.redeem(code, {}, { headers: await proofWith(nonce) })
    t.match(taken, { status: 200, body: { token_type: 'DPoP' } }, 'the code is still good')
    const refreshing = (headers: Record<string, string>) =>
      requests.refresh(web, taken.body.refresh_token, {}, headers)
    const refused = await refreshing(await proofWith(undefined))
    t.match(refused, { status: 400, body: { error: 'use_dpop_nonce' } })
    const again = await refreshing(await proofWith(refused.headers.get('dpop-nonce') ?? ''))
    t.equal(again.status, 200, 'and so is the refresh token')
  }
)

t.test('userinfo asks for one as well, by its challenge (RFC 9449 §9)', async t => {
  const first = await requests.token(
    basic('billing'),
    { grant_type: 'client_credentials' },
    await proofWith(undefined)
  )
  const nonce = first.headers.get('dpop-nonce') ?? ''
  const { access_token } = await requests.tokens({}, await proofWith(nonce))
  const url = `${requests.issuer}/userinfo`
  const ask = async (given: string | undefined) =>
    requests.userinfo(access_token, {
      authorization: `DPoP ${access_token}`,
      ...(await proofWith(given, url, { method: 'GET', accessToken: access_token }))
    })
  const refused = await ask(undefined)
  t.equal(refused.status, 401)
  t.match(refused.headers.get('www-authenticate'), /^DPoP .*error="use_dpop_nonce"/)
  t.equal((await ask(refused.headers.get('dpop-nonce') ?? '')).status, 200)
})

t.test('a token request without a proof is what it was (RFC 9449 §5)', async t => {
  t.equal((await requests.machine('billing', { resource: api })).status, 200)
})

t.test('openid-client gets through by itself (RFC 9449 §8)', async t => {
  const config = await oidc.discovery(
    new URL(requests.issuer),
    'billing',
    {},
    oidc.ClientSecretBasic(secretOf('billing')),
    { execute: [oidc.allowInsecureRequests] }
  )
  const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair())
  const tokens = await oidc.clientCredentialsGrant(config, { resource: api }, { DPoP })
  t.equal(tokens.token_type, 'dpop')
})

t.test('every process takes the nonces of the others (RFC 9449 §8)', async t => {
  const other = await startServerProcess(t, server, strict)
  const ask = async (nonce: string | undefined) =>
    other.fetch('/oauth/token', {
      method: 'POST',
      headers: {
        ...basic('billing').headers,
        ...(await proofWith(nonce)),
        'content-type': 'application/x-www-form-urlencoded'
      },
      body: 'grant_type=client_credentials'
    })
  const here = await requests.token(
    basic('billing'),
    { grant_type: 'client_credentials' },
    await proofWith(undefined)
  )
  t.equal((await ask(here.headers.get('dpop-nonce') ?? '')).status, 200)
  const there = await ask(undefined)
  t.equal(there.status, 400)
  const back = await requests.token(
    basic('billing'),
    { grant_type: 'client_credentials' },
    await proofWith(String(there.headers['dpop-nonce']))
  )
  t.equal(back.status, 200)
})

t.test('of one client alone, where it is registered so (RFC 9449 §8)', async t => {
  const local = await startTestServer(t, overrides)
  const mine = createRequests(local)
  const url = `${mine.issuer}/oauth/token`
  const code = await mine.code({ app: careful })
  const refused = await mine.redeem(code, {}, { headers: await proofWith(undefined, url) })
  t.match(refused, { status: 400, body: { error: 'use_dpop_nonce' } })
  const nonce = refused.headers.get('dpop-nonce') ?? ''
  const taken = await mine.redeem(code, {}, { headers: await proofWith(nonce, url) })
  t.match(taken, { status: 200, body: { token_type: 'DPoP' } })
  const other = await mine.redeem(
    await mine.code(),
    {},
    { headers: await proofWith(undefined, url) }
  )
  t.equal(other.status, 200, 'another client may leave it out')
})
