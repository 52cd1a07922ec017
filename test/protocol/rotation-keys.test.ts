// A new version of a key that refresh tokens are made with, in the middle of everything: no fork, and nobody is signed out (D-3).

import t from 'tap'
import { macKeyVersionOf } from '../../src/grants/refresh-token.ts'
import type { SecretPurpose } from '../../src/keys/server-secrets.ts'
import { createBrowser } from '../support/browser.ts'
import { startServerProcess } from '../support/processes.ts'
import { passPages } from '../support/relying-party.ts'
import { person, startTestServer } from '../support/server.ts'
import { approveDevice, deviceGrantType, requestDeviceCode } from './device-approval.ts'
import { createRequests, publicly, web } from './requests.ts'

const main = await startTestServer(t)
const requests = createRequests(main)
const { secrets } = main.server.keys
const offline = { scope: 'openid offline_access', extra: { prompt: 'consent' } }

/** Retires the current version; the next one is made and is current. */
async function nextVersion(purpose: SecretPurpose) {
  const before = secrets.current(purpose).version
  await main.store.database.run(
    'test.retire',
    `UPDATE server_secrets SET state = 'retiring' WHERE purpose = $1`,
    [purpose]
  )
  await secrets.ensure([purpose])
  return secrets.current(purpose).version - before
}

t.test('a new rotation key inside the leeway: the retry gets the same successor', async t => {
  const first = (await requests.tokens(offline)).refresh_token
  const second = (await requests.refresh(web, first)).body.refresh_token
  t.equal(await nextVersion('rotation'), 1)
  t.equal((await requests.refresh(web, first)).body.refresh_token, second)
  const third = (await requests.refresh(web, second)).body.refresh_token
  t.equal(await nextVersion('rotation'), 1)
  t.equal((await requests.refresh(web, second)).body.refresh_token, third)
  t.equal((await requests.refresh(web, third)).status, 200)
})

t.test('a new MAC key: tokens of the old one are taken', async t => {
  const first = (await requests.tokens(offline)).refresh_token
  t.equal(await nextVersion('refresh_token_mac'), 1)
  const second = await requests.refresh(web, first)
  t.equal(second.status, 200)
  t.equal((await requests.refresh(web, second.body.refresh_token)).status, 200)
})

t.test('a new MAC key inside the leeway: the retry gets the same successor', async t => {
  const first = (await requests.tokens(offline)).refresh_token
  const second = (await requests.refresh(web, first)).body.refresh_token
  t.equal(await nextVersion('refresh_token_mac'), 1)
  const retry = await requests.refresh(web, first)
  t.match(retry, { status: 200, body: { refresh_token: second } })
})

t.test('a user code that was shown under the key of before is still found', async t => {
  const { deviceCode, userCode } = await requestDeviceCode(requests)
  t.equal(await nextVersion('user_code'), 1)
  await approveDevice(main, userCode)
  const parameters = { grant_type: deviceGrantType, device_code: deviceCode }
  t.equal((await requests.token(publicly('tv'), parameters)).status, 200)
})

t.test('a form, a sign-in and its cookies go on when their keys change', async t => {
  const browser = createBrowser({ origin: main.issuer })
  const { url } = await requests.authorizationUrl({ app: web })
  const shown = await browser.follow(await browser.get(url))
  t.match(shown.heading, /Sign in/)
  t.equal(await nextVersion('csrf'), 1)
  t.equal(await nextVersion('cookie'), 1)
  const passed = { ...person, redirectUri: web.redirectUri }
  const { callbackUrl } = await passPages(browser, shown, passed)
  t.ok(callbackUrl.searchParams.get('code'))
  t.equal(await nextVersion('cookie'), 1)
  const again = await requests.authorize({ app: web, browser, extra: { prompt: 'none' } })
  t.ok(again.location?.searchParams.get('code'), 'the session is still there')
})

/** Other processes have a new version of both keys and use it; this one was told nothing. */
async function newVersionsElsewhere() {
  const { database } = main.store
  const silent = (change: 'DISABLE' | 'ENABLE') =>
    database.run(
      `test.${change}`,
      `ALTER TABLE server_secrets ${change} TRIGGER server_secrets_changed`
    )
  await silent('DISABLE')
  await database.run(
    'test.retire_both',
    `UPDATE server_secrets SET state = 'retiring'
      WHERE purpose IN ('rotation', 'refresh_token_mac') AND state = 'active'`
  )
  const other = await startServerProcess(t, main)
  await silent('ENABLE')
  return other
}

t.test('tokens and rows of a newer version are read by a process that was not told', async t => {
  const family = (await requests.tokens(offline)).refresh_token
  const code = await requests.code(offline)
  const known = secrets.current('refresh_token_mac').version
  const other = await newVersionsElsewhere()
  const atOther = async (parameters: Record<string, string>) => {
    const { status, text } = await other.fetch('/oauth/token', {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...web.caller.headers
      },
      body: new URLSearchParams(parameters).toString()
    })
    t.equal(status, 200, text)
    return JSON.parse(text).refresh_token as string
  }
  // the first token of a family, under the new MAC key
  const first = await atOther({
    grant_type: 'authorization_code',
    code: code.code,
    redirect_uri: code.app.redirectUri,
    code_verifier: code.verifier
  })
  t.equal(macKeyVersionOf(first), known + 1)
  // and a row whose next successor is made with the new rotation key
  const second = await atOther({ grant_type: 'refresh_token', refresh_token: family })
  t.equal((await requests.refresh(web, first)).status, 200)
  t.equal((await requests.refresh(web, second)).status, 200)
})

t.test(
  'a token under a MAC key that never was is refused, and strangers cause few reads',
  async t => {
    const token = Buffer.from((await requests.tokens(offline)).refresh_token, 'base64url')
    token[1] = 250
    const forged = token.toString('base64url')
    const { result, roundTrips } = await main.counted(() =>
      Promise.all(Array.from({ length: 20 }, () => requests.refresh(web, forged)))
    )
    for (const answer of result) t.match(answer, { status: 400, body: { error: 'invalid_grant' } })
    const reads = roundTrips.flat().filter(name => name === 'server_secrets.list').length
    t.ok(reads >= 1 && reads < 10, `${reads} reads for 20 requests`)
  }
)

t.test('a version that is nowhere is our failure, never a refusal', async t => {
  const first = (await requests.tokens(offline)).refresh_token
  await main.store.database.run(
    'test.unknown_version',
    'UPDATE refresh_families SET successor_key_version = 200'
  )
  const answer = await requests.refresh(web, first)
  t.match(answer, { status: 503, body: { error: 'temporarily_unavailable' } })
  t.equal(answer.headers.get('retry-after'), '2')
  await main.store.database.run(
    'test.known_version',
    'UPDATE refresh_families SET successor_key_version = $1',
    [secrets.current('rotation').version]
  )
  t.equal((await requests.refresh(web, first)).status, 200, 'nothing was spent')
})
