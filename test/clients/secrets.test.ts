// Client secrets: what is issued, what is recognised, and which configured ones are refused.
// Odd input is part of it: matching never throws.

import { randomBytes } from 'node:crypto'
import t from 'tap'
import { issueClientSecret, matchClientSecret, secretProblem } from '../../src/clients/secrets.ts'
import { digest } from '../../src/lib/secret.ts'

const now = Date.parse('2030-01-01T00:00:00Z')

t.test('a secret has 256 random bits, and only its digest is for storing', async t => {
  const issued = issueClientSecret()
  t.match(issued.secret, /^[A-Za-z0-9_-]{43}$/)
  t.ok(issued.digest.equals(digest(issued.secret)))
  t.not(issueClientSecret().secret, issued.secret)
})

t.test('each live secret is recognised, an expired one is not (RFC 6749 §2.3.1)', async t => {
  const [first, second, third] = [issueClientSecret(), issueClientSecret(), issueClientSecret()]
  const client = {
    secrets: [
      { digest: first.digest, expiresAt: undefined },
      { digest: second.digest, expiresAt: new Date(now + 1) },
      { digest: third.digest, expiresAt: new Date(now) }
    ]
  }
  t.equal(matchClientSecret(client, first.secret, now), first.digest)
  t.equal(matchClientSecret(client, second.secret, now), second.digest)
  t.equal(matchClientSecret(client, third.secret, now), undefined)
  t.equal(matchClientSecret(client, issueClientSecret().secret, now), undefined)
  t.equal(matchClientSecret({ secrets: [] }, first.secret, now), undefined)
})

t.test('odd input matches nothing and throws nothing, the digest itself included', async t => {
  const { secret, digest: hashed } = issueClientSecret()
  const client = { secrets: [{ digest: hashed, expiresAt: undefined }] }
  const odd = [undefined, null, '', 0, {}, [secret], hashed, hashed.toString('hex'), `${secret} `]
  for (const presented of [...odd, 'x'.repeat(1e6), '\ud800', Symbol('x')]) {
    t.equal(matchClientSecret(client, presented, now), undefined)
  }
  const empty = { secrets: [{ digest: digest(''), expiresAt: undefined }] }
  t.equal(matchClientSecret(empty, '', now), undefined, 'not even where the empty one is stored')
  const long = 'x'.repeat(1000)
  const stored = { secrets: [{ digest: digest(long), expiresAt: undefined }] }
  t.equal(matchClientSecret(stored, long, now), undefined, 'nor one that is too long')
})

t.test('a configured secret must be as random as ours (RFC 6749 §10.10)', async t => {
  for (let count = 0; count < 200; count++) {
    const bytes = randomBytes(32)
    for (const encoding of ['hex', 'base64', 'base64url'] as const) {
      t.equal(secretProblem(bytes.toString(encoding)), undefined)
    }
  }
  const refused: readonly [unknown, RegExp][] = [
    ['secret', /256 bits/],
    ['', /256 bits/],
    [randomBytes(16).toString('hex'), /256 bits/],
    [randomBytes(31).toString('hex'), /256 bits/],
    [randomBytes(31).toString('base64url'), /256 bits/],
    ['1234567890'.repeat(7), /256 bits/],
    [`${'a'.repeat(99)}b`, /not random/],
    ['correct-Horse-battery-7'.repeat(5), /not random/],
    [`${randomBytes(32).toString('hex')} `, /visible ASCII/],
    [randomBytes(300).toString('hex'), /longer/],
    [undefined, /string/]
  ]
  for (const [secret, reason] of refused) t.match(secretProblem(secret) ?? 'accepted', reason)
})
