// Clients that publish their keys (RFC 7591 §2 `jwks_uri`): fetched when they are needed, followed when they change, used on through an
// outage. Whatever the other end answers, and however many keys strangers invent, it costs one question a minute and is a plain 401.

import { randomUUID } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import * as oidc from 'openid-client'
import t from 'tap'
import { createSigner, type Signer, signJwt, startKeyHost } from '../support/key-host.ts'
import { discover } from '../support/relying-party.ts'
import { freePort, startTestServer } from '../support/server.ts'
import { type Caller, createRequests } from './requests.ts'

let ahead = 0
const server = await startTestServer(t, {}, { now: () => new Date(Date.now() + ahead * 1000) })
const requests = createRequests(server)
const { issuer, token } = requests
const host = await startKeyHost(t)
const grant = { grant_type: 'client_credentials' }
let made = 0

/** A client with its keys at a path of the host, or at another address; nothing has been asked there yet. */
async function client(keysAt?: string): Promise<{ clientId: string; path: string }> {
  made += 1
  const path = `/keys/${made}`
  const created = await server.server.clients.create({
    type: 'machine',
    owner: 'cli',
    metadata: {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: keysAt ?? host.url + path
    }
  })
  if (!created.ok) throw new Error(JSON.stringify(created))
  return { clientId: created.client.clientId, path }
}

async function ask(clientId: string, signer: Signer, header: Record<string, unknown> = {}) {
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: clientId, sub: clientId, aud: issuer, jti: randomUUID(), exp: now + 60 }
  const caller: Caller = {
    headers: {},
    parameters: {
      client_assertion: await signJwt(signer, claims, header),
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    }
  }
  return token(caller, grant)
}

const first = await createSigner('first')
const second = await createSigner('second')

/** What a stranger reads of every failed authentication. */
const wrongKey = await (async () => {
  const { clientId, path } = await client()
  host.answers.set(path, { keys: [first.jwk] })
  return ask(clientId, await createSigner('first'))
})()

t.test(
  'openid-client authenticates with a published key, fetched once (RFC 7523 §2.2)',
  async t => {
    const { clientId, path } = await client()
    host.answers.set(path, { keys: [second.jwk, first.jwk] })
    const key = { key: first.privateKey, kid: 'first' }
    const config = await discover({
      issuer,
      clientId,
      clientAuthentication: oidc.PrivateKeyJwt(key)
    })
    for (const _ of [1, 2, 3]) {
      t.type((await oidc.clientCredentialsGrant(config)).access_token, 'string')
    }
    t.equal(host.askedFor(path), 1)
  }
)

t.test('unknown keys cost at most one question a minute, however many come (R-44)', async t => {
  const { clientId, path } = await client()
  host.answers.set(path, { keys: [first.jwk] })
  t.equal((await ask(clientId, first)).status, 200)
  const flood = async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) => ask(clientId, second, { kid: `invented-${i}` }))
    )
    for (const one of [undefined, '../../etc/passwd', `${host.url}/evil`, 'x'.repeat(4000)]) {
      answers.push(await ask(clientId, second, { kid: one }))
    }
    t.same([...new Set(answers.map(({ status }) => status))], [401])
  }
  await flood()
  t.equal(host.askedFor(path), 1, 'within the minute of the first question')
  ahead += 61
  await flood()
  t.equal(host.askedFor(path), 2, 'a minute later')
  const changed = await server.server.clients.update(clientId, { client_name: 'Other' }, 'cli')
  t.ok(changed.ok)
  await flood()
  t.equal(host.askedFor(path), 2, 'the engine has a new object of the client, and nothing is asked')
  const prepared = await server.server.keys.signing.prepare({
    purpose: 'access_token',
    alg: 'ES256'
  })
  if (prepared === 'lost') throw new Error('no key was made')
  while (!(await requests.get('/.well-known/jwks.json')).text.includes(prepared.kid))
    await sleep(20)
  t.equal((await ask(clientId, first)).status, 200, 'the right key was good all the time')
  t.equal(host.askedFor(path), 2, 'nor by an engine that was built anew for a key of ours')
})

t.test('a place that does not answer is asked once a minute, too', async t => {
  const { clientId, path } = await client()
  host.answers.set(path, (_request, response) => void response.destroy())
  for (const _ of [1, 2, 3]) t.equal((await ask(clientId, first)).status, 401)
  t.equal(host.askedFor(path), 1)
})

const key = (changes: object) => ({ keys: [{ ...first.jwk, ...changes }] })
const json =
  (text: string | Buffer, headers: Record<string, string> = {}): RequestListener =>
  (_request, response) =>
    void response.writeHead(200, headers).end(text)

