// A copy of the database opens nothing: after a run that issues everything there is to issue, each column of each table is
// searched for each value, as text and as bytes, in every spelling that somebody might have stored.

import { createHash, createHmac } from 'node:crypto'
import t from 'tap'
import { issueInitialAccessToken } from '../../src/clients/registration-token.ts'
import { digest, hmac } from '../../src/lib/secret.ts'
import { createBrowser } from '../support/browser.ts'
import { secretOf } from '../support/configuration.ts'
import { parseForms } from '../support/forms.ts'
import { masterKey, person, startTestServer, type TestServer } from '../support/server.ts'
import { approveDevice, requestDeviceCode } from './device-approval.ts'
import { createProver, createRequests, inBody, web } from './requests.ts'

const main = await startTestServer(t, { registration: { enabled: true } })
const requests = createRequests(main)
const { database } = main.store

/** Everything that stands in the database: of each value its text, and what its bytes are. */
async function dump({ store }: TestServer): Promise<{ place: string; bytes: Buffer }[]> {
  const { rows: columns } = await store.database.run<{ name: string; column: string }>(
    'test.columns',
    `SELECT c.relname AS name, a.attname AS column FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relkind IN ('r', 'p', 'm', 'S') AND c.relnamespace = 'public'::regnamespace
       AND NOT c.relispartition -- read through the parent
       AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, 2`
  )
  const found: { place: string; bytes: Buffer }[] = []
  for (const { name, column } of columns) {
    const place = `${name}.${column}`
    const { rows } = await store.database.run<{ text: string | null; raw: Buffer | null }>(
      `test.dump.${place}`,
      `SELECT "${column}"::text AS text,
         CASE WHEN pg_typeof("${column}") = 'bytea'::regtype THEN "${column}"::text::bytea END AS raw
       FROM "${name}"`
    )
    for (const { text, raw } of rows) {
      if (text !== null) found.push({ place, bytes: Buffer.from(text) })
      if (raw !== null) found.push({ place, bytes: raw })
    }
  }
  return found
}

/** A value, and the bytes that it may stand for, each as it is and in the spellings in which it may have been stored. */
function spellingsOf(value: string): Buffer[] {
  const meant = [Buffer.from(value)]
  for (const encoding of ['base64url', 'hex'] as const) {
    const decoded = Buffer.from(value, encoding)
    if (decoded.length >= 8 && decoded.toString(encoding) === value) meant.push(decoded)
  }
  return meant.flatMap(bytes => [
    bytes,
    Buffer.from(bytes.toString('hex')),
    Buffer.from(bytes.toString('hex').toUpperCase()),
    Buffer.from(bytes.toString('base64').replace(/=+$/, '')),
    Buffer.from(bytes.toString('base64url'))
  ])
}

/** Where the value stands. */
function placesOf(value: string, stored: Awaited<ReturnType<typeof dump>>): string[] {
  const spellings = spellingsOf(value)
  const hits = stored.filter(({ bytes }) => spellings.some(spelling => bytes.includes(spelling)))
  return [...new Set(hits.map(({ place }) => place))]
}

const issued = new Map<string, string[]>()
function note(kind: string, ...values: (string | undefined)[]) {
  const real = values.filter(value => value !== undefined && value !== '')
  if (real.length < values.length) throw new Error(`no ${kind} was issued`)
  issued.set(kind, [...(issued.get(kind) ?? []), ...(real as string[])])
}

/** The cookies of the browser as they are: a session, an interaction, their signatures. */
function noteCookies() {
  for (const [name, value] of requests.ada.cookies()) {
    if (name.includes('session') || name.includes('interaction') || name.includes('resume')) {
      note(name.endsWith('.sig') ? 'cookie signature' : 'cookie', value)
    }
  }
}

async function issueEverything() {
  // pages half-way: what they hold must be found again by the browser alone
  const { url } = await requests.authorizationUrl({ scope: 'openid offline_access' })
  const login = await requests.ada.follow(await requests.ada.get(url))
  note('interaction id', login.url.pathname.split('/').at(-1))
  note(
    'form token',
    parseForms(login.html)
      .find(form => form.fields.has('csrf'))
      ?.fields.get('csrf')
  )
  noteCookies()

  const offline = { scope: 'openid offline_access', extra: { prompt: 'consent' } }
  const spent = await requests.code(offline)
  const open = await requests.code(offline)
  note('authorization code', spent.code, open.code)
  noteCookies()
  const first = (await requests.redeem(spent)).body
  const second = (await requests.refresh(web, first.refresh_token)).body
  note('refresh token', first.refresh_token, second.refresh_token)
  note('access token', first.access_token, second.access_token)
  note('ID token', first.id_token)
  const revoked = await requests.machine('billing')
  note('access token', revoked.body.access_token)
  await requests.revoke(inBody('billing'), revoked.body.access_token)

  const device = await requestDeviceCode(requests)
  const approved = await requestDeviceCode(requests)
  await approveDevice(main, approved.userCode, requests.ada)
  for (const { deviceCode, userCode } of [device, approved]) {
    note('device code', deviceCode)
    note('user code', userCode, userCode.replace('-', ''))
  }

  const { searchParams } = (await requests.authorizationUrl()).url
  const pushed = await requests.post('/oauth/par', web.caller, Object.fromEntries(searchParams))
  const requestUri = String(pushed.body['request_uri'])
  note('pushed request', requestUri, requestUri.split(':').at(-1))

  // pages that nobody finishes: consent in a session, sign-in for a device and for a pushed request
  await requests.ada.follow(await requests.ada.get((await requests.authorizationUrl(offline)).url))
  noteCookies()
  const stranger = createBrowser({ origin: main.issuer })
  const waiting = await requestDeviceCode(requests)
  note('device code', waiting.deviceCode)
  const entry = await stranger.submitForm(await stranger.get('/device'), {
    user_code: waiting.userCode
  })
  await stranger.follow(await stranger.submitForm(entry))
  const query = new URLSearchParams({ client_id: 'web', request_uri: requestUri })
  await stranger.follow(await stranger.get(`/authorize?${query}`))

  const prover = await createProver()
  const proof = await prover.proof({ url: `${main.issuer}/oauth/token` })
  await requests.token(
    web.caller,
    { grant_type: 'refresh_token', refresh_token: second.refresh_token },
    { DPoP: proof }
  )
  note('DPoP proof', proof)

  const { token: initial } = await issueInitialAccessToken(database, { lifetimeSeconds: 3600 })
  note('initial access token', initial)
  const registered = await requests.json(
    'POST',
    '/oauth/register',
    { redirect_uris: ['https://dynamic.example.com/callback'], client_name: 'Dynamic' },
    { authorization: `Bearer ${initial}` }
  )
  note('registration access token', registered.body['registration_access_token'] as string)
  note('client secret', registered.body['client_secret'] as string, secretOf('web'))
  note('password', person.password)
  note('master key', masterKey.toString('base64url'))
}

