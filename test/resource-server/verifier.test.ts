// What an API accepts and refuses (RFC 9068 §4): each refusal is one change to a token that is good
// otherwise, signed with a published key, so that it is this check that refuses.

import { exportSPKI, importJWK, SignJWT, UnsecuredJWT } from 'jose'
import t from 'tap'
import { createVerifier, type Refusal } from '../../src/resource-server/verifier.ts'
import { audience, createKey, startFakeIssuer } from './fake-issuer.ts'

const issuer = await startFakeIssuer(t)
const verifier = createVerifier({ issuer: issuer.url, audience })
const seconds = () => Math.floor(Date.now() / 1000)

async function refusal(token: string | undefined, judge = verifier): Promise<Refusal> {
  const verification = await judge.verify(token)
  if (verification.ok) throw new Error('accepted, and must not be')
  return verification
}

t.test('a valid access token opens the API (RFC 9068 §4)', async t => {
  const verification = await verifier.verify(`Bearer ${await issuer.sign()}`)
  if (!verification.ok) throw new Error(verification.description)
  const { token } = verification
  t.equal(token.subject, '6f0c2c5e-0000-4000-8000-000000000001')
  t.equal(token.clientId, 'web')
  t.same([...token.scopes], ['read:things', 'write:things'])
  t.equal(token.id, 'token-1')
  t.equal(token.audience, audience)
  t.equal(token.expiresAt - token.issuedAt, 600)
})

t.test('who acts for the subject is told, the last one outermost (RFC 8693 §4.1)', async t => {
  const act = { sub: 'stock', act: { sub: 'orders' } }
  for (const [claims, actor] of [
    [{}, undefined],
    [{ act }, act],
    [{ act: { ...act, client_id: 'x' } }, act]
  ] as const) {
    const verification = await verifier.verify(await issuer.sign({ claims }))
    t.ok(verification.ok)
    if (verification.ok) t.strictSame(verification.token.actor, actor)
  }
})

t.test('the scheme is case-insensitive, and a bare token is a token (RFC 9110 §11.1)', async t => {
  const token = await issuer.sign()
  for (const value of [`bearer ${token}`, `BEARER  ${token}`, token]) {
    t.equal((await verifier.verify(value)).ok, true)
  }
})

t.test('typ is compared as a media type (RFC 7515 §4.1.9)', async t => {
  for (const typ of ['application/at+jwt', 'AT+JWT']) {
    t.equal((await verifier.verify(await issuer.sign({ header: { typ } }))).ok, true, typ)
  }
})

t.test('tokens signed with RS256 and EdDSA are accepted', async t => {
  for (const alg of ['RS256', 'EdDSA']) {
    const key = await createKey(alg, alg)
    const own = await startFakeIssuer(t)
    own.published.push(key.publicJwk)
    const judge = createVerifier({ issuer: own.url, audience })
    t.equal((await judge.verify(await own.sign({ key }))).ok, true, alg)
  }
})

t.test('a request without a token gets the bare challenge (RFC 6750 §3.1)', async t => {
  for (const value of [undefined, '', 'Basic d2ViOnNlY3JldA==', 'Bearer', 'bearer ']) {
    const { status, error, challenge } = await refusal(value)
    t.equal(status, 401)
    t.equal(error, 'missing_token')
    t.equal(challenge, `Bearer realm="${audience}"`)
  }
})

