// What a developer reads after a mistake: for each mistake the code of its RFC, and a sentence that says what to do.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { replacedSentences } from '../../src/protocol/sentences.ts'
import { api, secretOf } from '../support/configuration.ts'
import { assertUnharmed, startArena } from './arena.ts'
import { authorizeQuery, basic, form, type Headers, json } from './endpoints.ts'
import type { Wire } from './wire.ts'

t.test('every sentence that is replaced is one that the engine says', async t => {
  const lib = new URL('../../node_modules/oidc-provider/lib/', import.meta.url).pathname
  const source = readdirSync(lib, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.js'))
    .map(file => readFileSync(join(lib, file), 'utf8'))
    .join('\n')
    .replaceAll("\\'", "'")
  for (const sentence of replacedSentences) t.ok(source.includes(sentence), sentence)
})

const post = (target: string, body: string, ...headers: Headers): Wire => ({
  method: 'POST',
  target,
  headers: [form, ...headers],
  body
})

const without = (name: string) =>
  authorizeQuery
    .split('&')
    .filter(pair => !pair.startsWith(`${name}=`))
    .join('&')

/** The mistake, the request, status and code, and words that the sentence must have. */
const mistakes: [string, Wire, number, string, RegExp][] = [
  [
    'no client',
    post('/oauth/token', 'grant_type=client_credentials'),
    401,
    'invalid_client',
    /client_id.*client_secret/
  ],
  [
    'only client_id',
    post('/oauth/token', 'client_id=web&grant_type=refresh_token'),
    401,
    'invalid_client',
    /secret.*token_endpoint_auth_method/
  ],
  [
    'wrong secret',
    post('/oauth/token', '', basic('web', 'x')),
    401,
    'invalid_client',
    /secret.*wrong/
  ],
  [
    'unknown client',
    post('/oauth/token', '', basic('nobody', 'x')),
    401,
    'invalid_client',
    /unknown/
  ],
  [
    'two mechanisms',
    post('/oauth/token', `client_secret=${secretOf('web')}`, basic('web')),
    400,
    'invalid_request',
    /not in both/
  ],
  [
    'Bearer for a client',
    post('/oauth/token', '', ['authorization', 'Bearer x']),
    400,
    'invalid_request',
    /Basic base64/
  ],
  [
    'no base64',
    post('/oauth/token', '', ['authorization', 'Basic web:secret']),
    400,
    'invalid_request',
    /Basic base64/
  ],
  [
    'JSON at the token endpoint',
    { ...post('/oauth/token', '{}'), headers: [json] },
    400,
    'invalid_request',
    /application\/x-www-form-urlencoded/
  ],
  [
    'a form at registration',
    post('/oauth/register', 'a=b'),
    400,
    'invalid_request',
    /application\/json/
  ],
  [
    'no initial access token',
    { ...post('/oauth/register', '{}'), headers: [json] },
    401,
    'invalid_token',
    /Authorization: Bearer/
  ],
  [
    'a wrong initial access token',
    { ...post('/oauth/register', '{}'), headers: [json, ['authorization', 'Bearer x']] },
    401,
    'invalid_token',
    /^the initial access token (?!.*userinfo)/
  ],
  [
    'a wrong registration access token',
    { target: '/oauth/register/web', headers: [['authorization', 'Bearer x']] },
    401,
    'invalid_token',
    /^the registration access token (?!.*userinfo)/
  ],
  ['no grant_type', post('/oauth/token', '', basic('web')), 400, 'invalid_request', /grant_type/],
  [
    'unknown grant_type',
    post('/oauth/token', 'grant_type=password', basic('web')),
    400,
    'unsupported_grant_type',
    /authorization_code.*refresh_token/
  ],
  [
    'a grant_type of others',
    post('/oauth/token', 'grant_type=authorization_code&code=x&redirect_uri=x', basic('billing')),
    400,
    'unauthorized_client',
    /grant_types/
  ],
  [
    'an unknown code',
    post('/oauth/token', 'grant_type=authorization_code&code=x&redirect_uri=x', basic('web')),
    400,
    'invalid_grant',
    /code_verifier/
  ],
  [
    'an unknown refresh token',
    post('/oauth/token', 'grant_type=refresh_token&refresh_token=x', basic('web')),
    400,
    'invalid_grant',
    /new authorization/
  ],
  [
    'an unknown device code',
    post(
      '/oauth/token',
      'client_id=tv&grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code=x'
    ),
    400,
    'invalid_grant',
    /start again/
  ],
  [
    'no code',
    post('/oauth/token', 'grant_type=authorization_code', basic('web')),
    400,
    'invalid_request',
    /code/
  ],
  [
    'a repeated parameter',
    post('/oauth/token', 'grant_type=refresh_token&grant_type=x', basic('web')),
    400,
    'invalid_request',
    /grant_type.*twice/
  ],
  [
    'an unknown resource',
    post(
      '/oauth/token',
      'grant_type=client_credentials&resource=https://nobody.example',
      basic('billing')
    ),
    400,
    'invalid_target',
    /resource/
  ],
  [
    'an unknown scope',
    post(
      '/oauth/token',
      `grant_type=client_credentials&resource=${api}&scope=everything`,
      basic('billing')
    ),
    400,
    'invalid_scope',
    /scope/
  ],
  ['GET at the token endpoint', { target: '/oauth/token' }, 405, 'invalid_request', /POST/],
  [
    'a body that is too large',
    post('/oauth/token', 'x'.repeat(60_000)),
    413,
    'invalid_request',
    /57344 bytes/
  ],
  ['no token at userinfo', { target: '/userinfo' }, 401, 'invalid_token', /Authorization: Bearer/],
  [
    'a token that is none',
    { target: '/userinfo', headers: [['authorization', 'Bearer x']] },
    401,
    'invalid_token',
    /expired.*API/
  ],
  ['a token in the query', { target: '/userinfo?access_token=x' }, 400, 'invalid_request', /query/],
  [
    'Basic at userinfo',
    { target: '/userinfo', headers: [basic('web')] },
    400,
    'invalid_request',
    /Bearer/
  ],
  [
    'no token to introspect',
    post('/oauth/introspect', '', basic('web')),
    400,
    'invalid_request',
    /token/
  ],
  [
    'no client at introspection',
    post('/oauth/introspect', 'token=x'),
    401,
    'invalid_client',
    /client_id/
  ],
  ['no token to revoke', post('/oauth/revoke', '', basic('web')), 400, 'invalid_request', /token/],
  [
    'no PKCE',
    post('/oauth/par', without('code_challenge'), basic('web')),
    400,
    'invalid_request',
    /code_challenge/
  ],
  [
    'neither half of PKCE',
    post(
      '/oauth/par',
      without('code_challenge').replace(/&code_challenge_method=S256/, ''),
      basic('web')
    ),
    400,
    'invalid_request',
    /PKCE.*S256/
  ],
  [
    'plain PKCE',
    post('/oauth/par', authorizeQuery.replace('=S256', '=plain'), basic('web')),
    400,
    'invalid_request',
    /S256/
  ],
  [
    'another redirect_uri',
    post('/oauth/par', authorizeQuery.replace('callback', 'other'), basic('web')),
    400,
    'invalid_request',
    /character for character/
  ],
  [
    'implicit',
    post(
      '/oauth/par',
      authorizeQuery.replace('response_type=code', 'response_type=token'),
      basic('web')
    ),
    400,
    'unsupported_response_type',
    /response_type/
  ],
  [
    'a request object that is none',
    post('/oauth/par', `${authorizeQuery}&request=a.b.c`, basic('web')),
    400,
    'invalid_request_object',
    /JWT in compact form/
  ],
  [
    'a client without the device grant',
    post('/oauth/device', 'client_id=spa'),
    400,
    'unauthorized_client',
    /grant/
  ]
]

t.test('each mistake has the code of its RFC and a sentence that helps', async t => {
  const arena = await startArena(t)
  for (const [title, wire, status, error, words] of mistakes) {
    const answer = await arena.send(wire)
    t.equal(answer.status, status, `${title}: ${answer.text}`)
    t.match(JSON.parse(answer.text), { error, error_description: words }, title)
    t.same(arena.problemsOf({ reader: 'client' }, wire, answer), [], title)
  }
  await assertUnharmed(t, arena)
})

t.test('unknown, disabled and mistaken clients read the same sentence', async t => {
  const arena = await startArena(t)
  const texts = new Set<string>()
  for (const authorization of [basic('web', 'x'), basic('nobody', 'x'), basic('spa', 'x')]) {
    texts.add((await arena.send(post('/oauth/token', 'grant_type=x', authorization))).text)
  }
  t.equal(texts.size, 1)
})

t.test('userinfo says in WWW-Authenticate what it says in the body (RFC 6750 §3)', async t => {
  const arena = await startArena(t)
  const none = await arena.send({ target: '/userinfo' })
  t.match(none.headers['www-authenticate'], /^Bearer realm=/)
  // "the resource server SHOULD NOT include an error code or other error information" (RFC 6750 §3.1)
  t.notMatch(none.headers['www-authenticate'], /error/)
  const wrong = await arena.send({ target: '/userinfo', headers: [['authorization', 'Bearer x']] })
  const told = JSON.parse(wrong.text).error_description as string
  t.match(wrong.headers['www-authenticate'], `error="invalid_token", error_description="${told}"`)
})
