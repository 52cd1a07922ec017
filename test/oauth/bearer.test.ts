// The Authorization header and its challenge (RFC 6750 §2.1 and §3, RFC 9449 §7.1): what is read,
// what is refused, and that nothing of a stranger gets out of its quotes.

import { test } from 'tap'
import { buildChallenge, parseAuthorization } from '../../src/oauth/bearer.ts'

test('Bearer and DPoP headers give scheme and token, whatever the case (RFC 9110 §11.1)', async t => {
  for (const header of [
    'Bearer a.b-c_d~e+f/g==',
    'bearer a.b-c_d~e+f/g==',
    'BEARER   a.b-c_d~e+f/g=='
  ]) {
    t.same(parseAuthorization(header), { ok: true, scheme: 'Bearer', token: 'a.b-c_d~e+f/g==' })
  }
  t.same(parseAuthorization('dpop x'), { ok: true, scheme: 'DPoP', token: 'x' })
})

test('no header, and the header of another scheme, are told apart (RFC 6750 §3.1)', async t => {
  t.same(parseAuthorization(undefined), { ok: false, reason: 'absent' })
  t.same(parseAuthorization(''), { ok: false, reason: 'absent' })
  for (const header of ['Basic YTpi', 'Bearerx', 'Bearer\tx', ' Bearer x', 'constructor x']) {
    t.same(parseAuthorization(header), { ok: false, reason: 'other_scheme' }, header)
  }
})

test('a header without exactly one token68 is malformed (RFC 6750 §2.1)', async t => {
  const tokens = [
    '',
    ' ',
    'a b',
    'a,b',
    'a"b',
    'a\tb',
    'a\r\nb',
    'é',
    '=',
    '=a',
    'a=b',
    'a, Bearer b'
  ]
  for (const token of tokens) {
    const header = `Bearer ${token}`
    t.same(parseAuthorization(header), { ok: false, reason: 'malformed' }, JSON.stringify(header))
  }
  t.same(parseAuthorization('DPoP'), { ok: false, reason: 'malformed' })
})

test('a challenge names scheme, realm, scope and error, each quoted (RFC 6750 §3)', async t => {
  t.equal(
    buildChallenge({
      scheme: 'Bearer',
      realm: 'https://id.example.com',
      error: 'insufficient_scope',
      description: 'The token lacks a scope.',
      scope: ['openid', 'email']
    }),
    'Bearer realm="https://id.example.com", scope="openid email", error="insufficient_scope", ' +
      'error_description="The token lacks a scope."'
  )
  t.equal(
    buildChallenge({ scheme: 'DPoP', error: 'use_dpop_nonce', algs: ['ES256', 'EdDSA'] }),
    'DPoP error="use_dpop_nonce", algs="ES256 EdDSA"'
  )
})

test('a challenge without anything to say is the scheme alone (RFC 6750 §3.1)', async t => {
  t.equal(buildChallenge({ scheme: 'Bearer' }), 'Bearer')
  t.equal(buildChallenge({ scheme: 'Basic', realm: '', scope: [] }), 'Basic')
})

test('a quote in a description stays readable (RFC 6750 §3)', async t => {
  const header = buildChallenge({ scheme: 'Bearer', description: 'say "please"\\\r\n' })
  t.equal(header, `Bearer error_description="say 'please'   "`)
})

test('nothing that a stranger sent ends the quotes or the header (RFC 6750 §3)', async t => {
  const all = Array.from({ length: 0x180 }, (_, code) => String.fromCharCode(code)).join('')
  const header = buildChallenge({
    scheme: 'Bearer',
    realm: all,
    description: `x", error="y\\${all}`
  })
  t.match(header, /^Bearer realm="[^"\\]*", error_description="[^"\\]*"$/)
  t.match(header, /^[\x20-\x7e]*$/)
})
