// The key ring on a real PostgreSQL: who makes keys when two processes start at once, and what is
// published. It refuses to load whatever was changed behind the server's back.

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { calculateJwkThumbprint, createLocalJWKSet, jwtVerify, SignJWT } from 'jose'
import Provider from 'oidc-provider'
import { t as root, test } from 'tap'
import { createKeyRing, type KeyAlgorithm, type WantedKey } from '../../src/keys/key-ring.ts'
import {
  generatePrivateJwk,
  sealSigningKey,
  signingAlgorithms
} from '../../src/keys/signing-key.ts'
import { createSealer } from '../../src/lib/seal.ts'
import { createSigningKeyRows } from '../../src/store/signing-keys.ts'
import { createTestDatabase } from '../support/postgres.ts'

const seal = createSealer({ masterKey: Buffer.alloc(32, 7) })
const wanted: WantedKey[] = [
  { purpose: 'access_token', alg: 'ES256' },
  { purpose: 'identity', alg: 'RS256' },
  { purpose: 'identity', alg: 'ES256' },
  { purpose: 'identity', alg: 'EdDSA' }
]

const { database } = await createTestDatabase(root)

/** The table is empty again for each test. */
async function setUp() {
  await tamper('DELETE FROM signing_keys')
  const rows = createSigningKeyRows({ sql: database })
  return { rows, ring: () => createKeyRing({ rows, seal }) }
}

let statements = 0
/** Changes rows behind the server's back. */
function tamper(text: string, values: unknown[] = []) {
  return database.run(`test.tamper.${++statements}`, text, values)
}

async function sealedRow(purpose: 'access_token' | 'identity' = 'access_token') {
  const key = await sealSigningKey(seal, purpose, 'ES256', await generatePrivateJwk('ES256'))
  return { purpose, alg: 'ES256', ...key }
}

test('ensure makes one active key for each purpose and algorithm, once', async t => {
  const { ring, rows } = await setUp()
  let made = 0
  const generate: typeof generatePrivateJwk = alg => {
    made++
    return generatePrivateJwk(alg)
  }
  const first = createKeyRing({ rows, seal, generate })
  t.same(first.keys(), [])
  await first.ensure([...wanted, ...wanted])
  t.equal(first.keys().length, wanted.length)
  t.equal(made, wanted.length)
  for (const { purpose, alg } of wanted) {
    const key = first.active(purpose, alg)
    t.match(key, { purpose, alg, state: 'active' })
    t.equal(first.byKid(key.kid), key)
  }

  const later = ring()
  await later.ensure(wanted)
  t.same(later.jwks(), first.jwks(), 'a later start finds the same keys')
  t.equal((await rows.list()).length, wanted.length)
})

test('two processes that ensure at once end with the same one active key', async t => {
  const { rows } = await setUp()
  // both have seen an empty table before either of them inserts
  const both = Promise.withResolvers<void>()
  let makers = 0
  const generate = async (alg: KeyAlgorithm) => {
    if (++makers === 2) both.resolve()
    await both.promise
    return generatePrivateJwk(alg)
  }
  const rings = [0, 1].map(() => createKeyRing({ rows, seal, generate }))
  await Promise.all(rings.map(ring => ring.ensure([{ purpose: 'access_token', alg: 'ES256' }])))
  t.equal(makers, 2, 'both made a key')
  t.equal((await rows.list()).length, 1, 'one was stored')
  t.equal(rings[0]?.keys().length, 1)
  t.equal(rings[0]?.version(), rings[1]?.version())
  t.equal(
    rings[0]?.active('access_token', 'ES256').kid,
    rings[1]?.active('access_token', 'ES256').kid
  )
})