/** Private parts of every key that the server has open. */
function noteKeys() {
  const { ring, secrets } = main.server.keys
  for (const { privateJwk } of ring.keys()) {
    const members = ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const
    note('private key', ...members.flatMap(member => privateJwk[member] ?? []))
  }
  const purposes = ['cookie', 'rotation', 'refresh_token_mac', 'user_code', 'csrf', 'artifact']
  for (const purpose of purposes as Parameters<typeof secrets.all>[0][]) {
    note('server secret', ...secrets.all(purpose).map(({ key }) => key.toString('base64url')))
  }
}

await issueEverything()
noteKeys()

t.test('a dump of the database contains none of the values that were issued', async t => {
  const stored = await dump(main)
  const filled = new Set(stored.map(({ place }) => place.split('.')[0]))
  const expected = [
    'accounts',
    'artifacts',
    'audit_events',
    'client_secrets',
    'clients',
    'consents'
  ]
  expected.push('denied_tokens', 'grants', 'refresh_families', 'replay_records')
  expected.push('server_secrets', 'session_clients', 'sessions', 'signing_keys')
  t.same(new Set(expected).difference(filled), new Set(), 'there is something to search')
  for (const [kind, values] of issued) {
    for (const value of values) t.same(placesOf(value, stored), [], kind)
  }
})

t.test('the search finds what is planted, however it is spelled', async t => {
  const [token = ''] = issued.get('refresh token') ?? []
  const bytes = Buffer.from(token, 'base64url')
  const plants: [place: string, text: string, value: unknown][] = [
    ['settings.value', `INSERT INTO settings VALUES ('plant', $1)`, JSON.stringify([`a ${token}`])],
    [
      'audit_events.data',
      `UPDATE audit_events SET data = $1`,
      JSON.stringify({ t: bytes.toString('hex') })
    ],
    ['accounts.name', 'UPDATE accounts SET name = $1', bytes.toString('base64')],
    [
      'denied_tokens.jti',
      'UPDATE denied_tokens SET jti = $1',
      Buffer.from(token).toString('base64url')
    ],
    ['replay_records.id', 'UPDATE replay_records SET id = $1', bytes],
    [
      'sessions.sealed',
      'UPDATE sessions SET sealed = $1',
      Buffer.concat([Buffer.alloc(9), Buffer.from(token)])
    ]
  ]
  for (const [place, text, value] of plants)
    await database.run(`test.plant.${place}`, text, [value])
  t.same(placesOf(token, await dump(main)).sort(), plants.map(([place]) => place).sort())
})

t.test(
  'a user code cannot be found by trying all of them: the key is not in the database (D-15)',
  async t => {
    const { userCode } = await requestDeviceCode(requests)
    const code = userCode.replace('-', '')
    const { rows } = await database.run<{ user_code: Buffer }>(
      'test.user_code',
      'SELECT user_code FROM user_codes ORDER BY expires_at DESC LIMIT 1'
    )
    const kept = rows[0]?.user_code ?? Buffer.alloc(0)
    const key = main.server.keys.secrets.current('user_code').key
    t.same(kept, hmac(key, 'user code', code), 'what is kept is made with the key')

    // what an attacker with the database and the source may compute for each of 20^8 codes
    const labels = ['', 'user code', 'artifact', 'DeviceCode']
    const keyless = [code, userCode].flatMap(spelling => [
      createHash('sha256').update(spelling).digest(),
      createHmac('sha256', '').update(spelling).digest(),
      hmac(Buffer.alloc(32), 'user code', spelling),
      digest(spelling),
      digest('artifact', 'DeviceCode', spelling),
      ...labels.map(label => digest(label, spelling)),
      ...labels.map(label => createHmac('sha256', label).update(spelling).digest())
    ])
    t.notOk(keyless.some(guess => guess.equals(kept)))
  }
)