const now = seconds()
const wrong: [title: string, change: Parameters<typeof issuer.sign>[0], says: RegExp][] = [
  ['for another API', { claims: { aud: 'https://other.example.com' } }, /meant for another API/],
  ['for the issuer itself', { claims: { aud: issuer.url } }, /meant for another API/],
  ['for this API and another', { claims: { aud: [audience, issuer.url] } }, /this API alone/],
  ['of another issuer', { claims: { iss: 'https://evil.example.com' } }, /another issuer/],
  ['of the issuer with a slash', { claims: { iss: `${issuer.url}/` } }, /another issuer/],
  ['that has expired', { claims: { exp: now - 30 } }, /has expired/],
  ['that is not valid yet', { claims: { nbf: now + 60 } }, /not valid yet/],
  ['issued in the future', { claims: { iat: now + 60 } }, /in the future/],
  ['bound to a key (RFC 9449 §7.2)', { claims: { cnf: { jkt: 'x' } } }, /bound to a key/],
  ['of type JWT', { header: { typ: 'JWT' } }, /typ is not at\+jwt/],
  ['without a type', { header: { typ: undefined } }, /typ is not at\+jwt/],
  ['of type logout+jwt', { header: { typ: 'logout+jwt' } }, /typ is not at\+jwt/],
  ['with a text for who acts', { claims: { act: 'orders' } }, /claim act/],
  ['with somebody unnamed who acts', { claims: { act: { act: { sub: 'x' } } } }, /claim act/],
  ['with an object for a scope', { claims: { scope: ['read:things'] } }, /claim scope/],
  ...['iss', 'sub', 'exp', 'iat', 'jti', 'client_id'].map(
    name =>
      [
        `without ${name} (RFC 9068 §2.2)`,
        { claims: { [name]: undefined } },
        /claim|issuer/
      ] as (typeof wrong)[0]
  ),
  ...['sub', 'jti', 'client_id'].map(
    name =>
      [
        `with an empty ${name}`,
        { claims: { [name]: '' } },
        new RegExp(`claim ${name}`)
      ] as (typeof wrong)[0]
  )
]
for (const [title, change, says] of wrong) {
  t.test(`a token ${title} is refused`, async t => {
    const { status, error, description, challenge } = await refusal(await issuer.sign(change))
    t.equal(status, 401)
    t.equal(error, 'invalid_token')
    t.match(description, says)
    t.match(challenge, 'error="invalid_token", error_description="')
  })
}

t.test('an ID token is refused, even where typ JWT is accepted (RFC 8725 §3.12)', async t => {
  const relaxed = createVerifier({ issuer: issuer.url, audience, typ: 'JWT' })
  const idToken = { client_id: undefined, jti: undefined, scope: undefined, nonce: 'n' }
  const token = await issuer.sign({ claims: idToken, header: { typ: 'JWT' } })
  t.match((await refusal(token)).description, /typ is not/)
  t.match((await refusal(token, relaxed)).description, /claim (jti|client_id)/)
})

t.test('typ JWT is accepted only where the option says so', async t => {
  const relaxed = createVerifier({ issuer: issuer.url, audience, typ: 'JWT' })
  t.equal((await relaxed.verify(await issuer.sign({ header: { typ: 'JWT' } }))).ok, true)
  t.equal((await relaxed.verify(await issuer.sign())).ok, true)
  t.match((await refusal(await issuer.sign({ header: { typ: 'x+jwt' } }), relaxed)).status, 401)
})

t.test('clocks may differ by the tolerance and no more', async t => {
  const patient = createVerifier({ issuer: issuer.url, audience, clockToleranceSeconds: 60 })
  const late = await issuer.sign({ claims: { exp: seconds() - 30, iat: seconds() + 30 } })
  t.equal((await patient.verify(late)).ok, true)
  t.equal((await refusal(late)).error, 'invalid_token')
})

t.test('alg none is refused in every spelling (RFC 8725 §3.1)', async t => {
  const claims = (await issuer.sign()).split('.')[1]
  const unsecured = new UnsecuredJWT({}).encode()
  t.equal((await refusal(unsecured)).error, 'invalid_token')
  for (const alg of ['none', 'None', 'nOnE']) {
    const header = Buffer.from(JSON.stringify({ alg, typ: 'at+jwt' })).toString('base64url')
    for (const signature of ['', 'AAAA']) {
      t.equal((await refusal(`${header}.${claims}.${signature}`)).error, 'invalid_token')
    }
  }
})

t.test('HS256 keyed with the public key is refused (RFC 8725 §2.1)', async t => {
  const publicKey = await importJWK(issuer.key.publicJwk, 'ES256', { extractable: true })
  const pem = await exportSPKI(publicKey as Parameters<typeof exportSPKI>[0])
  for (const secret of [pem, JSON.stringify(issuer.key.publicJwk)]) {
    const token = await new SignJWT({
      sub: 'x',
      client_id: 'x',
      jti: 'x',
      iss: issuer.url,
      aud: audience,
      iat: seconds(),
      exp: seconds() + 60
    })
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: issuer.key.kid })
      .sign(new TextEncoder().encode(secret))
    t.match((await refusal(token)).description, /algorithm that is not accepted/)
  }
})