test('the table holds no private key in the clear', async t => {
  const { ring } = await setUp()
  const keys = ring()
  await keys.ensure(wanted)
  const { rows } = await tamper(
    "SELECT signing_keys::text || encode(sealed, 'escape') AS row FROM signing_keys"
  )
  const dump = JSON.stringify(rows)
  for (const { privateJwk, kid } of keys.keys()) {
    t.ok(privateJwk.d)
    t.equal(dump.includes(privateJwk.d as string), false)
    t.equal(dump.includes(kid), true, 'the dump does hold the rows')
  }
})

test('the published set has public members only, with kid, use and alg (RFC 7517 §9.2)', async t => {
  const { ring } = await setUp()
  const keys = ring()
  await keys.ensure(wanted)
  const members = {
    ES256: ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'],
    RS256: ['alg', 'e', 'kid', 'kty', 'n', 'use'],
    EdDSA: ['alg', 'crv', 'kid', 'kty', 'use', 'x']
  }
  const published = keys.jwks().keys
  t.equal(published.length, wanted.length)
  t.equal(new Set(published.map(({ kid }) => kid)).size, wanted.length)
  for (const jwk of published) {
    t.same(Object.keys(jwk).sort(), members[jwk.alg as keyof typeof members])
    t.match(jwk, { use: 'sig', kid: /^[A-Za-z0-9_-]{43}$/ })
  }
  const rsa = published.find(({ alg }) => alg === 'RS256')
  t.equal(Buffer.from(rsa?.n as string, 'base64url').length * 8, 2048)
})

test('what a private key signs, the published set verifies (RFC 7515 §5)', async t => {
  const { ring } = await setUp()
  const keys = ring()
  await keys.ensure(wanted)
  const published = createLocalJWKSet(keys.jwks())
  for (const { purpose, alg } of wanted) {
    const { kid, privateJwk } = keys.active(purpose, alg)
    const jwt = await new SignJWT({ a: 1 }).setProtectedHeader({ alg, kid }).sign(privateJwk)
    const { payload } = await jwtVerify(jwt, published, { algorithms: [alg] })
    t.equal(payload['a'], 1, alg)
    t.equal(keys.byKid(kid)?.purpose, purpose)
  }
})

