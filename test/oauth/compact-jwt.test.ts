// The form of a JWT that everybody reads alike (RFC 7515 §2, §7.1, RFC 8725 §2.6): what a library forgives is not forgiven.

import t from 'tap'
import { hasOneReading } from '../../src/oauth/compact-jwt.ts'

const encode = (part: string | Buffer) => Buffer.from(part).toString('base64url')
const header = encode('{"alg":"ES256"}')
const claims = encode('{"sub":"a"}')
const signature = encode(Buffer.alloc(64, 7))
const jws = (head = header, payload = claims, tail = signature) => `${head}.${payload}.${tail}`

t.test('signed and encrypted ones in compact form have one reading', async t => {
  t.ok(hasOneReading(jws()))
  t.ok(
    hasOneReading(jws(header, encode('{"x":[{"a":1},{"a":2}],"한글":"값"}'))),
    'names in two objects'
  )
  const jwe = encode('{"alg":"dir","enc":"A256GCM"}')
  t.ok(hasOneReading(`${jwe}..${signature}.${signature}.${signature}`), 'without a key')
  t.ok(hasOneReading(`${jwe}.${signature}.${signature}.${signature}.${signature}`))
})

t.test('every other spelling is none (RFC 7515 §2, RFC 4648 §3.5)', async t => {
  for (const [title, jwt] of Object.entries({
    nothing: '',
    'two parts': `${header}.${claims}`,
    'four parts': `${jws()}.${signature}`,
    'six parts': `${header}.a.a.a.a.a`,
    'ten thousand parts': '.'.repeat(10_000),
    'no signature': jws(header, claims, ''),
    'no payload': jws(header, ''),
    'no header': jws(''),
    'an encrypted one without its tag': `${header}.${claims}.${claims}.${claims}.`,
    padding: `${jws()}==`,
    'bits that encode nothing': `${jws().slice(0, -1)}x`,
    'the other alphabet': jws(
      header,
      claims,
      Buffer.alloc(64, 255).toString('base64').slice(0, 86)
    ),
    'a blank': jws(header, claims, `${signature.slice(0, 9)} ${signature.slice(9)}`),
    'a line break': `${jws()}\n`,
    'a NUL': `${jws()}\0`
  }))
    t.notOk(hasOneReading(jwt), title)
})

t.test('what is inside says one thing (RFC 7519 §4, RFC 7515 §4.1.11)', async t => {
  for (const [title, head, payload] of [
    ['a claim twice', header, encode('{"sub":"a","sub":"b"}')],
    ['a claim twice, escaped', header, encode('{"sub":"a","\\u0073ub":"b"}')],
    ['a member of a claim twice', header, encode('{"x":{"a":1,"a":2}}')],
    ['alg twice', encode('{"alg":"none","alg":"ES256"}'), claims],
    ['crit', encode('{"alg":"ES256","crit":["b64"],"b64":true}'), claims],
    ['a byte order mark', header, encode('\ufeff{"sub":"a"}')],
    ['no UTF-8', header, encode(Buffer.from('{"sub":"\u00ff"}', 'latin1'))],
    ['a list', header, encode('[]')],
    ['null', header, encode('null')],
    ['no JSON', header, encode('{"sub"')],
    ['a header that is a text', encode('"x"'), claims]
  ] as const)
    t.notOk(hasOneReading(jws(head, payload)), title)
})
