// Asking the issuer about tokens (RFC 7662, RFC 9701): what is an answer, what is kept of it and for how long, and that no failure of the
// issuer is ever taken for a word against a token. The issuer is in memory; test/resource-server/own-server.test.ts asks a real one.

import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import t from 'tap'
import { createProver, createTestIssuer } from '../../src/resource-server/testing.ts'
import { createVerifier, type IntrospectionOptions } from '../../src/resource-server/verifier.ts'
import { createKey } from './fake-issuer.ts'

const credentials = { clientId: 'api', clientSecret: 'a secret: with +signs' }
const key = await createKey('answers')
let time = Date.now()

/** An issuer whose introspection endpoint can be replaced, an API that asks it, and what was asked. */
async function setting(options: Partial<IntrospectionOptions> = {}) {
  const issuer = await createTestIssuer({ now: () => time })
  const questions: Request[] = []
  let answer: ((request: Request) => Promise<Response>) | undefined
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    if (request.url.endsWith('/jwks')) return Response.json({ keys: [key.publicJwk] })
    if (!request.url.endsWith('/introspect')) return issuer.fetch(request)
    questions.push(request.clone())
    return answer ? answer(request) : issuer.fetch(request)
  }
  const introspection = { ...credentials, ...options } as IntrospectionOptions
  const verifier = createVerifier({ ...issuer.options, fetch, introspection })
  return {
    issuer,
    verifier,
    questions,
    answerWith(next: typeof answer) {
      answer = next
    },
    answerJson(body: unknown, status = 200) {
      answer = async () => Response.json(body, { status })
    }
  }
}

const active = (more: object = {}) => ({
  active: true,
  client_id: 'web',
  aud: 'https://api.test',
  scope: 'read:things',
  ...more
})

t.test('an opaque token opens the API when the issuer says so (RFC 7662 §2.2)', async t => {
  const { issuer, verifier, questions } = await setting()
  const token = issuer.opaqueToken({ subject: 'ada', clientId: 'web', scope: 'read:things' })
  const verification = await verifier.verify(`Bearer ${token}`)
  if (!verification.ok) throw new Error(verification.description)
  t.match(verification.token, { subject: 'ada', clientId: 'web', binding: 'bearer' })
  t.equal(verifier.requireScope(verification.token, 'read:things'), undefined)
  const [question] = questions
  const [id, secret] = [credentials.clientId, 'a+secret%3A+with+%2Bsigns']
  const basic = Buffer.from(`${id}:${secret}`).toString('base64')
  t.equal(question?.headers.get('authorization'), `Basic ${basic}`, 'RFC 6749 §2.3.1')
  const form = new URLSearchParams(await question?.text())
  t.same(Object.fromEntries(form), { token, token_type_hint: 'access_token' })
})

t.test('without introspection an opaque token opens nothing, and nobody is asked', async t => {
  const issuer = await createTestIssuer()
  const fetch = () => Promise.reject(new Error('asked'))
  const verifier = createVerifier({ ...issuer.options, fetch })
  t.match(await verifier.verify('Bearer opaque'), { status: 401, error: 'invalid_token' })
})

t.test('one question for all who wait, and one for each half minute', async t => {
  const { issuer, verifier, questions } = await setting()
  const token = issuer.opaqueToken()
  const many = () => Promise.all(Array.from({ length: 8 }, () => verifier.verify(token)))
  t.ok((await many()).every(({ ok }) => ok))
  t.equal(questions.length, 1)
  time += 29_000
  t.ok((await many()).every(({ ok }) => ok))
  t.equal(questions.length, 1)
  issuer.revoke(token)
  time += 2_000
  t.ok(
    (await many()).every(({ ok }) => !ok),
    'a revocation is heard of then'
  )
  t.equal(questions.length, 2)
})

