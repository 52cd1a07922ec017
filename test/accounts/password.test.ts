// Passwords before and in hashing: their one form, the policy, PHC strings, and three implementations that must agree (security part 4).

import * as argon2 from '@node-rs/argon2'
import { test } from 'tap'
import { threadedDeriveTag } from '../../src/accounts/native-argon2.ts'
import {
  createPasswordHasher,
  defaultParameters,
  loadPasswordHasher,
  nodeDeriveTag
} from '../../src/accounts/password-hash.ts'
import { checkPassword } from '../../src/accounts/password-policy.ts'
import { type DeriveTag, formatPhc, parsePhc } from '../../src/accounts/phc.ts'
import { type PreparedPassword, preparePassword } from '../../src/accounts/prepared-password.ts'
import { wasmDeriveTag } from '../../src/accounts/wasm-argon2.ts'

const small = { memory: 64, passes: 1, lanes: 1 }
const nodeDerive = nodeDeriveTag() as DeriveTag
const nativeDerive = await threadedDeriveTag()
const native = createPasswordHasher('native', nativeDerive, small)
const node = createPasswordHasher('node', nodeDerive, small)
const wasmDerive = wasmDeriveTag()

/** As npm ci --omit=optional leaves it. */
const noNative = async () => {
  throw new Error('no prebuilt binary for this platform')
}

function prepared(typed: string): PreparedPassword {
  const outcome = preparePassword(typed)
  if (!outcome.ok) throw new Error(outcome.reason)
  return outcome.password
}

test('NFC and NFD of a password are one password (RFC 8265 §4.2.2; L-7)', async t => {
  const composed = prepared('Dvo\u0159\u00e1k 한글')
  const decomposed = prepared('Dvo\u0159\u00e1k 한글'.normalize('NFD'))
  t.equal(decomposed, composed)
  t.ok(await native.verify(await native.hash(composed), decomposed))
})

test('compatibility forms stay different passwords (NFC, not NFKC)', async t => {
  t.not(prepared('ﬁnancial'), prepared('financial'))
})

test('NUL, lone surrogates, nothing and a megabyte are refused without hashing (L-7, check 160)', async t => {
  const cases = {
    password_malformed: ['abc\0defgh', 'abcdefgh\ud800', '\udc00abcdefgh'],
    password_empty: [''],
    password_too_long: ['a'.repeat(1_000_000), 'a'.repeat(1_025), '\u{1f600}'.repeat(1_025)]
  }
  for (const [reason, typed] of Object.entries(cases)) {
    for (const text of typed) t.match(preparePassword(text), { ok: false, reason })
  }
})

test('1,024 code points of any script are a password and none is cut off (check 160)', async t => {
  const long = '\u{1f600}'.repeat(1_024)
  const phc = await native.hash(prepared(long))
  t.ok(await native.verify(phc, prepared(long)))
  t.notOk(await native.verify(phc, prepared(`${'\u{1f600}'.repeat(1_023)}\u{1f601}`)))
  t.ok(preparePassword('e\u0301'.repeat(1_024)).ok, 'counted after normalising')
})

test('the policy asks for 8 code points and nothing of their kinds (ASVS §6.2.1, §6.2.5)', async t => {
  t.match(checkPassword('\u{1f600}'.repeat(7), []), { reason: 'password_too_short' })
  t.ok(checkPassword('\u{1f600}\u{1f601}'.repeat(4), []).ok)
  t.ok(checkPassword('mnbsdfkj', []).ok)
  t.ok(checkPassword('비밀번호는길게', []).ok === false, 'seven')
  t.ok(checkPassword('비밀번호는길게요', []).ok)
})

test('common passwords and runs are refused in any case and with a tail (check 161)', async t => {
  for (const typed of [
    'password',
    'PassWord',
    'Password123!',
    'qwertyuiop',
    'iloveyou2',
    'Summer2026!'
  ]) {
    t.match(checkPassword(typed, []), { ok: false, reason: 'password_common' }, typed)
  }
  for (const typed of [
    'aaaaaaaaaaaa',
    '123456789012'.slice(0, 9),
    'hgfedcba',
    '가각갂갃간갅갆갇'
  ]) {
    t.match(checkPassword(typed, []), { ok: false, reason: 'password_common' }, typed)
  }
})

test('the login and the names of this server are refused as passwords (ASVS §6.2.11)', async t => {
  const words = ['wonderland.alice@looking-glass.example', 'Mintmark', 'id.example.com']
  for (const typed of [
    'Wonderland.Alice',
    'looking-glass',
    'mintmark2026',
    'MINTMARK!',
    'id.example.com'
  ]) {
    t.match(checkPassword(typed, words), { ok: false, reason: 'password_guessable' }, typed)
  }
  t.ok(checkPassword('mintmark is where I sign in', words).ok)
})

test('the three argon2id implementations verify each other (security 4.5)', async t => {
  const password = prepared('correct horse — 한글 🔑')
  const wrong = prepared('correct horse — 한글 🔒')
  // 257 KiB are no multiple of 4 * lanes: RFC 9106 §3.2 rounds down
  for (const parameters of [small, { memory: 257, passes: 3, lanes: 2 }, defaultParameters]) {
    const all = [
      createPasswordHasher('native', nativeDerive, parameters),
      createPasswordHasher('node', nodeDerive, parameters),
      createPasswordHasher('wasm', wasmDerive, parameters)
    ]
    for (const maker of all) {
      const phc = await maker.hash(password)
      for (const checker of all) {
        const pair = `${maker.implementation} by ${checker.implementation}`
        t.ok(await checker.verify(phc, password), pair)
        t.notOk(await checker.verify(phc, wrong), pair)
      }
    }
  }
})