t.test('an algorithm outside the list is refused, published key or not', async t => {
  const own = await startFakeIssuer(t)
  const key = await createKey('ps', 'PS256')
  own.published.push(key.publicJwk)
  const judge = createVerifier({ issuer: own.url, audience })
  t.match((await refusal(await own.sign({ key }), judge)).description, /algorithm/)
  t.same(own.counts, { metadata: 0, keys: 0 }, 'and no key was asked for')
})

t.test('a key in the header is no key (RFC 8725 §3.10)', async t => {
  const mine = await createKey(issuer.key.kid)
  const embedded = await issuer.sign({
    key: mine,
    header: { jwk: mine.publicJwk, jku: `${issuer.url}/evil`, x5u: `${issuer.url}/evil` }
  })
  t.match((await refusal(embedded)).description, /signature/)
})

t.test('a token that was changed is refused', async t => {
  const [header, claims, signature] = (await issuer.sign()).split('.')
  const other = Buffer.from(
    JSON.stringify({
      ...JSON.parse(Buffer.from(claims ?? '', 'base64url').toString()),
      sub: 'admin'
    })
  ).toString('base64url')
  t.match((await refusal(`${header}.${other}.${signature}`)).description, /signature/)
  t.equal((await refusal(`${header}.${claims}.`)).error, 'invalid_token')
})

t.test('what is no JWT is refused with one sentence and no header injection', async t => {
  const token = await issuer.sign()
  const junk = ['x', 'a.b.c', '..', 'Bearer a b', `${token}.x`, `${token}\r\nSet-Cookie: a=b`]
  for (const value of [...junk, `Bearer ${'a'.repeat(20_000)}.b.c`, '{"payload":"e30"}']) {
    const { status, challenge } = await refusal(value)
    t.equal(status, 401)
    t.notMatch(challenge, /[\r\n]|Set-Cookie/)
  }
})

t.test('a token of more than 16 KB is refused, however valid', async t => {
  const large = await issuer.sign({ claims: { roles: 'x'.repeat(16 * 1024) } })
  t.match((await refusal(large)).description, /malformed/)
})

t.test('a token without the scope is refused with 403 and the scope (RFC 6750 §3.1)', async t => {
  const verification = await verifier.verify(await issuer.sign())
  if (!verification.ok) throw new Error(verification.description)
  t.equal(verifier.requireScope(verification.token, 'read:things'), undefined)
  t.equal(verifier.requireScope(verification.token, ''), undefined)
  const refused = verifier.requireScope(verification.token, 'read:things delete:things')
  t.equal(refused?.status, 403)
  t.match(refused?.challenge, 'error="insufficient_scope"')
  t.match(refused?.challenge, 'scope="read:things delete:things"')

  const bare = await verifier.verify(await issuer.sign({ claims: { scope: undefined } }))
  if (!bare.ok) throw new Error(bare.description)
  t.equal(verifier.requireScope(bare.token, 'read:things')?.status, 403)
})

t.test('a verifier does not start with the issuer as its audience', async t => {
  const says = /audience must not be the issuer/
  for (const own of [issuer.url, `${issuer.url}/`]) {
    t.throws(() => createVerifier({ issuer: issuer.url, audience: own }), says)
  }
})

t.test('a verifier does not start with options that cannot be meant', async t => {
  const good = { issuer: 'https://id.example.com', audience }
  t.ok(createVerifier(good))
  t.throws(() => createVerifier({ ...good, issuer: 'http://id.example.com' }), /https/)
  t.throws(() => createVerifier({ ...good, issuer: 'http://127.0.0.1.evil.example' }), /https/)
  t.throws(() => createVerifier({ ...good, issuer: 'https://id.example.com?x' }), /query/)
  t.throws(() => createVerifier({ ...good, issuer: 'id.example.com' }), /absolute URL/)
  t.throws(() => createVerifier({ ...good, audience: 'things' }), /absolute URI/)
  t.throws(() => createVerifier({ ...good, audience: `${audience}#x` }), /absolute URI/)
  t.throws(() => createVerifier({ ...good, clockToleranceSeconds: 3600 }), /0 to 300/)
})
