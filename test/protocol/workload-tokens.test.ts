// Tokens of trusted issuers that are not good, or not good here: another audience, subject, key, time or type, two readings, two mechanisms.
// None of them authenticates anybody, and nothing is fetched for their sake.

import { type CryptoKey, exportJWK, generateKeyPair, importJWK } from 'jose'
import t from 'tap'
import { secretOf } from '../support/configuration.ts'
import { basic } from './requests.ts'
import { bearer, type Changes, domain, grant, now, spiffe, startWorkloads } from './workloads.ts'

const {
  host,
  clusterKey,
  ciKey,
  svidKey,
  stranger,
  requests,
  podClaims,
  podToken,
  jobToken,
  svid,
  showing,
  lastReason
} = await startWorkloads(t)
const { issuer, token } = requests

t.test('it is for this server alone: one audience, to the letter (RFC 7523bis §4)', async t => {
  const others: unknown[] = [
    undefined,
    [],
    '',
    `${issuer}/`,
    `${issuer}/oauth/token`,
    'https://kubernetes.default.svc',
    [issuer, 'https://kubernetes.default.svc'],
    [issuer, issuer],
    [[issuer]],
    { issuer },
    1
  ]
  for (const aud of others) {
    const answer = await token(showing(await podToken({ aud }), 'reports'), grant)
    t.match(answer, { status: 401, body: { error: 'invalid_client' } }, JSON.stringify(aud))
  }
  t.equal((await token(showing(await podToken({ aud: issuer }), 'reports'), grant)).status, 200)
  const tools = { sub: 'repo:example/tools:ref:refs/heads/main' }
  const withAudience = async (aud: string) =>
    (await token(showing(await jobToken({ ...tools, aud }), 'deploy'), grant)).status
  t.equal(await withAudience('deploys'), 200, 'what the client’s entry names')
  t.equal(await withAudience(issuer), 401, 'and then no other')
})

t.test('subject and claims are those of the client, to the letter', async t => {
  const pods: Changes[] = [
    { sub: 'system:serviceaccount:shop:report' },
    { sub: 'system:serviceaccount:shop:reports2' },
    { sub: 'System:serviceaccount:shop:reports' },
    { sub: 'system:serviceaccount:shop:reports\u0000' },
    { sub: 'system:serviceaccount:other:reports' },
    { sub: 'reports' },
    { sub: '' },
    { sub: undefined },
    { sub: ['system:serviceaccount:shop:reports'] },
    { sub: 'x'.repeat(501) }
  ]
  for (const claims of pods) {
    const answer = await token(showing(await podToken(claims), 'reports'), grant)
    t.equal(answer.status, 401, JSON.stringify(claims).slice(0, 80))
  }
  const jobs: Changes[] = [
    { sub: 'repo:example/shop' },
    { sub: 'repo:example/shop:' },
    { sub: 'repo:example/shop-evil:ref:refs/heads/main' },
    { sub: 'repo:evil/shop:ref:refs/heads/main' },
    { repository: 'evil/shop' },
    { repository: undefined },
    { environment: 'staging' },
    { environment: ['production'] },
    { environment: true },
    { sub: 'repo:example/tools:ref:refs/heads/evil', aud: 'deploys' }
  ]
  for (const claims of jobs) {
    const answer = await token(showing(await jobToken(claims), 'deploy'), grant)
    t.equal(answer.status, 401, JSON.stringify(claims))
  }
  const branch = { sub: 'repo:example/shop:ref:refs/heads/main' }
  t.equal(
    (await token(showing(await jobToken(branch), 'deploy'), grant)).status,
    200,
    'the wildcard'
  )
  for (const sub of [
    `${domain}/ns/other/cart`,
    `${domain}/ns/shop/`,
    `${domain}.evil/ns/shop/cart`,
    `${domain}`,
    'spiffe://evil.org/ns/shop/cart',
    `SPIFFE://example.org/ns/shop/cart`
  ]) {
    t.equal((await token(showing(await svid({ sub }), 'mesh', spiffe), grant)).status, 401, sub)
  }
})

