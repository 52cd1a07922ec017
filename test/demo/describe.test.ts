// Tokens as the demo shows them: times in words, header and payload decoded. What is no JWT must
// break no page, and a secret is never shown whole.

import t from 'tap'
import { claimsOf, describeToken, relative, shortened } from '../../src/demo/describe.ts'

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')

t.test('times are in words, in the two largest units', async t => {
  const table: [number, string][] = [
    [598, 'in 9 minutes 58 seconds'],
    [-3, '3 seconds ago'],
    [60, 'in 1 minute'],
    [0.2, 'now'],
    [-90_061, '1 day 1 hour ago'],
    [3_600, 'in 1 hour']
  ]
  for (const [seconds, words] of table) t.equal(relative(seconds), words)
})

t.test('header, payload and times of a token are decoded', async t => {
  const token = `${encode({ alg: 'ES256' })}.${encode({ iat: 1_000, exp: 1_600, sub: 'ü' })}.AAAA`
  const { header, claims, times } = describeToken(token, 1_060_000)
  t.same(header, { alg: 'ES256' })
  t.equal(claims['sub'], 'ü')
  t.same(
    times.map(({ claim, words, at }) => [claim, words, at]),
    [
      ['iat', '1 minute ago', '1 Jan 1970, 00:16:40 UTC'],
      ['exp', 'in 9 minutes', '1 Jan 1970, 00:26:40 UTC']
    ]
  )
})

t.test('what is no JWT shows nothing and breaks nothing', async t => {
  for (const token of ['', 'opaque', 'a.b.c', '..']) t.same(claimsOf(token), {})
})

t.test('a shortened secret shows twelve characters of it', async t => {
  t.equal(shortened('abcdefghijklmnopqrstuvwxyz'), 'abcdefgh…wxyz (26 characters)')
})
