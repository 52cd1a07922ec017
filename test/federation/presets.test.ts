// Services that are chosen by their name, against what their documentation says that they answer. No network: what would be sent is answered
// here, by address, and looked at.

import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import t from 'tap'
import type { ConfiguredUpstream } from '../../src/config/schema.ts'
import { describe } from '../../src/federation/claims.ts'
import { createUpstreams } from '../../src/federation/upstreams.ts'
import type { OutboundRequest } from '../../src/lib/outbound.ts'
import { createUpstreamCookie } from '../../src/pages/upstream-cookie.ts'
import { load } from '../config/sound.ts'
import { createSigner, signJwt } from '../support/key-host.ts'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const p8 = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const signer = await createSigner('theirs', 'RS256')
const seconds = () => Math.floor(Date.now() / 1_000)
const tenant = '11111111-2222-3333-4444-555555555555'

const written = [
  { id: 'google', preset: 'google', client_id: 'g', client_secret: 's' },
  { id: 'apple', preset: 'apple', client_id: 'com.example.web', privateKey: p8 },
  { id: 'github', preset: 'github', client_id: 'h', client_secret: 's' },
  { id: 'microsoft', preset: 'microsoft', client_id: 'm', client_secret: 's' },
  { id: 'kakao', preset: 'kakao', client_id: 'k', client_secret: 's' },
  { id: 'naver', preset: 'naver', client_id: 'n', client_secret: 's' }
].map(one => (one.id === 'apple' ? { ...one, teamId: 'TEAM123456', keyId: 'KEY1234567' } : one))
const configured = load({}, { upstreams: written }).upstreams as ConfiguredUpstream[]

t.test('the configuration that docs/upstream.md shows is a sound one', async t => {
  const page = readFileSync(new URL('../../docs/upstream.md', import.meta.url), 'utf8')
  const [, shown = ''] = /```json\n(.*?)```/s.exec(page) ?? []
  const env = { GOOGLE_SECRET: 'g', WORK_SECRET: 'w' }
  t.match(load(env, JSON.parse(shown)).upstreams, [{ id: 'google' }, { client_secret: 'w' }])
})

type Answers = Record<string, unknown>
interface Sent extends OutboundRequest {
  url: string
}

/** One sign-in: what is answered, by address; a function is given the nonce. */
async function signIn(id: string, answers: Answers, more: Record<string, string> = {}) {
  const sent: Sent[] = []
  const upstreams = createUpstreams({
    configured,
    now: () => new Date(),
    outbound: {
      async send(url, request = {}) {
        sent.push({ url: String(url), ...request })
        const answer = answers[String(url)]
        const body = Buffer.from(
          JSON.stringify(answer instanceof Promise ? await answer : answer) ?? ''
        )
        const headers = { 'content-type': 'application/json; charset=utf-8' }
        return { status: answer === undefined ? 404 : 200, headers, body }
      }
    }
  })
  const upstream = upstreams.find(id)
  if (upstream === undefined) throw new Error(id)
  const binding = {
    redirectUri: `https://id.example.com/sign-in/upstream/${id}/callback`,
    ...{ state: 's'.repeat(43), nonce: 'n'.repeat(43), verifier: 'v'.repeat(43) },
    freshness: 'again' as const
  }
  const begun = await upstream.provider.begin(binding)
  if (!begun.ok) throw new Error(begun.detail)
  const back = new URLSearchParams({ code: 'the-code', state: binding.state, ...more })
  const finished = await upstream.provider.finish(binding, back)
  const form = new URLSearchParams(String(sent.find(({ method }) => method === 'POST')?.body))
  const described = finished.ok
    ? describe(upstream, finished.proof.claims, typed => typed)
    : undefined
  return {
    to: begun.to,
    query: Object.fromEntries(begun.to.searchParams),
    sent,
    form,
    finished,
    described
  }
}

const token = { access_token: 'the-token', token_type: 'bearer', scope: 'x' }