t.test('a token of one client’s workload is nothing at another client', async t => {
  for (const other of ['deploy', 'signer', 'billing', 'web', 'spa', 'nobody', 'mesh']) {
    const answer = await token(showing(await podToken(), other), grant)
    t.match(answer, { status: 401, body: { error: 'invalid_client' } }, other)
  }
  t.match(lastReason(), /shop:reports" fits no workload_identity of the client "mesh"/)
})

t.test(
  'times are checked, and a life beyond the issuer’s limit is refused (RFC 7523 §3)',
  async t => {
    const taken: Changes[] = [{ exp: now() - 5 }, { nbf: now() + 10 }, { iat: now() + 10 }]
    taken.push({ exp: now() + 86_000 }, { iat: undefined, nbf: undefined })
    for (const claims of taken) {
      const answer = await token(showing(await podToken(claims), 'reports'), grant)
      t.equal(answer.status, 200, JSON.stringify(claims))
    }
    const refused: Changes[] = [
      { exp: undefined },
      { exp: null },
      { exp: String(now() + 60) },
      { exp: now() - 60, iat: now() - 3600 },
      { exp: now() + 86_500 },
      { exp: now() + 86_500, iat: undefined },
      { exp: now() + 3600, iat: now() - 85_000 },
      { exp: 1e300 },
      { nbf: now() + 61 },
      { iat: now() + 61 },
      { nbf: 'x' }
    ]
    for (const claims of refused) {
      const answer = await token(showing(await podToken(claims), 'reports'), grant)
      t.equal(answer.status, 401, JSON.stringify(claims))
    }
    const long = await jobToken({ exp: now() + 3700 })
    t.equal((await token(showing(long, 'deploy'), grant)).status, 401, 'an hour, for this issuer')
  }
)

t.test('keys come from the issuer alone, and with their own algorithm (RFC 8725 §3.1)', async t => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const none = (alg: string) => `${part({ alg, kid: 'cluster-1' })}.${part(podClaims())}.`
  const good = await podToken()
  const [head = '', body = '', signature = ''] = good.split('.')
  const secret = new TextEncoder().encode(JSON.stringify(clusterKey.jwk))
  const hmac = { ...clusterKey, alg: 'HS256', privateKey: secret as never }
  const pss = {
    ...clusterKey,
    alg: 'PS256',
    privateKey: (await importJWK(await exportJWK(clusterKey.privateKey), 'PS256')) as CryptoKey
  }
  const strangerJwk = await exportJWK((await generateKeyPair('RS256')).publicKey)
  const asked = host.asked.length
  const forged: Record<string, string> = {
    'another key of the same name': await podToken({}, {}, stranger),
    'another kid': await podToken({}, { kid: 'other' }, stranger),
    'no kid': await podToken({}, { kid: undefined }),
    'the key in the header': await podToken({}, { jwk: strangerJwk }, stranger),
    'the key by URL': await podToken({}, { jku: `${host.url}/evil` }, stranger),
    'a certificate by URL': await podToken({}, { x5u: `${host.url}/evil` }, stranger),
    'a certificate': await podToken({}, { x5c: ['MIIB'] }, stranger),
    'the key of another trusted issuer': await podToken({}, { kid: 'ci-1' }, ciKey),
    'another algorithm of the same key': await podToken({}, {}, pss),
    'HS256 with the public key': await podToken({}, { alg: 'HS256' }, hmac),
    none: none('none'),
    'RS256 without signature': none('RS256'),
    tampered: `${head}.${part({ ...podClaims(), sub: 'system:serviceaccount:shop:admin' })}.${signature}`,
    'a bit more': `${head}.${body}.${signature}A`,
    'trailing data': `${good}.x`,
    'an unknown extension': `${part({ alg: 'RS256', kid: 'cluster-1', crit: ['x'], x: 1 })}.${body}.${signature}`
  }
  for (const [what, jwt] of Object.entries(forged)) {
    const answer = await token(showing(jwt, 'reports'), grant)
    // what cannot be read is left to the engine, which says so
    t.ok(answer.status === 401 || answer.status === 400, `${what}: ${answer.status}`)
    t.notOk('access_token' in answer.body, what)
  }
  const fetched = host.asked.slice(asked)
  t.same(
    [...new Set(fetched)].filter(path => path.includes('evil')),
    [],
    'nothing is fetched'
  )
  const x509 = { ...svidKey, kid: 'x509' }
  t.equal(
    (await token(showing(await svid({}, {}, x509), 'mesh', spiffe), grant)).status,
    401,
    'a key of certificates is none of JWT-SVIDs'
  )
})

