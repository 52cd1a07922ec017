// Client ID metadata documents, looked at alone: which addresses may be client ids, what may stand there, and how long it is kept.

import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { checkClientDocument } from '../../src/clients/document.ts'
import { documentUrlProblem } from '../../src/clients/document-url.ts'
import { freshSeconds } from '../../src/clients/freshness.ts'

const id = 'https://app.example.com/oauth/client.json'
const rules = { development: false, resources: ['https://api.example.com/mcp'] }
const urlRules = { ...rules, issuer: 'https://id.example.com', hosts: [] }
const home = { client_id: id, client_name: 'App', redirect_uris: ['https://app.example.com/cb'] }
const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
const jwks = { keys: [{ ...jwk, kid: 'one' }] }
const signing = { token_endpoint_auth_method: 'private_key_jwt', jwks }

const check = (members: object, body = JSON.stringify({ ...home, ...members })) =>
  checkClientDocument(id, Buffer.from(body), rules)

function accepted(members: object) {
  const checked = check(members)
  if (!checked.ok) throw new Error(checked.problem)
  return checked
}

function problem(members: object): string {
  const checked = check(members)
  return checked.ok ? 'accepted' : checked.problem
}

t.test('a client_id is one spelling of an https URL with a path (CIMD §3)', async t => {
  for (const good of [id, 'https://app.example.com:8443/c', 'https://xn--bcher-kva.example/c']) {
    t.equal(documentUrlProblem(good, urlRules), undefined, good)
  }
  const bad: readonly [string, RegExp][] = [
    ['http://app.example.com/c', /https/],
    ['http://localhost:4000/c', /https/],
    ['https://user@app.example.com/c', /user name/],
    ['https://:pw@app.example.com/c', /user name/],
    ['https://@app.example.com/c', /user name/],
    [`${id}#x`, /fragment/],
    [`${id}#`, /fragment/],
    [`${id}?x=1`, /query/],
    [`${id}?`, /query/],
    ['https://app.example.com/a/../c', /segment/],
    ['https://app.example.com/a/./c', /segment/],
    ['https://app.example.com/%2e%2e/c', /segment/],
    ['https://app.example.com/a/%2E/c', /segment/],
    ['https://app.example.com/a/..;x/c', /segment/],
    ['https://app.example.com', /normal form/],
    ['https://app.example.com/', /path/],
    ['https://app.example.com:443/c', /normal form/],
    ['https://app.example.com:0/c', /port 0/],
    ['https://APP.example.com/c', /normal form/],
    ['HTTPS://app.example.com/c', /normal form/],
    ['https://app.example.com./c', /dot/],
    ['https://0x7f.1/c', /normal form/],
    ['https://app.example.com\\@evil.example/c', /backslash/],
    ['https://app.example.com/\tc', /ASCII/],
    ['https://app.example.com/%00', /control/],
    ['https://app.example.com/ünï', /ASCII/],
    ['https://id.example.com/client.json', /this server/],
    ['https://api.example.com/mcp', /resource/],
    [`https://app.example.com/${'x'.repeat(500)}`, /512/]
  ]
  for (const [url, why] of bad) {
    t.match(documentUrlProblem(url, urlRules), why, url.replace(/[^ -~]/g, '?'))
  }
  const developer = 'http://localhost:4000/client.json'
  t.equal(documentUrlProblem(developer, { ...urlRules, development: true }), undefined)
  t.match(documentUrlProblem('http://10.0.0.1/c', { ...urlRules, development: true }), /https/)
})

t.test('an operator says from which hosts clients may come (CIMD §8.9)', async t => {
  const few = { ...urlRules, hosts: ['app.example.com'] }
  t.equal(documentUrlProblem(id, few), undefined)
  for (const url of ['https://other.example.com/c', 'https://app.example.com:8443/c']) {
    t.match(documentUrlProblem(url, few), /host/, url)
  }
})

t.test('the document says the URL that it was fetched from, byte for byte (CIMD §4)', async t => {
  t.equal(problem({}), 'accepted')
  for (const other of [undefined, `${id}/`, id.toUpperCase(), [id], 1]) {
    t.match(problem({ client_id: other }), /client_id is not the URL/)
  }
})

t.test('a document is one JSON object in UTF-8 (RFC 8259)', async t => {
  const bodies = ['', '[]', 'null', '"x"', '{', '{"client_id":1}{}']
  for (const body of bodies) t.notOk(check({}, body).ok, body)
  const invalid = Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])
  t.notOk(checkClientDocument(id, invalid, rules).ok)
})

t.test('nothing secret stands in a document, and no secret is used (CIMD §4.1)', async t => {
  const secrets = ['client_secret', 'client_secret_expires_at', 'client_secret_x']
  for (const member of secrets) t.match(problem({ [member]: '' }), /public document/, member)
  for (const method of ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'x', 1]) {
    t.match(problem({ token_endpoint_auth_method: method }), /none or private_key_jwt/)
  }
  const privateKey = { keys: [{ ...jwk, d: 'AAAA' }] }
  t.match(problem({ ...signing, jwks: privateKey }), /jwks/)
})

