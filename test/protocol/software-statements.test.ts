// Software statements (RFC 7591 §2.3): what somebody who is trusted says of the software stands in place of what the client says itself, at
// registration and ever after; nobody else's word counts.

import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'
import t from 'tap'
import { issueInitialAccessToken } from '../../src/clients/registration-token.ts'
import { createRegistrationTokenStore } from '../../src/store/registration-tokens.ts'
import { startTestServer } from '../support/server.ts'
import { type Answer, createRequests } from './requests.ts'

const publisher = 'https://publisher.example.com'
const trusted = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwk = { ...trusted.publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'ES256' }
const registration = {
  enabled: true,
  softwareStatements: [{ issuer: publisher, jwks: { keys: [jwk] } }]
}
const server = await startTestServer(t, { registration })
const requests = createRequests(server)
const { database } = server.store

const said = { redirect_uris: ['https://said.example.com/cb'], client_name: 'Said by the client' }
const software = {
  client_name: 'Certified app',
  redirect_uris: ['https://certified.example.com/cb']
}

const sign = (claims: object = software, key: KeyObject = trusted.privateKey, exp = '1h') =>
  new SignJWT({ iss: publisher, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .setIssuedAt()
    .setExpirationTime(exp)
    .sign(key)

async function register(members: object, at = requests) {
  const { token, id } = await issueInitialAccessToken(
    at === requests ? database : other.store.database,
    { lifetimeSeconds: 3600 }
  )
  const headers = { authorization: `Bearer ${token}` }
  return { id, answer: await at.json('POST', '/oauth/register', { ...said, ...members }, headers) }
}
const other = await startTestServer(t, {
  registration: { ...registration, requireSoftwareStatement: true }
})

const manage = (method: string, client: Answer['body'], body?: object) =>
  requests.json(method, new URL(String(client['registration_client_uri'])).pathname, body, {
    authorization: `Bearer ${client['registration_access_token']}`
  })

t.test('a trusted statement says what the client is, and comes back unmodified', async t => {
  const statement = await sign()
  const { answer } = await register({ software_statement: statement, tos_uri: undefined })
  t.equal(answer.status, 201, answer.text)
  t.match(answer.body, { ...software, software_statement: statement })
  const stored = await server.server.clients.find(String(answer.body['client_id']))
  t.match(stored?.metadata, software)
  t.notOk(stored !== undefined && 'software_statement' in stored.metadata)
  t.match(await manage('GET', answer.body), {
    status: 200,
    body: { ...software, software_statement: statement }
  })
})

t.test('nobody else’s word counts (RFC 7591 §3.2.2)', async t => {
  const good = await sign()
  const [header = '', payload = '', signature = ''] = good.split('.')
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const none = `${encoded({ alg: 'none' })}.${payload}.`
  const macHeader = encoded({ alg: 'HS256', kid: 'one' })
  const publicPem = trusted.publicKey.export({ format: 'pem', type: 'spki' })
  const mac = createHmac('sha256', publicPem).update(`${macHeader}.${payload}`).digest('base64url')
  const widened = encoded({ iss: publisher, ...software, redirect_uris: ['https://evil.example/'] })
  const bad: readonly [string, unknown, string][] = [
    ['of a stranger', await sign({ ...software, iss: 'https://else.example' }), 'unapproved'],
    ['signed by a stranger', await sign(software, stranger.privateKey), 'invalid'],
    ['that is over', await sign(software, trusted.privateKey, '-1h'), 'invalid'],
    ['that was changed', `${header}.${widened}.${signature}`, 'invalid'],
    ['without a signature', none, 'invalid'],
    ['with a MAC of the public key', `${macHeader}.${payload}.${mac}`, 'invalid'],
    ['without an issuer', await sign({ ...software, iss: undefined }), 'invalid'],
    ['that is no JWT', 'x', 'invalid'],
    ['that is no text', { alg: 'none' }, 'invalid'],
    ['that is long', `${good}${'x'.repeat(9000)}`, 'invalid']
  ]
  const tokens = createRegistrationTokenStore({ sql: database })
  for (const [name, statement, reason] of bad) {
    const { answer, id } = await register({ software_statement: statement })
    t.match(answer, { status: 400, body: { error: `${reason}_software_statement` } }, name)
    const token = (await tokens.list()).find(each => each.id === id)
    t.equal(token?.used, 0, `${name} takes no use`)
  }
})

t.test('a statement is judged by the policy, like everything else', async t => {
  for (const claims of [
    { ...software, redirect_uris: ['javascript:alert(1)'] },
    { ...software, first_party: true },
    { ...software, grant_types: ['password'] },
    { ...software, policy_uri: 'https://elsewhere.example/privacy' }
  ]) {
    const { answer } = await register({ software_statement: await sign(claims) })
    t.equal(answer.status, 400, JSON.stringify(claims))
  }
  const { answer } = await register({
    software_statement: await sign({ ...software, client_id: 'chosen', client_secret: 'x' })
  })
  t.equal(answer.status, 201)
  t.not(answer.body['client_id'], 'chosen', 'ids and secrets are ours to make')
  t.not(answer.body['client_secret'], 'x')
})

t.test('what a statement said holds at every update (RFC 7592 §2.2)', async t => {
  const statement = await sign()
  const { answer } = await register({ software_statement: statement })
  let client = answer.body
  const update = async (members: object) => {
    const changed = await manage('PUT', client, {
      ...said,
      client_id: client['client_id'],
      ...members
    })
    if (changed.status === 200) client = { ...client, ...changed.body }
    return changed
  }
  for (const members of [{}, { software_statement: statement }, { software_statement: null }]) {
    const changed = await update(members)
    t.match(
      changed,
      { status: 200, body: { ...software, software_statement: statement } },
      JSON.stringify(Object.keys(members))
    )
  }
  const foreign = await sign(software, stranger.privateKey)
  t.match(await update({ software_statement: foreign }), {
    status: 400,
    body: { error: 'invalid_software_statement' }
  })
  const renewed = await sign({ ...software, client_name: 'Certified app 2' })
  t.match(await update({ software_statement: renewed }), {
    status: 200,
    body: { client_name: 'Certified app 2', software_statement: renewed }
  })
  t.match(await manage('GET', client), { body: { software_statement: renewed } })
})

t.test('a statement that is over ends nothing that was registered with it', async t => {
  const { answer } = await register({ software_statement: await sign() })
  await database.run(
    'test.old_statement',
    'UPDATE clients SET software_statement = $2, updated_at = clock_time() WHERE client_id = $1',
    [answer.body['client_id'], await sign(software, trusted.privateKey, '-1h')]
  )
  const members = { ...said, client_id: answer.body['client_id'] }
  t.match(await manage('PUT', answer.body, members), { status: 200, body: software })
})

t.test('where statements are required, nobody registers without', async t => {
  const strict = createRequests(other)
  t.match((await register({}, strict)).answer, {
    status: 400,
    body: { error: 'invalid_software_statement' }
  })
  t.equal((await register({ software_statement: await sign() }, strict)).answer.status, 201)
})

t.test('where nobody is trusted, a statement is refused and not overlooked', async t => {
  const plain = await startTestServer(t, { registration: { enabled: true } })
  const { token } = await issueInitialAccessToken(plain.store.database, { lifetimeSeconds: 3600 })
  const answer = await createRequests(plain).json(
    'POST',
    '/oauth/register',
    { ...said, software_statement: await sign() },
    { authorization: `Bearer ${token}` }
  )
  t.match(answer, { status: 400, body: { error: 'unapproved_software_statement' } })
})
