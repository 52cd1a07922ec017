// Members that stand twice in one object, however they are written; equal names in different objects are none.

import t from 'tap'
import { hasDuplicateMembers } from '../../src/oauth/json-members.ts'

t.test('a name that stands twice in one object is found', async t => {
  for (const text of [
    '{"a":1,"a":2}',
    '{"a":1,"\\u0061":2}',
    '{ "a" : {}, "b" : [ ], "a" : null }',
    '[{"a":1},{"b":{"c":1,"c":2}}]',
    '{"":1,"":2}',
    '{"__proto__":1,"__proto__":2}',
    '{"a\\"":1,"a\\u0022":2}',
    '{"x":"}","y":{"x":1},"x":2}'
  ]) {
    JSON.parse(text)
    t.ok(hasDuplicateMembers(text), text)
  }
})

t.test('what looks like it, and is not, is left alone', async t => {
  for (const text of [
    '{}',
    '"a"',
    '{"a":1,"A":2}',
    '{"a":{"a":{"a":[{"a":1},{"a":2}]}}}',
    '{"a":"\\"a\\":1,\\"a\\":2","b":"{\\"a\\":1"}',
    '["a","a",":","a"]',
    '{"a":["a","a"],"b":"a"}',
    '{"a\\\\":1,"a":2}'
  ]) {
    JSON.parse(text)
    t.notOk(hasDuplicateMembers(text), text)
  }
})

t.test('it takes time in proportion to the text', async t => {
  const quotes = '"'.repeat(200_000)
  const slashes = `"${'\\'.repeat(200_000)}`
  for (const text of [quotes, slashes, '{'.repeat(200_000), `{"a":${'['.repeat(100_000)}`]) {
    try {
      t.notOk(hasDuplicateMembers(text))
    } catch (error) {
      t.match(error, SyntaxError)
    }
  }
})