t.test('what can be read in two ways is refused (RFC 8725 §3.3)', async t => {
  const sign = async (header: string, claims: string) => {
    const input = [header, claims].map(text => Buffer.from(text).toString('base64url')).join('.')
    const signature = await crypto.subtle.sign(
      { name: 'RSASSA-PKCS1-v1_5' },
      clusterKey.privateKey,
      Buffer.from(input)
    )
    return `${input}.${Buffer.from(signature).toString('base64url')}`
  }
  const claims = JSON.stringify(podClaims())
  const header = '{"alg":"RS256","kid":"cluster-1"}'
  t.equal((await token(showing(await sign(header, claims), 'reports'), grant)).status, 200)
  const twice: [string, string, string][] = [
    ['sub twice', header, claims.replace('{', '{"sub":"system:serviceaccount:shop:admin",')],
    ['sub twice, escaped', header, claims.replace('{', '{"s\\u0075b":"x",')],
    ['inside a claim', header, claims.replace('"namespace"', '"namespace":"x","namespace"')],
    ['alg twice', '{"alg":"none","alg":"RS256","kid":"cluster-1"}', claims],
    ['a list', header, `[${claims}]`],
    ['no JSON', header, `${claims}x`],
    ['a text', header, '"x"']
  ]
  for (const [what, head, body] of twice) {
    const { status } = await token(showing(await sign(head, body), 'reports'), grant)
    t.ok(status === 401 || status === 400, `${what}: ${status}`)
  }
})

t.test('a token that is for something else is not taken (RFC 8725 §3.11)', async t => {
  for (const typ of ['JWT', 'jwt', 'JOSE', 'client-authentication+jwt', 'application/jwt']) {
    t.equal((await token(showing(await podToken({}, { typ }), 'reports'), grant)).status, 200, typ)
  }
  for (const typ of ['at+jwt', 'application/at+jwt', 'logout+jwt', 'dpop+jwt', 'secevent+jwt', 7]) {
    const answer = await token(showing(await podToken({}, { typ }), 'reports'), grant)
    t.equal(answer.status, 401, String(typ))
  }
  const tokens = await requests.tokens()
  for (const jwt of [tokens.access_token, tokens.id_token]) {
    t.equal((await token(showing(jwt, 'reports'), grant)).status >= 400, true, 'our own')
  }
})

t.test(
  'the assertion type is the right one, and everything stands once (RFC 7521 §4.2)',
  async t => {
    const pod = await podToken()
    t.equal((await token(showing(pod, 'reports', spiffe), grant)).status, 401, 'no JWT-SVID')
    t.equal((await token(showing(await svid(), 'mesh'), grant)).status, 400, 'no issuer')
    t.equal((await token(showing(pod, 'reports', 'urn:evil'), grant)).status, 400)
    const { parameters } = showing(pod, 'reports')
    const raw = async (extra: string, headers: Record<string, string> = {}) => {
      const body = `${new URLSearchParams({ ...parameters, ...grant })}${extra}`
      const response = await fetch(`${issuer}/oauth/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body
      })
      return [response.status, ((await response.json()) as { error: string }).error]
    }
    t.same(await raw(`&client_assertion=${pod}`), [400, 'invalid_request'])
    t.same(await raw(`&client_assertion_type=${encodeURIComponent(bearer)}`), [
      400,
      'invalid_request'
    ])
    t.same(await raw('&client_id=reports'), [400, 'invalid_request'])
    t.same(await raw(`&client_secret=${secretOf('billing')}`), [400, 'invalid_request'])
    t.same(await raw('', basic('billing').headers), [400, 'invalid_request'])
    t.equal((await raw(`&x=${'y'.repeat(57 * 1024)}`))[0], 413)
    const long = await podToken({ filler: 'x'.repeat(20_000) })
    t.equal((await token(showing(long, 'reports'), grant)).status, 400, 'a long one')
  }
)
