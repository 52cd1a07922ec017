// The configuration file over several starts: clients follow it, accounts of development come from it, secrets stand elsewhere, and a
// configuration that is wrong is refused as a whole before anything is touched.

import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { refreshTokenGrant } from 'openid-client'
import t from 'tap'
import { redirectUri, secretOf } from '../support/configuration.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { makePlace, mintmark, type Place, startMintmark } from '../support/process.ts'
import { signIn } from '../support/relying-party.ts'
import { freePort } from '../support/server.ts'

const web = {
  client_id: 'web',
  type: 'web',
  client_secret: 'env:WEB_SECRET',
  redirect_uris: [redirectUri]
}
const billing = { client_id: 'billing', type: 'machine', client_secret: 'file:billing-secret' }
const ada = { login: 'ada@example.com', password: 'correct horse battery staple' }

function write(place: Place, content: object): void {
  writeFileSync(join(place.folder, 'mintmark.json'), JSON.stringify(content))
}

async function machineAnswer(issuer: string): Promise<number> {
  const credentials = Buffer.from(`billing:${secretOf('billing')}`).toString('base64')
  const { status } = await fetch(`${issuer}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' })
  })
  return status
}

/** The error of a token endpoint's answer; 401 stands for invalid_client, which comes with a challenge (RFC 6749 §5.2). */
async function refusal(answer: Promise<unknown>): Promise<string | number | undefined> {
  return answer.then(
    () => undefined,
    ({ error, status }: { error?: string; status?: number }) => error ?? status
  )
}

t.test('clients follow the file from start to start (D-23)', async t => {
  const { url } = await createTestDatabase(t)
  const place = makePlace(t, {
    DATABASE_URL: url,
    MINTMARK_CONFIG: 'mintmark.json',
    MINTMARK_PORT: `${await freePort()}`,
    WEB_SECRET: secretOf('web')
  })
  writeFileSync(join(place.folder, 'billing-secret'), `${secretOf('billing')}\n`)
  const reconciled = (log: Record<string, unknown>[]) =>
    log.find(({ msg }) => msg === 'configured clients are in place')?.['reconciled']

  write(place, { clients: [web, billing], accounts: [ada], pkce: { exemptClient: 'demo-web' } })
  const first = await startMintmark(t, place)
  const ofPkce = first.log().filter(({ clientId }) => clientId === 'demo-web')
  t.match(ofPkce, [{ level: 'warn', msg: /is public and must use PKCE/ }], 'of the seeded client')
  t.match(reconciled(first.log()), { created: ['web', 'billing'] })
  t.equal(await machineAnswer(first.issuer), 200)
  const person = await signIn({
    issuer: first.issuer,
    clientId: 'web',
    clientSecret: secretOf('web'),
    redirectUri,
    scope: 'openid offline_access',
    extra: { prompt: 'consent' },
    ...ada
  })
  const token = person.tokens.refresh_token ?? ''
  t.ok(token)
  for (const secret of [secretOf('web'), secretOf('billing'), ada.password]) {
    t.notOk(first.out().includes(secret), 'no secret is printed')
  }
  const rotated = await mintmark(t, place, ['clients', 'rotate-secret', 'billing'])
  t.same([rotated.code, rotated.out], [1, ''])
  t.match(rotated.err, 'The secret of billing is declared in ')
  await first.stop()

  write(place, { clients: [billing] })
  const second = await startMintmark(t, place)
  t.match(reconciled(second.log()), { disabled: ['web'] })
  t.equal(await refusal(refreshTokenGrant(person.config, token)), 401)
  t.equal(await machineAnswer(second.issuer), 200)
  await second.stop()

  write(place, { clients: [web, billing] })
  const third = await startMintmark(t, place)
  t.match(reconciled(third.log()), { enabled: ['web'] })
  t.equal(await refusal(refreshTokenGrant(person.config, token)), 'invalid_grant')
  await third.stop()

  // clients of a variable are as new as the start; a start without any is no reason to disable them
  const variable = { MINTMARK_CONFIG: '', MINTMARK_CLIENTS: JSON.stringify([web]) }
  const fourth = await startMintmark(t, place, { env: variable })
  t.match(reconciled(fourth.log()), { disabled: ['billing'] })
  await fourth.stop()
  const fifth = await startMintmark(t, place, { env: { MINTMARK_CONFIG: '' } })
  t.match(
    fifth.log().find(({ msg }) => String(msg).startsWith('the clients of a newer configuration')),
    { level: 'warn', reconciled: { outcome: 'older' } }
  )
  await fifth.stop()

  await mintmark(t, place, ['clients', 'create', '--type=machine', '--id=ours'])
  write(place, { clients: [web, { ...billing, client_id: 'ours' }] })
  const refused = await mintmark(t, place, ['start'])
  t.equal(refused.code, 1)
  t.match(
    refused.err,
    /^mintmark cannot start: The configuration is refused:\n {2}ours: client_id .*\n$/
  )
})

t.test('a wrong configuration is refused as a whole, before anything is made', async t => {
  const place = makePlace(t, { MINTMARK_CONFIG: 'mintmark.json', MINTMARK_ISUER: 'http://x' })
  write(place, {
    colour: 'red',
    accessTokens: { lifetime: 'soon' },
    clients: [web, { ...billing, redirect_uris: ['javascript:alert(1)'] }]
  })
  const start = await mintmark(t, place, ['start'])
  t.same([start.code, start.out], [1, ''])
  t.match(start.err, /^mintmark: The configuration has \d problems \(/)
  for (const said of [
    'MINTMARK_ISSUER',
    'colour',
    'accessTokens.lifetime',
    'WEB_SECRET',
    'billing-secret'
  ]) {
    t.match(start.err, said)
  }
  t.notMatch(start.err, /^ +at /m, 'no stack')
  const check = await mintmark(t, place, ['config', 'check'])
  t.same([check.code, check.out], [1, ''])
  t.equal(`mintmark: ${check.err}`, start.err)
  t.same(readdirSync(place.folder), ['mintmark.json'])
})
