// What is thrown at every address: each entry turns a sound request into hostile ones. A bug that was found adds an entry, named after its
// symptom. Entries know nothing of what an endpoint does; what must hold whatever comes is in arena.ts.

import { gzipSync } from 'node:zlib'
import { basic, type Endpoint, form, type Headers, json } from './endpoints.ts'
import type { Wire } from './wire.ts'

export interface Hostile {
  title: string
  wire: Wire
  /** statuses that this input may get, where the invariants alone would be too kind */
  status?: readonly number[]
}

const megabyte = 1024 * 1024

/** Names that the engine and the pages read, so that odd values reach the code behind them. */
export const parameterNames = [
  'grant_type',
  'client_id',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
  'code',
  'code_verifier',
  'redirect_uri',
  'refresh_token',
  'device_code',
  'subject_token',
  'subject_token_type',
  'actor_token',
  'actor_token_type',
  'requested_token_type',
  'audience',
  'token',
  'token_type_hint',
  'access_token',
  'scope',
  'resource',
  'state',
  'nonce',
  'prompt',
  'max_age',
  'acr_values',
  'ui_locales',
  'id_token_hint',
  'login_hint',
  'response_type',
  'response_mode',
  'code_challenge',
  'code_challenge_method',
  'request',
  'request_uri',
  'claims',
  'authorization_details',
  'registration',
  'dpop_jkt',
  'user_code',
  'xsrf',
  'csrf',
  'post_logout_redirect_uri',
  'logout',
  'confirm',
  'abort',
  'lang',
  'return_to',
  'login',
  'password',
  'decline'
] as const

/** Values that some parser somewhere gets wrong; percent-encoded where they stand in a query or a form. */
export const oddValues: readonly string[] = [
  '',
  '%',
  '%zz',
  '%00',
  'a%00b',
  '%ff%fe',
  '%c0%ae',
  '%ed%a0%80',
  '%0d%0aset-cookie:%20a=b',
  '%22%27%3Cscript%3Ealert(1)%3C/script%3E',
  "%27%20OR%201=1--'",
  '%E2%80%AEabc',
  '%F0%9F%92%A9',
  '-1',
  '1e309',
  '99999999999999999999',
  'NaN',
  '[]',
  '{}',
  '{"userinfo":{"__proto__":null},"id_token":1}',
  'null',
  'true',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'toString',
  '..%2f..%2fetc%2fpasswd',
  'javascript:alert(1)',
  'http://127.0.0.1:1/x',
  '//evil.example',
  '%09',
  '+++',
  'a.b.c',
  'eyJhbGciOiJub25lIn0.e30.',
  'none login consent',
  'x'.repeat(4000)
]

function withBody(endpoint: Endpoint, body: string | Buffer, headers?: Headers): Wire {
  const { sound } = endpoint
  const method = sound.method === 'GET' && endpoint.methods.includes('POST') ? 'POST' : sound.method
  return { ...sound, method: method ?? 'POST', headers: headers ?? sound.headers ?? [], body }
}

function without(headers: Headers = [], ...names: string[]): Headers {
  return headers.filter(([name]) => !names.includes(name))
}

