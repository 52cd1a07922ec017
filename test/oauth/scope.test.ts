// Scope syntax and set arithmetic (RFC 6749 §3.3): every character of the grammar, and the order of
// names.

import { test } from 'tap'
import {
  commonScopes,
  formatScope,
  isOpenidScope,
  isScopeSubset,
  missingScopes,
  parseScope
} from '../../src/oauth/scope.ts'

test('a scope is names separated by one space, in order, without duplicates (§3.3)', async t => {
  t.same(parseScope('openid read:things openid !#[]~'), {
    ok: true,
    scopes: ['openid', 'read:things', '!#[]~']
  })
})

test('what the grammar of scope does not allow is malformed (RFC 6749 §3.3)', async t => {
  for (const value of [
    '',
    ' ',
    ' a',
    'a ',
    'a  b',
    'a\tb',
    'a\nb',
    'a"b',
    'a\\b',
    'é',
    'a\u00a0b'
  ]) {
    t.same(parseScope(value), { ok: false, reason: 'malformed' }, JSON.stringify(value))
  }
  for (let code = 0; code < 0x100; code++) {
    const allowed = code === 0x21 || (code >= 0x23 && code <= 0x7e && code !== 0x5c)
    t.equal(parseScope(`a${String.fromCharCode(code)}b`).ok, allowed || code === 0x20, `${code}`)
  }
})

test('names are case-sensitive (RFC 6749 §3.3)', async t => {
  t.equal(isScopeSubset(['Read'], ['read']), false)
})

test('subset, difference and intersection keep the order of what was asked for', async t => {
  t.equal(isScopeSubset(['b'], ['a', 'b']), true)
  t.equal(isScopeSubset([], []), true)
  t.equal(isScopeSubset(['b', 'c'], ['a', 'b']), false)
  t.same(missingScopes(['d', 'b', 'c', 'd'], ['a', 'b']), ['d', 'c'])
  t.same(commonScopes(['c', 'b', 'a', 'b'], ['a', 'b']), ['b', 'a'])
  t.equal(formatScope(['a', 'b', 'a']), 'a b')
  t.equal(formatScope([]), '')
})

test('the scopes of OpenID Connect are known (Core §5.4, §11)', async t => {
  for (const scope of ['openid', 'profile', 'email', 'address', 'phone', 'offline_access']) {
    t.equal(isOpenidScope(scope), true, scope)
  }
  for (const scope of ['OpenID', 'read:things', 'constructor', '']) {
    t.equal(isOpenidScope(scope), false, scope)
  }
})