t.test('an answer counts no longer than the token, and 0 s keeps none', async t => {
  const long = await setting({ cacheSeconds: 600 })
  const short = long.issuer.opaqueToken({ expiresIn: 60 })
  t.match(await long.verifier.verify(short), { ok: true })
  time += 66_000
  t.match(await long.verifier.verify(short), { status: 401, description: /expired/ })
  const none = await setting({ cacheSeconds: 0 })
  const token = none.issuer.opaqueToken()
  await none.verifier.verify(token)
  none.issuer.revoke(token)
  t.match(await none.verifier.verify(token), { status: 401 })
  t.equal(none.questions.length, 2)
})

t.test('a token that is not active is asked about again after five seconds', async t => {
  const { verifier, questions, answerJson } = await setting()
  answerJson({ active: false })
  for (const _ of [1, 2, 3]) t.match(await verifier.verify('late'), { status: 401 })
  t.equal(questions.length, 1)
  answerJson(active())
  time += 5_001
  t.match(await verifier.verify('late'), { ok: true })
})

t.test('what is kept is bounded, and strangers push out nothing that counts', async t => {
  const { issuer, verifier, questions } = await setting({ cacheEntries: 2 })
  const [a, b, c] = [1, 2, 3].map(() => issuer.opaqueToken())
  await verifier.verify(a)
  await verifier.verify(b)
  for (const junk of ['x', 'y', 'z', 'w']) await verifier.verify(junk)
  const before = questions.length
  await verifier.verify(a)
  await verifier.verify(b)
  t.equal(questions.length, before, 'both are still known')
  await verifier.verify(c)
  await verifier.verify(b)
  t.equal(questions.length, before + 1)
  await verifier.verify(a)
  t.equal(questions.length, before + 2, 'the one that was not used for longest had left')
})

t.test('tokens that differ late are two tokens', async t => {
  const { verifier, answerWith } = await setting()
  answerWith(async request => {
    const form = new URLSearchParams(await request.text())
    return Response.json(form.get('token')?.endsWith('A') ? active() : { active: false })
  })
  const start = 'x'.repeat(500)
  t.match(await verifier.verify(`${start}A`), { ok: true })
  t.match(await verifier.verify(`${start}B`), { status: 401 })
})

const failures: [string, (request: Request) => Promise<Response>][] = [
  ['500', async () => new Response('', { status: 500 })],
  ['429', async () => new Response('', { status: 429 })],
  ['401 for the API itself', async () => Response.json({ error: 'x' }, { status: 401 })],
  ['a page', async () => new Response('<html>')],
  ['no object', async () => Response.json('x')],
  ['an answer without active', async () => Response.json({ client_id: 'web' })],
  ['active in words', async () => Response.json({ active: 'true' })],
  ['an answer without end', async () => new Response('{"active":true,"x":"'.padEnd(300_000, 'x'))],
  ['a redirect', async () => Promise.reject(new TypeError('unexpected redirect'))]
]
for (const [title, answer] of failures) {
  t.test(`${title} is 503 and no word against the token (RFC 7662 §2.3)`, async t => {
    const { verifier, answerWith, questions } = await setting()
    answerWith(answer)
    const refusal = await verifier.verify('token')
    t.match(refusal, { status: 503, challenge: undefined, retryAfterSeconds: 5 })
    answerWith(async () => Response.json(active()))
    time += 5_001
    t.match(await verifier.verify('token'), { ok: true }, 'and it was not kept')
    t.equal(questions.length, 2)
  })
}

t.test(
  'an issuer that does not answer is waited for only so long, and left alone then',
  async t => {
    const { issuer, verifier, questions, answerWith } = await setting({ timeoutSeconds: 0.1 })
    const token = issuer.opaqueToken()
    // the time-out of a request alone does not keep a process
    const alive = setInterval(() => undefined, 60_000)
    t.teardown(() => clearInterval(alive))
    answerWith(
      request =>
        new Promise((_, reject) => {
          request.signal.addEventListener('abort', () => reject(request.signal.reason))
        })
    )
    t.match(await verifier.verify('x'), { status: 503 })
    answerWith(undefined)
    t.match(await verifier.verify(token), { status: 503 }, 'nobody queues for a time-out')
    t.equal(questions.length, 1)
    time += 5_001
    t.match(await verifier.verify(token), { ok: true })
  }
)

