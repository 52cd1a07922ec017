// The syntax of resource indicators (RFC 8707 §2): what is a resource, and what is refused rather
// than repaired.

import { test } from 'tap'
import { parseResource } from '../../src/oauth/resource.ts'

test('an absolute URI is a resource, character by character (RFC 8707 §2)', async t => {
  for (const resource of [
    'https://api.example.com',
    'https://api.example.com/',
    'https://API.example.com:443/a/../b?c=d%20e',
    'http://localhost:8080/api',
    'https://[::1]/api',
    'urn:example:api',
    'com.example.api:things'
  ]) {
    t.same(parseResource(resource), { ok: true, resource })
  }
})

test('a fragment is refused, an empty one too (RFC 8707 §2)', async t => {
  for (const value of ['https://api.example.com#a', 'https://api.example.com/#', 'urn:a#b']) {
    t.same(parseResource(value), { ok: false, reason: 'fragment' }, value)
  }
})

test('a relative reference, and a web address without host, are refused (RFC 3986 §4.3)', async t => {
  for (const value of [
    'api.example.com',
    '/api',
    '//api.example.com',
    'api',
    'urn:',
    'https:',
    'https://',
    'https:///api',
    'https://?a',
    'https:api.example.com',
    'HTTPS:/api.example.com',
    '1https://a',
    ':a'
  ]) {
    t.same(parseResource(value), { ok: false, reason: 'not_absolute' }, value)
  }
})

test('what is not a URI is refused and never repaired (RFC 3986 §2)', async t => {
  for (const value of [
    '',
    ' https://api.example.com',
    'https://api.example.com ',
    'https://api.example.com/a b',
    'https://api.example.com\\@evil.example',
    'https://api.exam\nple.com',
    'https://api.example.com/%zz',
    'https://api.example.com/%4',
    'https://bücher.example',
    'https://api.example.com/<a>',
    'https://[::1',
    'https://api.example.com:99999'
  ]) {
    t.same(parseResource(value), { ok: false, reason: 'malformed' }, JSON.stringify(value))
  }
})
