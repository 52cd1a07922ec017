// A new version of a key that refresh tokens are made with, in the middle of everything: no fork, and nobody is signed out (D-3).

import t from 'tap'
import { startTestServer } from '../support/server.ts'
import { createRequests, web } from './requests.ts'

const main = await startTestServer(t)
const requests = createRequests(main)
const { secrets } = main.server.keys
const offline = { scope: 'openid offline_access', extra: { prompt: 'consent' } }

/** Retires the current version; the next one is made and is current. */
async function nextVersion(purpose: 'rotation' | 'refresh_token_mac') {
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

t.test('a version that this process does not know yet is our failure, never a refusal', async t => {
  const first = (await requests.tokens(offline)).refresh_token
  await main.store.database.run(
    'test.unknown_version',
    'UPDATE refresh_families SET successor_key_version = 200'
  )
  const answer = await requests.refresh(web, first)
  t.ok(answer.status >= 500)
  t.not(answer.body['error'], 'invalid_grant')
})
