// Tokens that are bound to a key, at an API (RFC 9449 §4.3, §7): each refusal is one change to a request that is good otherwise. The issuer is
// the one that an API's own tests get (testing.ts), so that this file also shows what it is good for.

import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import t from 'tap'
import { createReplayMemory } from '../../src/resource-server/dpop-replay.ts'
import { createProver, createTestIssuer } from '../../src/resource-server/testing.ts'
import { createVerifier, type Shown } from '../../src/resource-server/verifier.ts'
import { createAuthority } from '../support/certificates.ts'

let time = Date.now()
const now = () => time
const audience = 'https://api.example.com/v1'
const issuer = await createTestIssuer({ audience, now })
const prover = await createProver({ now })
const other = await createProver({ now })
const verifier = createVerifier(issuer.options)
const bound = await issuer.accessToken({ prover, scope: 'read:things' })
const bearer = await issuer.accessToken({ scope: 'read:things' })

const method = 'GET'
const path = '/v1/things?page=2'
const url = `https://api.example.com${path}`
const good = (more: Partial<Parameters<typeof prover.proof>[0]> = {}, by = prover) =>
  by.proof({ method, url, token: bound, ...more })

async function ask(dpop: string | undefined, more: Partial<Shown> = {}, judge = verifier) {
  return judge.verify(`DPoP ${bound}`, { dpop, method, url: path, ...more })
}

t.test('a bound token opens the API with its proof (RFC 9449 §7.1)', async t => {
  const verification = await ask(await good())
  t.match(verification, { ok: true, token: { binding: 'dpop', subject: 'test-subject' } })
  t.match(await ask(await good(), { url }), { ok: true }, 'as a whole URL, as Fetch has it')
  for (const htu of ['HTTPS://API.EXAMPLE.COM:443/v1/./things', `${url}#there`]) {
    t.match(await ask(await good({ claims: { htu } })), { ok: true }, htu)
  }
  const wide = await verifier.verify(`dpop  ${bound}`, { dpop: await good(), method, url })
  t.match(wide, { ok: true }, 'RFC 9110 §11.1')
})

const seconds = () => Math.floor(now() / 1000)
const changes: [title: string, dpop: () => Promise<string | undefined>, says: RegExp][] = [
  ['no proof', async () => undefined, /no DPoP proof/],
  ['an empty proof', async () => '', /no DPoP proof/],
  ['two proofs', async () => `${await good()}, ${await good()}`, /one DPoP header/],
  ['a proof of 9 KB', () => good({ claims: { x: 'x'.repeat(9_000) } }), /one DPoP header/],
  ['a proof for another method', () => good({ method: 'POST' }), /htm/],
  ['a method in small letters', () => good({ claims: { htm: 'get' } }), /htm/],
  ['a proof for another path', () => good({ url: 'https://api.example.com/v1/other' }), /htu/],
  ['a proof for another host', () => good({ url: `https://evil.example${path}` }), /htu/],
  ['a proof over http', () => good({ url: `http://api.example.com${path}` }), /htu/],
  ['a person in the address', () => good({ url: `https://x@api.example.com${path}` }), /htu/],
  ['an address that is none', () => good({ claims: { htu: '/v1/things' } }), /htu/],
  ['an old proof', () => good({ claims: { iat: seconds() - 66 } }), /too old/],
  ['a proof from the future', () => good({ claims: { iat: seconds() + 6 } }), /the future/],
  ['a proof for another token', () => good({ token: bearer }), /ath/],
  ...['jti', 'htm', 'htu', 'iat', 'ath'].map(
    name =>
      [
        `a proof without ${name}`,
        () => good({ claims: { [name]: undefined } }),
        new RegExp(`needs the claim ${name}`)
      ] as (typeof changes)[0]
  ),
  ['an empty jti', () => good({ claims: { jti: '' } }), /wrong type/],
  ['an iat in words', () => good({ claims: { iat: 'now' } }), /malformed|wrong type|claim iat/],
  ['an expired proof', () => good({ claims: { exp: seconds() - 1 } }), /malformed/],
  ['what is no JWT', async () => 'a.b.c', /malformed/],
  ['a proof that was changed', async () => `${(await good()).slice(0, -6)}AAAAAA`, /malformed/]
]
for (const [title, dpop, says] of changes) {
  t.test(`${title} is refused, and the challenge is for a proof (RFC 9449 §4.3)`, async t => {
    t.match(await ask(await dpop()), {
      status: 401,
      error: 'invalid_dpop_proof',
      description: says,
      challenge:
        /^DPoP realm="https:\/\/api\.example\.com\/v1", error="invalid_dpop_proof", .*algs="ES256 /
    })
  })
}