test("our PHC strings are those of other software: the module's own verify takes them, ours takes its", async t => {
  const password = prepared('correct horse')
  t.ok(await argon2.verify(await node.hash(password), password))
  t.ok(await node.verify(await argon2.hash(password), password), 'with its default parameters')
})

test('new hashes carry 19 MiB, two passes, one lane and a salt of their own (OWASP)', async t => {
  const hasher = await loadPasswordHasher()
  t.equal(hasher.implementation, 'native')
  const first = await hasher.hash(prepared('correct horse'))
  t.match(first, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  t.not(first, await hasher.hash(prepared('correct horse')))
  t.notOk(hasher.needsRehash(first))
})

test('without the native module node:crypto takes over', async t => {
  const hasher = await loadPasswordHasher(small, { native: noNative })
  t.equal(hasher.implementation, 'node')
  t.ok(await native.verify(await hasher.hash(prepared('correct horse')), prepared('correct horse')))
})

test('on a Node without argon2, and without the native module, WebAssembly takes over', async t => {
  const hasher = await loadPasswordHasher(small, { native: noNative, node: () => undefined })
  t.equal(hasher.implementation, 'wasm')
  t.ok(await native.verify(await hasher.hash(prepared('correct horse')), prepared('correct horse')))
})

test('where nothing runs, the sentence names --omit=optional and the Node that has its own', async t => {
  const none = { native: noNative, node: () => undefined }
  for (const wasm of [
    () => wasmDeriveTag(new URL('./no-such-thread.ts', import.meta.url)),
    () => async () => Promise.reject(new Error('no WebAssembly here'))
  ]) {
    await t.rejects(loadPasswordHasher(small, { ...none, wasm }), {
      code: 'configuration_invalid',
      message: /--omit=optional.*Node 24\.7/
    })
  }
})

test('WebAssembly hashes beside the event loop, several at once, and each gets its own answer', async t => {
  const hasher = createPasswordHasher('wasm', wasmDerive, { memory: 4_096, passes: 4, lanes: 1 })
  const passwords = ['one password', 'two passwords', 'three passwords'].map(prepared)
  let turns = 0
  const turning = setInterval(() => {
    turns += 1
  }, 1)
  const hashes = await Promise.all(passwords.map(password => hasher.hash(password)))
  clearInterval(turning)
  t.ok(turns > 0, 'the loop turned meanwhile')
  for (const [i, password] of passwords.entries()) {
    t.ok(await hasher.verify(hashes[i] ?? '', password))
    t.notOk(await hasher.verify(hashes[(i + 1) % 3] ?? '', password))
  }
})

test('a failure in the thread is the failure of that hash alone', async t => {
  const salt = Buffer.alloc(16)
  await t.rejects(wasmDerive('x', salt, { memory: 1, passes: 1, lanes: 1 }, 32), /memory/i)
  t.equal((await wasmDerive('x', salt, small, 32)).length, 32)
})

test('a hash of other parameters still verifies and asks to be made again (L-12)', async t => {
  const phc = await native.hash(prepared('correct horse'))
  const hasher = createPasswordHasher('native', nativeDerive, { ...small, passes: 2 })
  t.ok(await hasher.verify(phc, prepared('correct horse')))
  t.ok(hasher.needsRehash(phc))
  t.notOk(native.needsRehash(phc))
})

test('the decoy costs what a real hash costs: the same parameters and lengths (L-5)', async t => {
  const decoy = parsePhc(native.decoy())
  const real = parsePhc(await native.hash(prepared('correct horse')))
  for (const member of ['memory', 'passes', 'lanes'] as const)
    t.equal(decoy?.[member], real?.[member])
  t.equal(decoy?.salt.length, real?.salt.length)
  t.equal(decoy?.hash.length, real?.hash.length)
  t.not(native.decoy(), native.decoy())
})

test('a stored string cannot ask for other variants or for gigabytes', async t => {
  const good = parsePhc(await native.hash(prepared('correct horse')))
  if (good === undefined) throw new Error('unreadable')
  t.strictSame(parsePhc(formatPhc(good)), good)
  const text = formatPhc(good)
  for (const bad of [
    text.replace('argon2id', 'argon2d'),
    text.replace('v=19', 'v=16'),
    text.replace('m=64', 'm=4194304'),
    text.replace('m=64', 'm=0'),
    text.replace('m=64', 'm=7'),
    text.replace('t=1', 't=999'),
    text.replace('p=1', 'p=9'),
    `${text} `,
    `${text}\n`,
    text.slice(0, -40),
    '',
    '$2b$10$abcdefghijklmnopqrstuv'
  ]) {
    t.equal(parsePhc(bad), undefined, bad)
    t.notOk(await native.verify(bad, prepared('correct horse')))
    t.ok(native.needsRehash(bad))
  }
  t.notSame(defaultParameters, small)
})
