// The guess whether a configured secret is random: ours always pass, what people type does not.
// The bounds are chosen so that a random secret fails about never; a thousand of each kind are tried.

import { randomBytes } from 'node:crypto'
import t from 'tap'
import { looksRandom, parseMasterKey } from '../../src/config/secret-strength.ts'

t.test('random secrets pass, however they are written', async t => {
  for (const encoding of ['hex', 'base64', 'base64url'] as const) {
    const secrets = Array.from({ length: 1000 }, () => randomBytes(32).toString(encoding))
    t.equal(secrets.filter(secret => !looksRandom(secret)).length, 0, encoding)
  }
  t.ok(looksRandom(randomBytes(32).toString('hex').toUpperCase()))
  t.ok(looksRandom(randomBytes(64).toString('base64url')))
})

const refused: [string, string][] = [
  ['a word', 'secret'],
  ['a short random one', randomBytes(31).toString('base64url')],
  ['short hex', randomBytes(31).toString('hex')],
  ['two UUIDs', '3f2b8c1e-98e3-4d1a-8d4b-0123456789ab7c1d9e2f-1b2c-4a3d-9e8f-ba9876543210'],
  ['one character over and over', 'a'.repeat(64)],
  ['a word over and over', 'Change-Me-Now-'.repeat(6)],
  ['the hex digits in order', '0123456789abcdef'.repeat(4)],
  ['a sentence', 'The quick brown fox jumps over the lazy dog and runs away'],
  ['words with hyphens', 'correct-horse-battery-staple-and-a-few-more-words-to-be-long'],
  ['two digits, well mixed', '0000001000011000101000111001001011001101001111010101110110111111'],
  ['few characters, well mixed', 'aAbBcCdDaBcDAbCdabcdABCDdcbaDCBAcadbCADBbadc']
]

for (const [what, secret] of refused) {
  t.test(`${what} is not random`, async t => {
    t.notOk(looksRandom(secret))
    t.equal(parseMasterKey(secret), undefined)
  })
}

t.test('a master key is 32 bytes, no more', async t => {
  t.equal(parseMasterKey(randomBytes(32).toString('base64'))?.length, 32)
  t.equal(parseMasterKey(randomBytes(33).toString('base64')), undefined)
  t.equal(parseMasterKey(randomBytes(33).toString('hex')), undefined)
})