/** What an OpenID provider answers. */
function openid(issuer: string, at: string, clientId: string, claims: Answers, more: Answers = {}) {
  const all = {
    aud: clientId,
    iat: seconds(),
    exp: seconds() + 300,
    nonce: 'n'.repeat(43),
    sub: 'u-1'
  }
  return {
    [`${at}/.well-known/openid-configuration`]: {
      issuer,
      authorization_endpoint: `${at}/auth`,
      token_endpoint: `${at}/token`,
      jwks_uri: `${at}/keys`,
      id_token_signing_alg_values_supported: ['RS256'],
      ...more
    },
    [`${at}/keys`]: { keys: [signer.jwk] },
    [`${at}/token`]: signJwt(signer, { iss: issuer, ...all, ...claims }).then(id_token => ({
      ...token,
      id_token
    }))
  }
}

t.test('google: sub, and an address that it has verified', async t => {
  const at = 'https://accounts.google.com'
  const email = { email: 'a@gmail.com', email_verified: true, name: 'A' }
  const { query, finished, described, sent } = await signIn('google', openid(at, at, 'g', email))
  t.match(query, {
    scope: 'openid email profile',
    code_challenge_method: 'S256',
    prompt: 'select_account'
  })
  t.match(finished, { ok: true, proof: { issuer: at, subject: 'u-1' } })
  t.match(described, { email: 'a@gmail.com', emailVerified: true, name: 'A', amr: [] })
  t.ok(sent.every(({ url }) => url.startsWith(at)))
})

t.test('apple: a secret that we sign, an answer by a form, and "true" as a text', async t => {
  const at = 'https://appleid.apple.com'
  const claims = { email: 'x@privaterelay.appleid.com', email_verified: 'true' }
  const { query, form, finished, described } = await signIn(
    'apple',
    openid(at, at, 'com.example.web', claims)
  )
  t.match(query, { response_mode: 'form_post', response_type: 'code', scope: 'openid name email' })
  const secret = form.get('client_secret') ?? ''
  await jwtVerify(secret, publicKey, {
    issuer: 'TEAM123456',
    audience: at,
    subject: 'com.example.web'
  })
  t.same(decodeProtectedHeader(secret), { alg: 'ES256', kid: 'KEY1234567' })
  const { iat = 0, exp = 0 } = decodeJwt(secret)
  t.equal(exp - iat, 300)
  t.match(finished, { ok: true, proof: { issuer: at, subject: 'u-1' } })
  t.equal(described?.emailVerified, true)
})

t.test('microsoft: the issuer is the tenant that the token names, and no other', async t => {
  const at = 'https://login.microsoftonline.com/common/v2.0'
  const host = 'https://login.microsoftonline.com'
  const template = `${host}/{tenantid}/v2.0`
  const ask = (claims: Answers) => signIn('microsoft', openid(template, at, 'm', claims))
  const iss = `${host}/${tenant}/v2.0`
  const good = await ask({ iss, tid: tenant, email: 'admin@contoso.example', email_verified: true })
  t.match(good.finished, { ok: true, proof: { issuer: iss, subject: 'u-1' } })
  t.equal(good.described?.emailVerified, false, 'a tenant writes what it likes (nOAuth)')
  for (const claims of [
    { iss, tid: '99999999-2222-3333-4444-555555555555' },
    { iss, tid: undefined },
    { iss: template, tid: tenant },
    { iss: `${host}/common/v2.0`, tid: 'common' },
    { iss: `${host}/../v2.0`, tid: '..' },
    { iss: 'https://evil.example/v2.0', tid: tenant }
  ]) {
    t.match(
      (await ask(claims)).finished,
      { ok: false, reason: 'not_trusted' },
      JSON.stringify(claims)
    )
  }
})

t.test('kakao: whether an address is verified is at its userinfo endpoint', async t => {
  const at = 'https://kauth.kakao.com'
  const userinfo = 'https://kapi.kakao.com/v1/oidc/userinfo'
  const answers = openid(
    at,
    at,
    'k',
    { email: 'a@kakao.com', nickname: 'A' },
    { userinfo_endpoint: userinfo }
  )
  const me = { sub: 'u-1', email: 'a@kakao.com', email_verified: true }
  const { query, described } = await signIn('kakao', { ...answers, [userinfo]: me })
  t.match(query, { scope: 'openid account_email profile_nickname', prompt: 'login' })
  t.match(described, { email: 'a@kakao.com', emailVerified: true })
})

