// The refresh token as a value: one spelling, nothing believed without its MAC, one successor, and a verdict for every age.

import { randomBytes, randomUUID } from 'node:crypto'
import t from 'tap'
import {
  type AuthenticRefreshToken,
  type Derivation,
  issueRefreshToken,
  judgeRefreshToken,
  parseRefreshToken,
  refreshTokenHash,
  successorOf,
  type Verdict,
  type VersionedKeys
} from '../../src/grants/refresh-token.ts'
import { hmac } from '../../src/lib/secret.ts'
import type { FamilyRow } from '../../src/store/refresh-families.ts'

/** Keys by version; the last one is current. */
function keysOf(...keys: Buffer[]): VersionedKeys {
  return {
    current: () => ({ version: keys.length, key: keys.at(-1) ?? Buffer.alloc(0) }),
    byVersion: version => keys[version - 1]
  }
}

const bytes = () => randomBytes(32)
const macKeys = keysOf(bytes())
const family = { bucket: 20_500, id: randomUUID() }

function parsed(value: string, keys = macKeys): AuthenticRefreshToken {
  const token = parseRefreshToken(value, keys)
  if (token === undefined) throw new Error('not a token of ours')
  return token
}

t.test('a token tells its family and generation, to whoever has the key', async t => {
  const value = issueRefreshToken(family, macKeys)
  t.match(value, /^[\w-]{96}$/)
  t.same(parseRefreshToken(value, macKeys), { value, ...family, generation: 1, macKeyVersion: 1 })
  t.equal(parseRefreshToken(value, keysOf(randomBytes(32))), undefined)
  t.equal(parseRefreshToken(value, keysOf()), undefined)
  t.not(issueRefreshToken(family, macKeys), value, 'two of one family differ')
})

t.test('a token has one spelling: none that decodes to the same bytes is taken', async t => {
  // + and / for - and _, padding, white space, a NUL, other case, URL encoding, an embedded alphabet change
  let value = issueRefreshToken(family, macKeys)
  while (!/[-_]/.test(value)) value = issueRefreshToken(family, macKeys)
  const bytes = Buffer.from(value, 'base64url')
  const others = [
    bytes.toString('base64'),
    `${value}=`,
    `${value}==`,
    ` ${value}`,
    `${value}\n`,
    `${value}\0`,
    `${value.slice(0, 48)} ${value.slice(48)}`,
    encodeURIComponent(`${value}~`),
    bytes.toString('hex'),
    value.toLowerCase(),
    value.toUpperCase()
  ]
  for (const other of others)
    t.equal(parseRefreshToken(other, macKeys), undefined, JSON.stringify(other))
  t.same(Buffer.from(others[0] ?? '', 'base64url'), bytes, 'which a generous decoder takes')
})

t.test('no bit can be changed, no byte added or taken away', async t => {
  const bytes = Buffer.from(issueRefreshToken(family, macKeys), 'base64url')
  const taken: number[] = []
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes)
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    if (parseRefreshToken(changed.toString('base64url'), macKeys) !== undefined) taken.push(bit)
  }
  t.same(taken, [])
  for (const length of [0, 3, 71, 73, 75, 144]) {
    const other = Buffer.concat([bytes, bytes]).subarray(0, length)
    t.equal(parseRefreshToken(other.toString('base64url'), macKeys), undefined, String(length))
  }
})

t.test('a bucket or a generation that is not ours never leaves the parser (D-13)', async t => {
  const bytes = Buffer.from(issueRefreshToken(family, macKeys), 'base64url')
  for (const bucket of [0, 1, 0x7fff, 0x8000, 0xffff]) {
    const forged = Buffer.from(bytes)
    forged.writeUInt16BE(bucket, 2)
    t.equal(parseRefreshToken(forged.toString('base64url'), macKeys), undefined, String(bucket))
  }
  const injected = Buffer.from(bytes)
  injected.write("1; DROP TABLE refresh_families --'", 2)
  t.equal(parseRefreshToken(injected.toString('base64url'), macKeys), undefined)
  for (const text of ["' OR 1=1 --", '-1', '1e9', '\u0000'.repeat(96), '가'.repeat(96)]) {
    t.equal(parseRefreshToken(text, macKeys), undefined)
  }
})

t.test('the successor is the same for everybody who computes it', async t => {
  const token = parsed(issueRefreshToken(family, macKeys))
  const [salt, key] = [randomBytes(32), randomBytes(32)]
  const derivation = { salt, rotationKey: key, restoreEpoch: 1 }
  const successor = successorOf(token, derivation, macKeys)
  const copy = { salt: Buffer.from(salt), rotationKey: Buffer.from(key), restoreEpoch: 1 }
  t.equal(successorOf(token, copy, macKeys), successor)
  t.same(parseRefreshToken(successor, macKeys), {
    value: successor,
    ...family,
    generation: 2,
    macKeyVersion: 1
  })

  const other = parsed(issueRefreshToken(family, macKeys))
  const changed = (change: Partial<Derivation>) =>
    successorOf(token, { ...derivation, ...change }, macKeys)
  t.not(changed({ salt: randomBytes(32) }), successor, 'depends on the salt')
  t.not(changed({ rotationKey: randomBytes(32) }), successor, 'on the key')
  t.not(changed({ restoreEpoch: 2 }), successor, 'on what a restored backup raises (D-25)')
  t.not(successorOf(other, derivation, macKeys), successor, 'and on the token')
})