/** Bodies, as the sound request's own and as something else. For addresses that take one. */
export function hostileBodies(endpoint: Endpoint): Hostile[] {
  const { sound, route } = endpoint
  if (sound.body === undefined) return []
  const given = sound.headers ?? []
  const rest = without(given, 'content-type')
  const typed = (type: string, body = String(sound.body)): Wire =>
    withBody(endpoint, body, [['content-type', type], ...rest])
  const wants = given.find(([name]) => name === 'content-type')?.[1]
  const wrong = wants === json[1] ? form : json
  const odd: [string, Wire, (readonly number[])?][] = [
    ['an empty body', withBody(endpoint, '')],
    ['no body and no content type', { ...sound, headers: rest, body: '' }],
    ['no content type', { ...sound, headers: rest }],
    ['the wrong content type', withBody(endpoint, '{}', [wrong, ...rest]), [400, 401, 415]],
    ['broken JSON', withBody(endpoint, '{"a":', [json, ...rest])],
    ['JSON null', withBody(endpoint, 'null', [json, ...rest])],
    ['a JSON list', withBody(endpoint, '[[[[]]]]', [json, ...rest])],
    ['JSON with __proto__', withBody(endpoint, '{"__proto__":{"a":1}}', [json, ...rest])],
    ['deep JSON', withBody(endpoint, '['.repeat(20_000), [json, ...rest])],
    ['multipart', typed('multipart/form-data; boundary=x', '--x\r\n\r\n--x--'), [400, 401, 415]],
    ['text/plain', typed('text/plain'), [400, 401, 415]],
    ['an unknown charset', typed(`${wants}; charset=nonsense`)],
    ['UTF-16', typed(`${wants}; charset=utf-16le`)],
    ['an odd spelling of the content type', typed(`  ${wants?.toUpperCase()} ;;; ; a=b`)],
    ['a tab in the content type', typed(`${wants}\t; charset=utf-8`)],
    ['garbage for a content type', typed('/;=,')],
    [
      'a compressed body',
      withBody(endpoint, gzipSync(String(sound.body)), [...given, ['content-encoding', 'gzip']]),
      [400, 415]
    ],
    ['a body of 1 MB', withBody(endpoint, `a=${'x'.repeat(megabyte)}`), [413]],
    [
      'a body of 1 MB in chunks',
      { ...withBody(endpoint, `a=${'x'.repeat(megabyte)}`), chunked: true },
      [400, 401, 413]
    ],
    ['ten thousand parameters', withBody(endpoint, manyKeys(5_000))],
    ['nested brackets', withBody(endpoint, `a${'[b]'.repeat(2_000)}=1&a[]=1&a[0]=2`)],
    ['only separators', withBody(endpoint, '&=&=&&&==&')],
    ['a NUL', withBody(endpoint, Buffer.from('a=\u0000&\u0000=b'))],
    ['invalid UTF-8', withBody(endpoint, Buffer.from([0x61, 0x3d, 0xff, 0xfe, 0xc0]))],
    ['a lone percent sign', withBody(endpoint, 'a=%&%=b&%zz=%zz')],
    ['__proto__ and constructor', withBody(endpoint, '__proto__=1&constructor=2&__proto__[a]=3')],
    [
      'a content length that is too long',
      { ...sound, headers: [...given, ['content-length', 'x']] }
    ]
  ]
  return odd.map(([title, wire, status]) => ({
    title: `${route}: ${title}`,
    wire,
    ...(status === undefined ? {} : { status })
  }))
}

/** Bytes: 10,000 pairs do not fit into the limit, 5,000 do. */
function manyKeys(count: number): string {
  return Array.from({ length: count }, (_, at) => `k${at}=1`).join('&')
}

/** One odd parameter more, or in place of a sound one; in the query, or in the form. */
export function hostileParameters(endpoint: Endpoint): Hostile[] {
  const { sound, route } = endpoint
  const inForm = sound.headers?.some(([, value]) => value === form[1]) ?? false
  const [path = '', query = ''] = sound.target.split('?')
  const own = inForm ? String(sound.body) : query
  const put = (parameters: string): Wire =>
    inForm ? { ...sound, body: parameters } : { ...sound, target: `${path}?${parameters}` }
  const named = own.split('&').filter(Boolean)
  const twice = named.map(pair => ({
    title: `${route}: ${pair.split('=')[0]} twice`,
    wire: put(`${own}&${pair}`)
  }))
  // what reads no parameters gets a few
  const names = endpoint.cacheable ? parameterNames.slice(0, 5) : parameterNames
  const odd = names.flatMap((name, at) =>
    // a NUL reaches storage where nothing stops it (acr_values=%00 was a 500): every name has its turn
    ['%00', ...[0, 1, 2].map(turn => oddValues[(at * 3 + turn * 11) % oddValues.length] ?? '')].map(
      value => {
        const others = named.filter(pair => !pair.startsWith(`${name}=`))
        return {
          title: `${route}: ${name}=${value.slice(0, 40)}`,
          wire: put([...others, `${name}=${value}`].join('&'))
        }
      }
    )
  )
  return [...twice, ...odd]
}

const longList = (word: string, separator: string, bytes: number) =>
  `${word}${separator}`.repeat(Math.floor(bytes / (word.length + 1)))