/** Answers that bring no key, and the reason that the log gives. */
const hostile: [what: string, answer: object | RequestListener, reason: RegExp][] = [
  ['65 KiB', json(`{"keys":[],"x":"${'x'.repeat(65 * 1024)}"}`), /more than 65536 bytes/],
  [
    'a redirect',
    (_request, response) => void response.writeHead(302, { location: '/elsewhere' }).end(),
    /redirect/
  ],
  ['compressed', json('x', { 'content-encoding': 'gzip' }), /compressed/],
  [
    'one byte now and then',
    (_request, response) => {
      response.write('{')
      const drip = setInterval(() => response.write(' '), 100)
      response.on('close', () => clearInterval(drip))
    },
    /took too long/
  ],
  ['an error', (_request, response) => void response.writeHead(500).end(), /answered 500/],
  ['nothing', json(''), /no JSON object/],
  ['garbage', json(Buffer.from([0xff, 0xfe, 0, 1])), /no JSON object/],
  ['a list', [first.jwk], /no JSON object/],
  ['no keys', {}, /no JSON Web Key Set/],
  ['keys that are no list', { keys: first.jwk }, /no JSON Web Key Set/]
]

t.test('whatever is answered instead of keys is 401, and says nothing of it (R-44)', async t => {
  for (const [what, answer, reason] of hostile) {
    const { clientId, path } = await client()
    host.answers.set(path, answer)
    const before = server.log.length
    const refused = await ask(clientId, first)
    t.equal(refused.status, 401, what)
    t.equal(refused.text, wrongKey.text, `${what}: the answer is that of a wrong key`)
    const told = JSON.stringify(server.log.slice(before))
    t.match(told, reason, `${what}: the log has the reason`)
  }
  t.equal(host.askedFor('/elsewhere'), 0, 'a redirect is not followed')
  t.ok(host.hungUp() >= 1, 'a slow peer is left')
})

t.test('keys that cannot be used are passed over, and the rest of the set is good', async t => {
  const unusable: [string, object][] = [
    ['for encryption', key({ use: 'enc' })],
    ['private', key({ d: 'x' })],
    ['symmetric', { keys: [{ kty: 'oct', k: 'c2VjcmV0', kid: 'first' }] }],
    ['not on its curve', key({ x: first.jwk.y })],
    ['of another algorithm', key({ alg: 'ES384' })],
    ['only for signing', key({ key_ops: ['sign'] })]
  ]
  for (const [what, set] of unusable) {
    const { clientId, path } = await client()
    host.answers.set(path, { keys: [...(set as { keys: object[] }).keys, second.jwk, null, 7] })
    t.equal((await ask(clientId, first)).status, 401, what)
    t.equal((await ask(clientId, second)).status, 200, `${what}: the other key`)
  }
})

t.test('nobody inside is asked (R-43)', async t => {
  const port = await freePort()
  let connections = 0
  const sink = createServer(socket => {
    connections += 1
    socket.destroy()
  }).listen(port, '0.0.0.0')
  t.teardown(() => sink.close())
  for (const place of ['0.0.0.0', '10.0.0.1', '169.254.169.254', '[fd00:ec2::254]', '[::]']) {
    const { clientId } = await client(`https://${place}:${port}/keys`)
    const before = server.log.length
    const refused = await ask(clientId, first)
    t.match([refused.status, refused.text], [401, wrongKey.text], place)
    t.match(JSON.stringify(server.log.slice(before)), /leads to an address that is not public/)
  }
  t.equal(connections, 0)
})

t.test('a client changes its keys, and a key that it withdrew opens nothing', async t => {
  const { clientId, path } = await client()
  host.answers.set(path, { keys: [first.jwk] })
  t.equal((await ask(clientId, first)).status, 200)
  host.answers.set(path, { keys: [second.jwk] })
  t.equal((await ask(clientId, second)).status, 401, 'asked less than a minute ago')
  ahead += 61
  t.equal((await ask(clientId, second)).status, 200, 'a key that is not known is asked for')
  t.equal((await ask(clientId, first)).status, 401)
  host.answers.set(path, { keys: [] })
  ahead += 301
  t.equal((await ask(clientId, second)).status, 401, 'also when nobody shows a new one')
})

t.test('a set is kept as long as its publisher says, an hour at most', async t => {
  const kept = async (cacheControl: string, seconds: number) => {
    const { clientId, path } = await client()
    host.answers.set(
      path,
      json(JSON.stringify({ keys: [first.jwk] }), { 'cache-control': cacheControl })
    )
    await ask(clientId, first)
    ahead += seconds
    t.equal((await ask(clientId, first)).status, 200)
    return host.askedFor(path)
  }
  t.equal(await kept('public, max-age=1800', 1790), 1)
  t.equal(await kept('public, max-age=1800', 1801), 2)
  t.equal(await kept('max-age=31536000', 3601), 2, 'a year is an hour')
  t.equal(await kept('no-store', 59), 1, 'nothing is a minute')
  t.equal(await kept('no-store', 61), 2)
})

t.test('keys are used for a day while their place is down, and no longer', async t => {
  const { clientId, path } = await client()
  host.answers.set(path, { keys: [first.jwk] })
  t.equal((await ask(clientId, first)).status, 200)
  await host.stop()
  for (const hours of [1, 10, 12]) {
    ahead += hours * 3600
    t.equal((await ask(clientId, first)).status, 200, `${hours} hours more`)
    t.equal((await ask(clientId, second)).status, 401, 'an unknown key is no fault')
  }
  ahead += 2 * 3600
  t.equal((await ask(clientId, first)).status, 401, 'a day is over')
  await host.start()
  ahead += 61
  t.equal((await ask(clientId, first)).status, 200, 'and it is back')
})
