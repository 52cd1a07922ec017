// A copy of the database opens nothing (HOUSE §1): after a run that issues everything there is to issue, each column of each table is
// searched for each value, as text and as bytes, in every spelling that somebody might have stored.

import { createHash } from 'node:crypto'
import { generateKeyPair } from 'jose'
import t from 'tap'
import { parseForms } from '../support/forms.ts'
import { secretOf } from '../support/configuration.ts'
import { masterKey, person, startTestServer, type TestServer } from '../support/server.ts'
import { approveDevice, requestDeviceCode } from './device-approval.ts'
import { createProver, createRequests, inBody, publicly, web } from './requests.ts'

const main = await startTestServer(t, { registration: { enabled: true } })
const requests = createRequests(main)
const { database } = main.store

/** Everything that stands in the database: of each value its text, and what its bytes are. */
async function dump({ store }: TestServer): Promise<{ place: string; bytes: Buffer }[]> {
  const { rows: columns } = await store.database.run<{ name: string; column: string }>(
    'test.columns',
    `SELECT c.relname AS name, a.attname AS column FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relkind IN ('r', 'p', 'm', 'S') AND c.relnamespace = 'public'::regnamespace
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
  t.equal(real.length, values.length, `${kind} was issued`)
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
  note('form token', parseForms(login.html).find(form => form.fields.has('csrf'))?.fields.get('csrf'))
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
  const { page } = await approveDevice(main, approved.userCode, requests.ada)
  t.equal(page.status, 200)
  for (const { deviceCode, userCode } of [device, approved]) {
    note('device code', deviceCode)
    note('user code', userCode, userCode.replace('-', ''))
  }

  const { searchParams } = (await requests.authorizationUrl()).url
  const pushed = await requests.post('/oauth/par', web.caller, Object.fromEntries(searchParams))
  const requestUri = String(pushed.body['request_uri'])
  note('pushed request', requestUri, requestUri.split(':').at(-1))

  const prover = await createProver()
  const proof = await prover.proof({ url: `${main.issuer}/oauth/token` })
  await requests.token(web.caller, { grant_type: 'refresh_token', refresh_token: second.refresh_token }, { DPoP: proof })
  note('DPoP proof', proof)

  const initial = await main.server.initialAccessTokens.issue()
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