/** Headers that are read by somebody: authentication, cookies, languages, proxies, origins. */
export function hostileHeaders(endpoint: Endpoint): Hostile[] {
  const { sound, route } = endpoint
  const given = without(sound.headers, 'authorization')
  const one = (name: string, value: string, title = `${name}: ${value.slice(0, 50)}`): Hostile => ({
    title: `${route}: ${title}`,
    wire: { ...sound, headers: [...given, [name, value]] }
  })
  const encoded = (text: string) => Buffer.from(text, 'latin1').toString('base64')
  const authorizations = [
    '',
    'Basic',
    'Basic ',
    'Basic !!!!',
    'Basic ====',
    `Basic ${encoded('nocolon')}`,
    `Basic ${encoded(':')}`,
    `Basic ${encoded('web:')}`,
    `Basic ${encoded(':secret')}`,
    `Basic ${encoded('web:\u0000')}`,
    `Basic ${encoded('%zz:%')}`,
    `Basic ${encoded('\u00ff\u00fe:\u00ff')}`,
    `Basic ${encoded('__proto__:constructor')}`,
    `Basic ${encoded(`${'w'.repeat(5000)}:${'s'.repeat(5000)}`)}`,
    `Basic ${encoded('web:x')}, Bearer y`,
    'basic  d2ViOng=',
    'Bearer',
    'Bearer ',
    'Bearer a b',
    'Bearer \u00ff',
    'Bearer %00',
    `Bearer ${'.'.repeat(5000)}`,
    'bearer a.b.c',
    'DPoP',
    'DPoP x',
    'DPoP a.b.c',
    'Negotiate x',
    '\t',
    ',,,'
  ]
  const proofs = [
    '',
    'x',
    'a.b.c',
    'eyJhbGciOiJub25lIn0.e30.',
    '.'.repeat(5000),
    '{}',
    'null.null.x'
  ]
  return [
    ...authorizations.map(value => one('authorization', value)),
    ...proofs.map(value => ({
      title: `${route}: dpop ${value.slice(0, 20)}`,
      wire: { ...sound, headers: [...(sound.headers ?? []), ['dpop', value] as const] }
    })),
    {
      title: `${route}: two Authorization headers`,
      wire: { ...sound, headers: [...given, basic('web', 'x'), ['authorization', 'Bearer y']] }
    },
    one('cookie', '%%%;;;===;=;\u00ff=\u00ff;__proto__=1', 'garbage for cookies'),
    one('cookie', longList('a=b;', ' ', 12_000), 'many cookies'),
    one('cookie', Array.from({ length: 200 }, (_, at) => `c${at}=v`).join('; '), '200 cookies'),
    one('cookie', 'mintmark_session=forged; mintmark_session.sig=forged', 'a forged signature'),
    one(
      'cookie',
      'mintmark_session=a; mintmark_session=b; mintmark_interaction=c; mintmark_interaction=%ff',
      'the same cookie twice'
    ),
    one('accept-language', longList('en;q=0.1', ',', 12_000), 'a long Accept-Language'),
    one('accept-language', 'en;q=x, *;q=-1, ;;;,,,', 'a broken Accept-Language'),
    one('accept', '*/*;q=x,,,;', 'a broken Accept'),
    one('accept', 'text/html', 'Accept: text/html'),
    one('accept', 'application/json', 'Accept: application/json'),
    one('origin', '"\\\u00ff', 'a broken Origin'),
    one('origin', 'null', 'Origin: null'),
    one('user-agent', '"}\u001b[31m{"level":"error"', 'JSON in the user agent'),
    one('if-none-match', '"'.repeat(3000), 'a broken If-None-Match'),
    one('expect', 'something', 'an unknown expectation'),
    one('upgrade', 'h2c', 'an upgrade'),
    one('x-forwarded-for', '\u0000'.replace('\u0000', '::1, <script>'), 'X-Forwarded-For'),
    one('oauth-client-attestation', 'a.b.c', 'a client attestation')
  ]
}

/** What Node's parser knows; CONNECT is not answered at all. */
export const oddMethods = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'QUERY',
  'PROPFIND',
  'LOCK',
  'PURGE'
] as const