t.test('keys that are no proof are refused (RFC 9449 §4.3)', async t => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const [jwk, d] = [await exportJWK(publicKey), await exportJWK(privateKey)]
  const claims = { jti: 'j', htm: method, htu: url, iat: seconds(), ath: 'x' }
  const sign = (header: object, key: Parameters<SignJWT['sign']>[0] = privateKey) =>
    new SignJWT(claims).setProtectedHeader(header as { alg: string }).sign(key)
  const secret = new Uint8Array(32)
  const symmetric = { kty: 'oct', k: Buffer.from(secret).toString('base64url') }
  const proofs = {
    'a private key in the header': await sign({ alg: 'ES256', typ: 'dpop+jwt', jwk: d }),
    'no key in the header': await sign({ alg: 'ES256', typ: 'dpop+jwt' }),
    'another type': await sign({ alg: 'ES256', typ: 'JWT', jwk }),
    'no type': await sign({ alg: 'ES256', jwk }),
    'a symmetric key': await sign({ alg: 'HS256', typ: 'dpop+jwt', jwk: symmetric }, secret),
    'a key of no kind': await sign({ alg: 'ES256', typ: 'dpop+jwt', jwk: { kty: 'x' } }),
    'somebody else’s key': await sign({
      ...{ alg: 'ES256', typ: 'dpop+jwt', jwk: { ...jwk, x: d.y, y: d.x } }
    }),
    'alg none': `${Buffer.from('{"alg":"none","typ":"dpop+jwt"}').toString('base64url')}.e30.AA`
  }
  for (const [title, proof] of Object.entries(proofs)) {
    t.match(await ask(proof), { status: 401, error: 'invalid_dpop_proof' }, title)
  }
})

t.test('a good proof of another key is refused (RFC 9449 §4.3)', async t => {
  t.match(await ask(await good({}, other)), {
    status: 401,
    error: 'invalid_token',
    description: /another key/,
    challenge: /^DPoP /
  })
})

t.test('a proof counts once, whatever came between (RFC 9449 §11.1)', async t => {
  const proof = await good()
  t.match(await ask(proof), { ok: true })
  t.match(await ask(await good()), { ok: true })
  t.match(await ask(proof), { error: 'invalid_dpop_proof', description: /used already/ })
  const elsewhere = { method: 'POST', url: 'https://api.example.com/v1/x' }
  const claims = { jti: 'mine' }
  t.match(await ask(await good({ claims })), { ok: true })
  t.match(await ask(await good({ claims, ...elsewhere }), { method: 'POST', url: '/v1/x' }), {
    description: /used already/
  })
  const theirs = await issuer.accessToken({ prover: other })
  const headers = await other.headers({ method, url, token: theirs, claims })
  const verification = await verifier.verify(headers['authorization'], { ...headers, method, url })
  t.match(verification, { ok: true }, 'the same jti of another key is another proof')
})

t.test('processes that share the memory share what they saw; without it, 503', async t => {
  const replays = createReplayMemory({ now })
  const [one, two] = [1, 2].map(() => createVerifier({ ...issuer.options, replays }))
  const proof = await good()
  const answers = await Promise.all([ask(proof, {}, one), ask(proof, {}, two)])
  t.equal(answers.filter(({ ok }) => ok).length, 1)
  const lost = createVerifier({
    ...issuer.options,
    replays: { claim: () => Promise.reject(new Error('gone')) }
  })
  t.match(await ask(await good(), {}, lost), { status: 503, challenge: undefined })
})

t.test('the memory of proofs is bounded, and forgets what has ended', async t => {
  let clock = 0
  const memory = createReplayMemory({ max: 3, now: () => clock })
  for (const id of ['a', 'b', 'c']) t.equal(await memory.claim(id, 60), 'first')
  t.equal(await memory.claim('a', 60), 'replayed', 'when full, it asks before it forgets')
  t.equal(await memory.claim('d', 60), 'first')
  t.equal(await memory.claim('b', 60), 'replayed')
  t.equal(await memory.claim('a', 60), 'first', 'the oldest was forgotten for d')
  clock = 60_000
  t.equal(await memory.claim('d', 120), 'first', 'its time was over')
})

t.test(
  'a bound token is no bearer token, and a bearer token is not bound (RFC 9449 §7)',
  async t => {
    const shown = { dpop: await good(), method, url: path }
    t.match(await verifier.verify(`Bearer ${bound}`, shown), {
      status: 401,
      error: 'invalid_token',
      description: /bound to a key/
    })
    const unbound = { ...shown, dpop: await prover.proof({ method, url, token: bearer }) }
    t.match(await verifier.verify(`DPoP ${bearer}`, unbound), {
      status: 401,
      error: 'invalid_token',
      description: /not bound/
    })
  }
)

