// Random values, digests and MACs: the encoding of their parts, compared with another
// implementation, and what they refuse.

import { test } from 'tap'
import { digest, equalConstantTime, hmac, randomSecret } from '../../src/lib/secret.ts'

const key = Buffer.from(Array.from({ length: 32 }, (_, i) => i))

test('a random secret has 256 bits, in base64url without padding (RFC 6749 §10.10)', async t => {
  const secret = randomSecret()
  t.match(secret, /^[A-Za-z0-9_-]{43}$/)
  t.equal(Buffer.from(secret, 'base64url').length, 32)
  t.equal(Buffer.from(randomSecret(16), 'base64url').length, 16)
  t.equal(new Set(Array.from({ length: 1000 }, () => randomSecret(16))).size, 1000)
})

test('a secret under 128 bits is refused (RFC 6749 §10.10)', async t => {
  for (const bytes of [15, 0, -1, 16.5, Number.NaN]) {
    t.throws(() => randomSecret(bytes), { code: 'internal' }, `${bytes} bytes`)
  }
})

test('a digest agrees with an independent implementation, length by UTF-8 bytes', async t => {
  // SHA-256 over 00000002 'ab' 00000002 'ü', made with Python's hashlib
  const expected = 'f4a00cbc93ddc2c7e05bf9c493b4743afad8c6abfe5490db73b1d8d1a537be92'
  t.equal(digest('ab', 'ü').toString('hex'), expected)
})

test('a digest is over length-prefixed parts: where one part ends is part of the input', async t => {
  const lists = [['ab', 'c'], ['a', 'bc'], ['abc'], ['abc', ''], ['', 'abc'], ['a', 'b', 'c'], []]
  const digests = lists.map(parts => digest(...parts).toString('hex'))
  t.equal(new Set(digests).size, lists.length)
  // a part that contains what a prefix looks like
  t.notSame(digest('a', 'b'), digest('a\u0000\u0000\u0000\u0001b'))
})

test('a MAC agrees with an independent implementation, for strings and for bytes', async t => {
  const expected = 'ba20fb1ab9a90dbe47959d258fafb3e2d7a1a9fbfdff41e310db529332512264'
  t.equal(hmac(key, 'ab', 'ü').toString('hex'), expected)
  t.equal(hmac(key, Buffer.from('ab'), Buffer.from('ü')).toString('hex'), expected)
})

test('a MAC is over length-prefixed parts and depends on its key', async t => {
  t.notSame(hmac(key, 'ab', 'c'), hmac(key, 'a', 'bc'))
  t.notSame(hmac(key, 'ab', 'c'), hmac(key, 'abc'))
  t.notSame(hmac(key, 'ab'), hmac(Buffer.alloc(32), 'ab'))
})

test('a MAC with an empty key is refused', async t => {
  t.throws(() => hmac(Buffer.alloc(0), 'ab'), { code: 'internal' })
})

test('values compare equal only in every byte, and other lengths do not throw', async t => {
  t.equal(equalConstantTime(Buffer.from('abcd'), Buffer.from('abcd')), true)
  t.equal(equalConstantTime(Buffer.from('abcd'), Buffer.from('abce')), false)
  t.equal(equalConstantTime(Buffer.from('abcd'), Buffer.from('abcde')), false)
  t.equal(equalConstantTime(Buffer.from('abcd'), Buffer.alloc(0)), false)
})