t.test('more than 128 questions at once are too many', async t => {
  const { verifier, questions, answerWith } = await setting()
  const waiting: (() => void)[] = []
  answerWith(
    () => new Promise(resolve => waiting.push(() => resolve(Response.json({ active: false }))))
  )
  const all = Array.from({ length: 140 }, (_, i) => verifier.verify(`token-${i}`))
  const refused = await Promise.all(all.slice(128))
  t.ok(refused.every(one => !one.ok && one.status === 503))
  while (waiting.length < 128) await new Promise(resolve => setImmediate(resolve))
  for (const answer of waiting) answer()
  t.ok((await Promise.all(all.slice(0, 128))).every(one => !one.ok && one.status === 401))
  t.equal(questions.length, 128)
})

t.test('the answer is read as strictly as a token', async t => {
  const { verifier, answerJson } = await setting({ cacheSeconds: 0 })
  const seconds = Math.floor(time / 1000)
  const judged = async (more: object) => {
    answerJson(active(more))
    return verifier.verify('token')
  }
  t.match(await judged({}), { ok: true, token: { subject: 'web', expiresAt: Number } })
  t.match(await judged({ aud: ['https://x.test', 'https://api.test'] }), { ok: true })
  const refusals: [object, RegExp][] = [
    [{ aud: undefined }, /another API/],
    [{ aud: 'https://x.test' }, /another API/],
    [{ iss: 'https://other.test' }, /another issuer/],
    [{ exp: seconds - 10 }, /expired/],
    [{ exp: '9999999999' }, /claim exp/],
    [{ nbf: seconds + 60 }, /not valid yet/],
    [{ client_id: undefined }, /client_id/],
    [{ sub: 5 }, /claim sub/],
    [{ scope: ['a'] }, /claim scope/],
    [{ act: 'x' }, /claim act/],
    [{ cnf: { kid: 'x' } }, /bound to a key/]
  ]
  for (const [more, says] of refusals) {
    t.match(await judged(more), { status: 401, description: says }, JSON.stringify(more))
  }
  const lonely = await setting({ withoutAudience: 'accept' })
  lonely.answerJson(active({ aud: undefined }))
  t.match(await lonely.verifier.verify('token'), { ok: true })
})

t.test('an opaque token that is bound to a key needs the proof (RFC 9449 §6.2)', async t => {
  const { issuer, verifier } = await setting()
  const prover = await createProver({ now: () => time })
  const token = issuer.opaqueToken({ prover })
  const request = { method: 'GET', url: 'https://api.test/things', token }
  t.match(await verifier.verify(`Bearer ${token}`), { status: 401 })
  const headers = await prover.headers(request)
  const shown = { ...headers, method: 'GET', url: '/things' }
  t.match(await verifier.verify(headers['authorization'], shown), { ok: true })
})

t.test('always: a JWT is verified here first, and then asked about', async t => {
  const { verifier, questions } = await setting({ tokens: 'always', cacheSeconds: 0 })
  const stranger = await createTestIssuer({ now: () => time })
  t.match(await verifier.verify(await stranger.accessToken()), { status: 401 })
  t.equal(questions.length, 0, 'nobody is asked about what is no token')
  const own = await createTestIssuer({ now: () => time })
  const options = { ...own.options, introspection: { ...credentials, tokens: 'always' } } as const
  const always = createVerifier({
    ...options,
    introspection: { ...options.introspection, cacheSeconds: 0 }
  })
  const token = await own.accessToken()
  t.match(await always.verify(token), { ok: true })
  own.revoke(token)
  t.match(await always.verify(token), { status: 401, description: /not active/ })
  own.goDown()
  t.match(await always.verify(token), { status: 503 }, 'without the issuer, nobody knows')
})