t.test('an API may take nothing but bound tokens, or none', async t => {
  const strict = createVerifier({ ...issuer.options, dpop: 'required' })
  t.match(await ask(await good(), {}, strict), { ok: true })
  t.match(await strict.verify(`Bearer ${bearer}`), {
    status: 401,
    description: /only access tokens that are bound/,
    challenge: /^DPoP /
  })
  const algs = 'algs="ES256 RS256 PS256 EdDSA"'
  const { challenge } = (await strict.verify(undefined)) as { challenge?: string }
  t.equal(challenge, `DPoP realm="${audience}", ${algs}`)

  const off = createVerifier({ ...issuer.options, dpop: 'off' })
  t.match(await ask(await good(), {}, off), { status: 401, description: /cannot check the proof/ })
  const nameless = { ...issuer.options, audience: 'urn:example:api' }
  t.throws(() => createVerifier({ ...nameless, dpop: 'required' }), /publicUrl/)
  t.throws(() => createVerifier({ ...issuer.options, publicUrl: 'x' }), /publicUrl must be/)
  const forUrn = await issuer.accessToken({ prover, audience: nameless.audience })
  const proof = await prover.proof({ method, url, token: forUrn })
  const shown = { dpop: proof, method, url: path }
  t.match(await createVerifier(nameless).verify(`DPoP ${forUrn}`, shown), { status: 401 })
})

t.test('behind a proxy that cuts off a path, publicUrl says where the API is', async t => {
  const publicUrl = 'https://gateway.example.com/things-api/'
  const proxied = createVerifier({ ...issuer.options, publicUrl })
  const htu = 'https://gateway.example.com/things-api/things'
  t.match(await ask(await good({ url: htu }), { url: '/things' }, proxied), { ok: true })
  t.match(await ask(await good(), { url: '/v1/things' }, proxied), { description: /htu/ })
  for (const strange of ['*', '@evil.example/', undefined]) {
    const proof = await good({ url: `https://gateway.example.com${strange}` })
    t.match(await ask(proof, { url: strange }, proxied), { description: /htu/ })
  }
})

t.test('with nonces a proof cannot be made ahead of its use (RFC 9449 §9)', async t => {
  const dpopNonceKey = new Uint8Array(32).fill(5)
  const options = { ...issuer.options, dpopNonce: 'required', dpopNonceKey } as const
  const [one, two] = [createVerifier(options), createVerifier(options)]
  const asked = await ask(await good(), {}, one)
  t.match(asked, { status: 401, error: 'use_dpop_nonce', challenge: /error="use_dpop_nonce"/ })
  const nonce = asked.ok ? '' : (asked.dpopNonce ?? '')
  t.match(await ask(await good({ nonce }), {}, two), { ok: true }, 'another process knows it')
  t.match(await ask(await good({ nonce: 'mine' }), {}, one), { error: 'use_dpop_nonce' })

  time += 120_000
  const late = await ask(await good({ nonce }), {}, one)
  t.match(late, { ok: true, dpopNonce: /^[\w-]{22}$/ }, 'and is told the next one')
  time += 120_000
  t.match(await ask(await good({ nonce }), {}, one), { error: 'use_dpop_nonce' })
  t.throws(() => createVerifier({ ...options, dpopNonceKey: new Uint8Array(8) }), /32 random bytes/)
})

t.test('a token that is bound to a key and a certificate needs both (RFC 8705 §3)', async t => {
  const { cert } = await (await createAuthority()).issue({ subject: 'CN=client' })
  const token = await issuer.accessToken({ prover, certificate: cert })
  const dpop = () => prover.proof({ method, url, token })
  const send = (shown: Partial<Shown>) =>
    verifier.verify(`DPoP ${token}`, { method, url: path, ...shown })
  t.match(await send({ dpop: await dpop(), certificate: cert }), { ok: true })
  t.match(await send({ dpop: await dpop() }), { status: 401, description: /certificate/ })
  t.match(await send({ certificate: cert }), { status: 401, description: /no DPoP proof/ })
})

t.test('a refusal of a bound token challenges for a proof (RFC 9449 §7.1)', async t => {
  const verification = await ask(await good())
  if (!verification.ok) throw new Error(verification.description)
  const { token } = verification
  t.match(verifier.requireScope(token, 'write:things'), {
    status: 403,
    challenge: /^DPoP .*error="insufficient_scope".*scope="write:things", algs=/
  })
  t.match(verifier.requireAuthentication(token, { maxAgeSeconds: 1 }), { challenge: /^DPoP / })
  const expired = await issuer.accessToken({ prover, expiresIn: -60 })
  t.match(await verifier.verify(`DPoP ${expired}`), { challenge: /^DPoP .*"invalid_token"/ })
})