t.test('github: the number is the person, and the primary address the address', async t => {
  const api = 'https://api.github.com/user'
  const answers = (id: unknown) => ({
    'https://github.com/login/oauth/access_token': token,
    [api]: {
      id,
      login: 'octocat',
      name: null,
      email: 'public@example.com',
      avatar_url: 'https://a.example/1'
    },
    [`${api}/emails`]: [
      { email: 'other@example.com', primary: false, verified: true },
      { email: 'octocat@example.com', primary: true, verified: true }
    ]
  })
  const { to, query, form, finished, described, sent } = await signIn('github', answers(583231))
  t.equal(to.origin + to.pathname, 'https://github.com/login/oauth/authorize')
  t.match(query, { scope: 'read:user user:email', code_challenge_method: 'S256' })
  t.match(Object.fromEntries(form), {
    client_id: 'h',
    client_secret: 's',
    code_verifier: 'v'.repeat(43)
  })
  const asked = sent.find(({ url }) => url === api)
  t.equal(asked?.headers?.['authorization'], 'Bearer the-token')
  t.match(finished, { ok: true, proof: { issuer: 'https://github.com', subject: '583231' } })
  t.match(described, { email: 'octocat@example.com', emailVerified: true, name: 'octocat' })
  for (const id of [undefined, null, 0, -1, 1.5, '583231', [583231], Number.MAX_VALUE]) {
    const { finished } = await signIn('github', answers(id))
    t.match(finished, { ok: false, reason: 'not_trusted' }, JSON.stringify(id))
  }
  const refused = {
    'https://github.com/login/oauth/access_token': { error: 'bad_verification_code' }
  }
  t.match((await signIn('github', refused)).finished, { ok: false, reason: 'not_trusted' })
})

t.test('naver: id of its user API, and an address that counts for nothing', async t => {
  const me = 'https://openapi.naver.com/v1/nid/me'
  const answers = (answer: unknown) => ({
    'https://nid.naver.com/oauth2.0/token': { ...token, expires_in: '3600' },
    [me]: answer
  })
  const response = {
    id: 'abc_DEF-123',
    email: 'a@naver.com',
    email_verified: true,
    nickname: '네이버'
  }
  const { query, form, finished, described } = await signIn(
    'naver',
    answers({ resultcode: '00', message: 'success', response })
  )
  t.match(query, { response_type: 'code', auth_type: 'reauthenticate', state: 's'.repeat(43) })
  t.notOk('scope' in query)
  t.equal(form.get('state'), 's'.repeat(43))
  t.match(finished, {
    ok: true,
    proof: { issuer: 'https://nid.naver.com', subject: 'abc_DEF-123' }
  })
  t.match(described, { email: 'a@naver.com', emailVerified: false, name: '네이버' })
  for (const answer of [
    { resultcode: '024', message: 'failed', response },
    { resultcode: '00', response: { ...response, id: '' } },
    { resultcode: '00', response: { ...response, id: 17 } },
    { resultcode: '00' },
    [],
    null
  ]) {
    const { finished } = await signIn('naver', answers(answer))
    t.match(finished, { ok: false, reason: 'not_trusted' }, JSON.stringify(answer))
  }
})

t.test('the cookie comes along with a form of another site only where one answers so', async t => {
  const lines: string[] = []
  const reply = { raw: { appendHeader: (_: string, line: string) => void lines.push(line) } }
  for (const answers of ['cross-site', 'same-site'] as const) {
    for (const secure of [true, false]) {
      const cookie = createUpstreamCookie({ secure, answers, lifetimeSeconds: 1 })
      cookie.keep({ headers: {} } as never, reply as never)
      const value = 'a'.repeat(43)
      const name = secure ? '__Host-upstream' : 'mintmark_upstream'
      const read = (header: string) => cookie.read({ headers: { cookie: header } } as never)
      t.equal(read(`x=y; ${name}=${value}`), value)
      t.equal(read(`${name}=${value}; ${name}=${'b'.repeat(43)}`), undefined, 'tossed')
      t.equal(read(`${name}=short`), undefined)
    }
  }
  t.match(
    lines[0],
    /^__Host-upstream=[\w-]{43}; Max-Age=1; Path=\/; HttpOnly; SameSite=None; Secure$/
  )
  t.match(lines[1], /; SameSite=Lax$/)
  t.match(lines[2], /; SameSite=Lax; Secure$/)
})