t.test('neither the database nor the keys alone yield a live token (D-3)', async t => {
  const token = parsed(issueRefreshToken(family, macKeys))
  const [salt, rotationKey] = [randomBytes(32), randomBytes(32)]
  const successor = successorOf(token, { salt, rotationKey, restoreEpoch: 1 }, macKeys)
  const secretOf = (value: string) => Buffer.from(value, 'base64url').subarray(24, 56)

  // the row: hashes, salt, family; an old token from a log besides
  const fromRow = [
    hmac(salt, token.value),
    hmac(refreshTokenHash(token.value), '1', salt, token.value),
    hmac(Buffer.alloc(32), '1', salt, token.value)
  ]
  // the keys, and the old token; the salt must be guessed
  const fromKeys = [
    hmac(rotationKey, token.value),
    hmac(rotationKey, '1', token.value),
    hmac(rotationKey, '1', Buffer.alloc(32), token.value),
    hmac(rotationKey, '1', Buffer.alloc(0), token.value)
  ]
  for (const guess of [...fromRow, ...fromKeys]) t.notOk(guess.equals(secretOf(successor)))
  t.ok(
    hmac(rotationKey, '1', salt, token.value).equals(secretOf(successor)),
    'it takes row, key and token'
  )
  t.notOk(
    refreshTokenHash(successor).includes(secretOf(successor).subarray(0, 8)),
    'the hash shows nothing of it'
  )
})

t.test(
  'a new version of the MAC key changes the spelling of new tokens, old ones stay ours',
  async t => {
    const [one, two] = [randomBytes(32), randomBytes(32)]
    const old = issueRefreshToken(family, keysOf(one))
    const both = keysOf(one, two)
    t.equal(parseRefreshToken(old, both)?.generation, 1)
    const fresh = issueRefreshToken(family, both)
    t.equal(parseRefreshToken(fresh, both)?.generation, 1)
    t.equal(parseRefreshToken(fresh, keysOf(one)), undefined, 'not before the version is known')
  }
)

t.test(
  'a family keeps its version of the MAC key: a retry after a change gets the same successor',
  async t => {
    const [one, two, salt, rotationKey] = [bytes(), bytes(), bytes(), bytes()]
    const [before, after] = [keysOf(one), keysOf(one, two)]
    const token = parsed(issueRefreshToken(family, before), before)
    const derivation = { salt, rotationKey, restoreEpoch: 1 }
    t.equal(successorOf(token, derivation, after), successorOf(token, derivation, before))
  }
)

/** A family of which generation 3 is current, 2 was spent 10 s ago, and 1 was spent 20 s ago. */
function chain() {
  const rotationKey = randomBytes(32)
  const salts = [randomBytes(32), randomBytes(32), randomBytes(32)] as const
  const next = (token: AuthenticRefreshToken, salt: Buffer) =>
    parsed(successorOf(token, { salt, rotationKey, restoreEpoch: 1 }, macKeys))
  const one = parsed(issueRefreshToken(family, macKeys))
  const two = next(one, salts[0])
  const three = next(two, salts[1])
  const four = next(three, salts[2])
  const row: FamilyRow = {
    ...family,
    grantId: 'grant',
    clientId: 'client',
    generation: 3,
    currentHash: refreshTokenHash(three.value),
    successorSalt: salts[2],
    successorKeyVersion: 1,
    previousHash: refreshTokenHash(two.value),
    previousSalt: salts[1],
    previousKeyVersion: 1,
    sinceRotation: 10,
    sincePreviousRotation: 20,
    redeemedBy: undefined,
    secondAddressStreak: 0,
    secondAddressCounted: false,
    remainingSeconds: 1000,
    revoked: false,
    payload: {}
  }
  return { one, two, three, four, next, row }
}

t.test('what a presented token is worth, by its age (RFC 9700 §4.14.2)', async t => {
  const { one, two, three, four, next, row } = chain()
  const [fork, lost] = [next(one, randomBytes(32)), next(two, randomBytes(32))]
  const first = { ...row, previousHash: undefined, sinceRotation: undefined }
  const table: [AuthenticRefreshToken, number, Verdict, string, Partial<FamilyRow>?][] = [
    [three, 30, 'current', 'unspent'],
    [three, 0, 'current', 'unspent, without a leeway'],
    [three, 30, 'current', 'unspent, after any time', { sinceRotation: 1e9 }],
    [two, 30, 'leeway', 'spent a moment ago'],
    [two, 10, 'reuse', 'exactly as long ago as the leeway'],
    [two, 9, 'reuse', 'spent before the leeway'],
    [two, 0, 'reuse', 'no leeway at all'],
    [two, 30, 'leeway', 'spent by a transaction that began after ours', { sinceRotation: -0.2 }],
    [two, 30, 'reuse', 'a year ago', { sinceRotation: 31_536_000 }],
    [one, 30, 'stale', 'two generations old, inside the leeway (D-6)'],
    [one, 20, 'reuse', 'two generations old, and older than the leeway'],
    [one, 30, 'reuse', 'no time of its own known', { sincePreviousRotation: undefined }],
    [four, 30, 'ahead', 'handed out after the backup that the row is from (D-25)'],
    [lost, 30, 'ahead', 'of the generation that is current, but handed out by a row that is gone'],
    [fork, 30, 'stale', 'another token of the same generation as the previous one'],
    [
      two,
      30,
      'reuse',
      'expired families tell reuse all the same (D-2)',
      { remainingSeconds: -1e7, sinceRotation: 1e7 }
    ],
    [three, 30, 'current', 'revocation is judged by the caller', { revoked: true }]
  ]
  for (const [token, leeway, verdict, why, changes] of table) {
    t.equal(judgeRefreshToken(token, { ...row, ...changes }, leeway), verdict, why)
  }
  t.equal(judgeRefreshToken(two, { ...first, generation: 1 }, 30), 'ahead', 'before its first use')
})