t.test('only a signed answer for this API counts where one is asked for (RFC 9701 §5)', async t => {
  const { issuer, verifier, answerWith, questions } = await setting({
    answer: 'jwt',
    cacheSeconds: 0
  })
  const sign = (change: { typ?: string; claims?: object; by?: typeof key.privateKey } = {}) =>
    new SignJWT({
      ...{ iss: issuer.issuer, aud: 'api', iat: Math.floor(time / 1000) },
      token_introspection: active(),
      ...change.claims
    })
      .setProtectedHeader({
        ...{ alg: 'ES256', kid: key.kid, typ: change.typ ?? 'token-introspection+jwt' }
      })
      .sign(change.by ?? key.privateKey)
  const judged = async (jwt: Promise<string>) => {
    answerWith(async () => new Response(await jwt))
    return verifier.verify('token')
  }
  t.match(await judged(sign()), { ok: true })
  t.equal(questions[0]?.headers.get('accept'), 'application/token-introspection+jwt')
  const stranger = await createKey(key.kid)
  const wrong = {
    'another type': sign({ typ: 'at+jwt' }),
    'another API': sign({ claims: { aud: 'other' } }),
    'another issuer': sign({ claims: { iss: 'https://evil.test' } }),
    'another signer': sign({ by: stranger.privateKey }),
    'no answer inside': sign({ claims: { token_introspection: undefined } }),
    'plain JSON': Promise.resolve(JSON.stringify(active()))
  }
  for (const [title, jwt] of Object.entries(wrong)) {
    t.match(await judged(jwt), { status: 503 }, title)
  }
  const inactive = sign({ claims: { token_introspection: { active: false } } })
  t.match(await judged(inactive), { status: 401 })
})

t.test('the API proves itself with a key of its own (private_key_jwt)', async t => {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true })
  const jwk = { ...(await exportJWK(privateKey)), alg: 'EdDSA', kid: 'api-1' }
  const keys = createLocalJWKSet({
    keys: [{ ...(await exportJWK(publicKey)), alg: 'EdDSA', kid: 'api-1' }]
  })
  const seen = new Set<unknown>()
  for (const clientKey of [jwk, { key: privateKey, alg: 'EdDSA', kid: 'api-1' }]) {
    const byKey = { clientId: 'api', clientKey, cacheSeconds: 0 }
    const issuer = await createTestIssuer({ now: () => time })
    const questions: URLSearchParams[] = []
    const fetch: typeof globalThis.fetch = async (input, init) => {
      if (init?.body instanceof URLSearchParams) questions.push(init.body)
      return issuer.fetch(input, init)
    }
    const verifier = createVerifier({ ...issuer.options, fetch, introspection: byKey })
    const token = issuer.opaqueToken()
    t.match(await verifier.verify(token), { ok: true })
    const form = questions[0] ?? new URLSearchParams()
    t.equal(form.get('client_id'), 'api')
    const { payload } = await jwtVerify(form.get('client_assertion') ?? '', keys, {
      ...{ issuer: 'api', subject: 'api', audience: issuer.issuer, currentDate: new Date(time) }
    })
    seen.add(payload.jti)
    t.ok((payload.exp ?? 0) - (payload.iat ?? 0) <= 60)
  }
  t.equal(seen.size, 2, 'each counts once')
  const issuer = await createTestIssuer()
  const keyless = { clientId: 'api', clientKey: { kty: 'OKP' } }
  t.throws(() => createVerifier({ ...issuer.options, introspection: keyless }), /alg/)
})

t.test('credentials go nowhere but to the issuer’s own origin', async t => {
  const issuer = await createTestIssuer()
  const asked: string[] = []
  const fetch: typeof globalThis.fetch = async input => {
    asked.push(new URL(String(input instanceof Request ? input.url : input)).host)
    return Response.json({
      issuer: issuer.issuer,
      introspection_endpoint: 'https://evil.test/introspect'
    })
  }
  const verifier = createVerifier({ ...issuer.options, fetch, introspection: credentials })
  t.match(await verifier.verify('token'), { status: 503 })
  t.same([...new Set(asked)], ['issuer.test'])
})

t.test('options that cannot be meant are refused at start', async t => {
  const { options } = await createTestIssuer()
  for (const wrong of [{ cacheSeconds: -1 }, { cacheEntries: 0 }, { timeoutSeconds: 0 }]) {
    const introspection = { ...credentials, ...wrong }
    t.throws(() => createVerifier({ ...options, introspection }), TypeError)
  }
})