test('the engine takes the private keys, and publishes what the ring publishes', async t => {
  const { ring } = await setUp()
  const keys = ring()
  await keys.ensure(wanted)
  const jwks = { keys: keys.keys().map(({ privateJwk }) => ({ ...privateJwk })) as never }
  const engine = new Provider('http://localhost', { jwks, cookies: { keys: ['of this test'] } })
  const server = createServer(engine.callback())
  t.teardown(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const published = await (await fetch(`${base}/jwks`)).json()
  t.same(published, keys.jwks())
  const answer = await fetch(`${base}/.well-known/openid-configuration`)
  const discovery = (await answer.json()) as Record<string, string[]>
  const algorithms = discovery['id_token_signing_alg_values_supported']
  for (const alg of ['ES256', 'RS256', 'EdDSA']) {
    t.ok(algorithms?.includes(alg), alg)
  }
  // a key says one name for its algorithm, and is used under that name alone (RFC 9864)
  t.notOk(algorithms?.includes('Ed25519'))
})

test('an absent key is a fault with its purpose and algorithm', async t => {
  const { ring } = await setUp()
  const keys = ring()
  await keys.ensure([{ purpose: 'identity', alg: 'ES256' }])
  t.throws(() => keys.active('access_token', 'ES256'), {
    code: 'key_unavailable',
    message: /ES256.*access_token/
  })
  t.equal(keys.byKid('unknown'), undefined)
})

test('sealed keys swapped between two rows refuse to load', async t => {
  const { ring, rows } = await setUp()
  const keys = ring()
  await keys.ensure(wanted.slice(0, 2))
  const before = keys.version()
  await tamper(
    `UPDATE signing_keys a SET sealed = b.sealed FROM signing_keys b WHERE a.kid <> b.kid`
  )
  await t.rejects(keys.load(), { code: 'seal_broken', message: /moved here/ })
  t.equal(keys.version(), before, 'the ring stays as it was')
  t.equal(keys.keys().length, 2)
  const fresh = createKeyRing({ rows, seal })
  await t.rejects(fresh.ensure(wanted), { code: 'seal_broken' }, 'start refuses')
  t.same(fresh.keys(), [])
})

test('a row whose visible columns were changed refuses to load', async t => {
  for (const [change, message] of [
    ["kid = 'another'", /moved here/],
    ["purpose = 'status_list'", /another purpose/],
    ["alg = 'EdDSA'", /another algorithm/],
    ["alg = 'HS256'", /does not know/],
    ["sealed = '\\x00'", /no value sealed/]
  ] as const) {
    const { ring } = await setUp()
    const keys = ring()
    await keys.ensure([{ purpose: 'access_token', alg: 'ES256' }])
    await tamper(`UPDATE signing_keys SET ${change}`)
    await t.rejects(ring().load(), { code: 'seal_broken', message }, change)
  }
})

test('a sealed key under a name that is not its thumbprint refuses to load (RFC 7638)', async t => {
  const { ring, rows } = await setUp()
  const jwk = await generatePrivateJwk('ES256')
  const privateJwk = { ...jwk, kid: 'chosen', alg: 'ES256', use: 'sig' }
  const context = { table: 'signing_keys', column: 'sealed', key: 'chosen' }
  const sealed = seal.seal(JSON.stringify({ purpose: 'identity', privateJwk }), context)
  await rows.insertActive({ kid: 'chosen', purpose: 'identity', alg: 'ES256', sealed })
  await t.rejects(ring().load(), { code: 'seal_broken', message: /not the key that its name says/ })
})

test('a sealed value that is no key refuses to load, and is not quoted', async t => {
  for (const text of ['{"purpose":"identity","privateJwk":null}', 'a secret, cut off']) {
    const { ring, rows } = await setUp()
    const sealed = seal.seal(text, { table: 'signing_keys', column: 'sealed', key: 'kid' })
    await rows.insertActive({ kid: 'kid', purpose: 'identity', alg: 'ES256', sealed })
    const error = await ring()
      .load()
      .catch(fault => fault)
    t.match(error, { code: 'seal_broken', message: /holds no private key/ })
    t.notMatch(String(error.message) + String(error.cause), /a secret/)
  }
})

test('another master key refuses to load and says so', async t => {
  const { ring, rows } = await setUp()
  await ring().ensure(wanted.slice(0, 1))
  const stranger = createKeyRing({ rows, seal: createSealer({ masterKey: Buffer.alloc(32, 8) }) })
  await t.rejects(stranger.ensure(wanted), {
    message:
      /another master key than MINTMARK_MASTER_KEY .*previousMasterKeys \(MINTMARK_PREVIOUS_MASTER_KEYS\).*empty database/
  })
})

test('a pending key is published ahead and does not sign (OpenID Connect Core §10.1.1)', async t => {
  const { ring, rows } = await setUp()
  const keys = ring()
  await keys.ensure([{ purpose: 'access_token', alg: 'ES256' }])
  const active = keys.active('access_token', 'ES256')
  const pending = await sealedRow()
  await tamper(
    `INSERT INTO signing_keys (kid, purpose, alg, state, sealed, created_at)
     VALUES ($1, $2, $3, 'pending', $4, '2000-01-01')`,
    [pending.kid, pending.purpose, pending.alg, pending.sealed]
  )
  t.equal(await rows.insertActive(await sealedRow()), 'taken', 'one active key at a time')
  await keys.load()
  t.equal(keys.active('access_token', 'ES256').kid, active.kid)
  t.same(
    keys.jwks().keys.map(({ kid }) => kid),
    [active.kid, pending.kid],
    'active first, though the pending one is older'
  )
})

test('a retiring key verifies and does not sign; a retired one is gone', async t => {
  const { ring } = await setUp()
  const keys = ring()
  await keys.ensure([{ purpose: 'access_token', alg: 'ES256' }])
  const old = keys.active('access_token', 'ES256')
  await tamper("UPDATE signing_keys SET state = 'retiring'")
  await keys.load()
  t.throws(() => keys.active('access_token', 'ES256'), { code: 'key_unavailable' })
  t.equal(keys.byKid(old.kid)?.state, 'retiring')

  await keys.ensure([{ purpose: 'access_token', alg: 'ES256' }])
  t.not(keys.active('access_token', 'ES256').kid, old.kid)
  t.equal(keys.jwks().keys.length, 2)

  await tamper("UPDATE signing_keys SET state = 'retired' WHERE state = 'retiring'")
  await keys.load()
  t.equal(keys.byKid(old.kid), undefined)
  t.equal(keys.jwks().keys.length, 1)
})

test('the version changes exactly when the keys or their states do', async t => {
  const { ring } = await setUp()
  const keys = ring()
  const empty = keys.version()
  await keys.ensure(wanted.slice(0, 1))
  const one = keys.version()
  t.not(one, empty)
  const [before] = keys.keys()
  await keys.load()
  t.equal(keys.version(), one)
  t.equal(keys.keys()[0]?.privateJwk, before?.privateJwk, 'the same object: nothing to import')
  await tamper("UPDATE signing_keys SET state = 'retiring'")
  await keys.load()
  t.not(keys.version(), one)
})

test('of two loads the later one has the last word, and a failed one stops no other', async t => {
  const { ring, rows } = await setUp()
  await ring().ensure(wanted.slice(0, 1))
  const stored = await rows.list()
  const slow = Promise.withResolvers<void>()
  let lists = 0
  const keys = createKeyRing({
    rows: {
      ...rows,
      async list() {
        if (++lists === 1) {
          await slow.promise
          return []
        }
        if (lists === 2) throw new Error('down')
        return stored
      }
    },
    seal
  })
  const loads = [keys.load(), keys.load(), keys.load()]
  await setImmediate()
  t.equal(lists, 1, 'the others wait for the first')
  slow.resolve()
  const settled = await Promise.allSettled(loads)
  t.same(
    settled.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled']
  )
  t.equal(lists, 3)
  t.equal(keys.keys().length, 1)
})

test('within a state the oldest key is first: every process lists them alike', async t => {
  const { ring } = await setUp()
  const keys = ring()
  await keys.ensure(wanted)
  const oldest = keys.keys().at(-1)?.kid as string
  const before = keys.version()
  await tamper("UPDATE signing_keys SET created_at = '2000-01-01' WHERE kid = $1", [oldest])
  await keys.load()
  t.equal(keys.keys()[0]?.kid, oldest)
  t.not(keys.version(), before, 'another order is another list')
})

test('the ring cannot be changed through what it hands out', async t => {
  const { ring } = await setUp()
  const keys = ring()
  await keys.ensure(wanted.slice(0, 1))
  keys.jwks().keys.length = 0
  const [published] = keys.jwks().keys
  if (published) published.kid = 'changed'
  t.not(keys.jwks().keys[0]?.kid, 'changed')
  const key = keys.active('access_token', 'ES256')
  t.throws(() => Object.assign(key, { state: 'pending' }), TypeError)
  t.throws(() => Object.assign(key.privateJwk, { d: 'x' }), TypeError)
})

test('RSA keys have 2048 bits at least (RFC 7518 §3.3)', async t => {
  t.ok((signingAlgorithms.RS256.modulusLength ?? 0) >= 2048)
})

test('no key is named like an option of the command line', async t => {
  // of 1,000 that were taken as they came, all would pass once in seven million runs
  const keys = Array.from({ length: 1_000 }, () => generatePrivateJwk('ES256'))
  const kids = await Promise.all(keys.map(async key => calculateJwkThumbprint(await key)))
  t.same(
    kids.filter(kid => kid.startsWith('-')),
    []
  )
})