t.test('where answers go says what the software is (RFC 8252)', async t => {
  t.equal(accepted({}).type, 'spa')
  t.equal(accepted(signing).type, 'web')
  const loopback = ['http://127.0.0.1/cb', 'http://localhost:33418/cb', 'http://[::1]:1/cb']
  for (const uri of loopback) {
    t.equal(accepted({ redirect_uris: [uri, ...home.redirect_uris] }).type, 'native', uri)
  }
  t.match(
    problem({ ...signing, redirect_uris: loopback }),
    /token_endpoint_auth_method must be none/,
    'a key on people’s devices is no secret'
  )
  t.equal(accepted({ application_type: 'native' }).type, 'spa', 'what it says of itself is nothing')
})

t.test('answers go to the home of the document or stay on the device (CIMD §8.1)', async t => {
  const foreign = [
    'https://evil.example/cb',
    'https://app.example.com.evil.example/cb',
    'https://app.example.com:8443/cb',
    'http://app.example.com/cb',
    'com.example.app:/cb',
    'javascript:alert(1)',
    'https://user@app.example.com/cb',
    'https://localhost/cb'
  ]
  for (const uri of foreign) {
    t.not(problem({ redirect_uris: [...home.redirect_uris, uri] }), 'accepted', uri)
    t.not(problem({ post_logout_redirect_uris: [uri] }), 'accepted', `${uri} after sign-out`)
  }
  t.not(problem({ redirect_uris: [] }), 'accepted')
  t.not(problem({ redirect_uris: 'https://app.example.com/cb' }), 'accepted')
  t.not(problem({ redirect_uris: undefined }), 'accepted')
  t.match(
    problem({
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: 'https://keys.example/jwks'
    }),
    /jwks_uri must have the origin/
  )
})

t.test('executable schemes are refused in every URL member of a document', async t => {
  const members = ['client_uri', 'logo_uri', 'policy_uri', 'tos_uri', 'initiate_login_uri']
  for (const member of [...members, 'backchannel_logout_uri', 'jwks_uri']) {
    for (const uri of [
      'javascript:alert(1)',
      'JavaScript:x',
      ' data:,x',
      'file:///etc',
      'blob:x'
    ]) {
      t.not(problem({ [member]: uri }), 'accepted', `${member}: ${uri}`)
    }
  }
})

t.test('what this server does not offer, or nobody can check, is left out', async t => {
  const { metadata } = accepted({
    grant_types: ['authorization_code', 'client_credentials', 'urn:x'],
    response_types: ['code', 'token'],
    scope: 'everything',
    first_party: true,
    default_resource: 'https://api.example.com/mcp',
    refresh_tokens: 'always',
    logo_uri: 'https://app.example.com/logo.svg',
    client_uri: 'https://app.example.com/about',
    policy_uri: 'https://www.example.com/privacy',
    backchannel_logout_uri: 'https://evil.example/out',
    backchannel_logout_session_required: true,
    made_up: 'x'
  })
  t.strictSame(metadata, {
    redirect_uris: home.redirect_uris,
    post_logout_redirect_uris: [],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    client_name: 'App',
    client_uri: 'https://app.example.com/about',
    grant_types: ['authorization_code'],
    application_type: 'web'
  })
  t.match(problem({ grant_types: ['client_credentials'] }), /grant_types/)
})

t.test('the digest is of redirect URIs, keys and authentication, and nothing else', async t => {
  const { digest } = accepted({})
  const same = [{ client_name: 'Other' }, { client_uri: 'https://app.example.com/x' }]
  for (const members of same) t.same(accepted(members).digest, digest)
  const two = ['https://app.example.com/b', ...home.redirect_uris]
  const others = [
    accepted({ redirect_uris: two }),
    accepted(signing),
    accepted({ ...signing, jwks: { keys: [{ ...jwk, kid: 'two' }] } }),
    accepted({
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: 'https://app.example.com/jwks'
    })
  ].map(checked => checked.digest.toString('hex'))
  t.equal(new Set([...others, digest.toString('hex')]).size, 5)
  t.same(
    accepted({ redirect_uris: two }).digest,
    accepted({ redirect_uris: two.toReversed() }).digest
  )
})

t.test('a document is kept as its headers say, a minute at least and a day at most', async t => {
  const now = Date.parse('2026-11-21T11:00:00Z')
  const cases: readonly [Record<string, string>, number][] = [
    [{}, 600],
    [{ 'cache-control': 'max-age=3600' }, 3600],
    [{ 'cache-control': 'public, max-age="3600"' }, 3600],
    [{ 'cache-control': 'max-age=3600, s-maxage=120' }, 120],
    [{ 'cache-control': 'max-age=3600', age: '600' }, 3000],
    [{ 'cache-control': 'max-age=1' }, 60],
    [{ 'cache-control': 'max-age=999999999' }, 86_400],
    [{ 'cache-control': 'no-store' }, 60],
    [{ 'cache-control': 'max-age=3600, no-cache' }, 60],
    [{ 'cache-control': 'max-age=abc' }, 600],
    [{ expires: 'Sat, 21 Nov 2026 12:00:00 GMT' }, 3600],
    [{ expires: '0' }, 60]
  ]
  for (const [headers, seconds] of cases) {
    t.equal(freshSeconds(headers, now), seconds, JSON.stringify(headers))
  }
})
