// The registry on a real database: what requests find, what changes do, and what another process hears of it.
// Statements are counted, because a client in memory must cost none.

import t from 'tap'
import {
  type ClientRegistry,
  createClientRegistry,
  type NewClient
} from '../../src/clients/registry.ts'
import { matchClientSecret } from '../../src/clients/secrets.ts'
import { createDatabase } from '../../src/store/database.ts'
import { api, createFeed, createProcesses, turnClock as turn } from './processes.ts'

const web: NewClient = {
  clientId: 'web',
  type: 'web',
  owner: 'cli',
  metadata: { redirect_uris: ['https://app.example.com/callback'], client_name: 'Web' }
}
const machine: NewClient = { clientId: 'billing', type: 'machine', owner: 'cli', metadata: {} }

const build = await createProcesses(t)

async function made(registry: ClientRegistry, client: NewClient) {
  const created = await registry.create(client)
  if (!created.ok) throw new Error(JSON.stringify(created))
  return created
}

t.test('a client is found with its secret, which is stored as its digest only', async t => {
  const { first } = await build()
  const { client, secret } = await made(first.registry, web)
  t.match(secret, /^[A-Za-z0-9_-]{43}$/)
  const found = await first.registry.find('web')
  t.strictSame(found, client)
  t.match(found, { clientId: 'web', type: 'web', owner: 'cli', seeded: false, revision: 1 })
  t.ok(found && matchClientSecret(found, secret, Date.now()))
  const { rows } = await first.database.run<{ row: string }>(
    'test.dump',
    `SELECT to_jsonb(c)::text || coalesce(to_jsonb(s)::text, '') AS row FROM clients c LEFT JOIN client_secrets s USING (client_id)`
  )
  t.equal(rows.length, 1)
  t.notMatch(rows[0]?.row, new RegExp(String(secret)))
})

t.test(
  'an id is made where none is given, and never one that looks like something else',
  async t => {
    const { first } = await build()
    const { clientId: _, ...anonymous } = web
    t.match((await made(first.registry, anonymous)).client.clientId, /^c_[a-z2-7]{16}$/)
    for (const clientId of [
      '0b8f2c1e-6f0a-4d3e-9a77-2d1c5b3e4f60',
      '0B8F2C1E6F0A4D3E9A772D1C5B3E4F60',
      '{0b8f2c1e-6f0a-4d3e-9a77-2d1c5b3e4f60}',
      api,
      'https://other.example.com',
      'urn:example:x',
      'two words',
      'a/b',
      'a%20b',
      '',
      '_x',
      'x'.repeat(129),
      'ключ'
    ]) {
      const refused = await first.registry.create({ ...web, clientId })
      t.match(
        refused,
        { ok: false, reason: 'invalid', problems: [{ member: 'client_id' }] },
        clientId.slice(0, 40).replace('ключ', 'cyrillic')
      )
    }
    await made(first.registry, web)
    t.strictSame(await first.registry.create(web), { ok: false, reason: 'taken' })
  }
)

t.test(
  'a found client costs no statement while the feed is confirmed, and one when it is not',
  async t => {
    const { first } = await build()
    await made(first.registry, web)
    first.statements.length = 0
    await Promise.all(Array.from({ length: 8 }, () => first.registry.find('web')))
    t.strictSame(first.statements, ['clients.find'], 'eight at once ask once')
    await first.registry.find('web')
    t.equal(first.statements.length, 1)
    first.feed.confirmed = false
    await first.registry.find('web')
    await first.registry.find('web')
    t.equal(first.statements.length, 3)
    await Promise.all(Array.from({ length: 8 }, () => first.registry.find('web')))
    t.equal(first.statements.length, 4, 'eight at once ask once, without a feed, too')
    first.feed.confirmed = true
    await first.registry.find('web')
    t.equal(first.statements.length, 4)
    first.feed.gap()
    await first.registry.find('web')
    t.equal(first.statements.length, 5, 'after a gap nothing is believed')
  }
)

t.test('an unknown id is asked for each time, and pushes nothing out', async t => {
  const { first } = await build()
  await made(first.registry, web)
  await first.registry.find('web')
  first.statements.length = 0
  t.equal(await first.registry.find('nobody'), undefined)
  t.equal(await first.registry.find('nobody'), undefined)
  t.equal(first.statements.length, 2)
  await first.registry.find('web')
  t.equal(first.statements.length, 2)
})

t.test(
  'what one process disables, the other refuses once it hears of it, or when the feed is lost',
  async t => {
    const { first, second } = await build()
    await made(first.registry, web)
    await first.registry.find('web')
    await second.registry.find('web')
    await first.registry.disable('web')
    t.equal(await first.registry.find('web'), undefined, 'the process that did it knows')
    t.ok(await second.registry.find('web'), 'the other has not heard yet')
    second.feed.confirmed = false
    t.equal(await second.registry.find('web'), undefined)
    second.feed.confirmed = true
    second.feed.tell('web')
    t.equal(await second.registry.find('web'), undefined)
    t.match(await second.registry.findStored('web'), { disabledAt: Date, tokensNotBefore: Date })
  }
)

t.test(
  'a change that is heard of while a client is read is not covered by what was read',
  async t => {
    const { first, second } = await build()
    await made(first.registry, web)
    const reading = second.registry.find('web')
    second.feed.tell('web')
    await first.registry.disable('web')
    await reading
    t.equal(await second.registry.find('web'), undefined)
  }
)

t.test(
  'disabling ends what the client was granted, once, and enabling does not bring it back',
  async t => {
    const { first } = await build()
    const { client } = await made(first.registry, machine)
    t.equal(client.tokensNotBefore, undefined)
    t.strictSame(await first.registry.disable('billing'), { ok: true, changed: true })
    t.strictSame(await first.registry.disable('billing'), { ok: true, changed: false })
    t.strictSame(first.ended, ['billing'])
    const disabled = await first.registry.findStored('billing')
    t.strictSame(disabled?.tokensNotBefore, disabled?.disabledAt)
    t.strictSame(await first.registry.enable('billing'), { ok: true, changed: true })
    t.strictSame(await first.registry.enable('billing'), { ok: true, changed: false })
    const enabled = await first.registry.find('billing')
    t.ok(
      enabled?.tokensNotBefore &&
        disabled?.tokensNotBefore &&
        enabled.tokensNotBefore > disabled.tokensNotBefore
    )
    t.equal(
      first.ended.length,
      2,
      'what was granted in the meantime by a process that had not heard ends, too'
    )
  }
)

t.test('when ending what was granted fails, the client is not disabled', async t => {
  const { first, url } = await build()
  await made(first.registry, web)
  const database = createDatabase({ url, onError: () => {} })
  t.teardown(() => database.end())
  const broken = createClientRegistry({
    database,
    feed: createFeed().feed,
    now: Date.now,
    development: false,
    resources: [],
    onDisabled: () => Promise.reject(new Error('no'))
  })
  await t.rejects(broken.disable('web'), { message: 'no' })
  t.ok(await broken.find('web'))
})

t.test(
  'deleting is explicit, ends what was granted and leaves no secret (RFC 7592 §2.3)',
  async t => {
    const { first } = await build()
    await made(first.registry, web)
    t.strictSame(await first.registry.delete('web'), { ok: true, changed: true })
    t.strictSame(first.ended, ['web'])
    t.equal(await first.registry.findStored('web'), undefined)
    const { rowCount } = await first.database.run('test.secrets', 'SELECT 1 FROM client_secrets')
    t.equal(rowCount, 0)
    for (const outcome of [
      await first.registry.delete('web'),
      await first.registry.disable('web'),
      await first.registry.enable('web'),
      await first.registry.update('web', {}, 'cli'),
      await first.registry.rotateSecret('web')
    ]) {
      t.strictSame(outcome, { ok: false, reason: 'not_found' })
    }
  }
)

t.test('an update is judged by the object that results (RFC 7592 §2.2, security 197)', async t => {
  const { first } = await build()
  const { client } = await made(first.registry, web)
  const bad: [object, RegExp][] = [
    [{ redirect_uris: null }, /redirect_uris/],
    [{ redirect_uris: [] }, /redirect_uris/],
    [{ token_endpoint_auth_method: 'none' }, /token_endpoint_auth_method/],
    [{ token_endpoint_auth_method: 'private_key_jwt' }, /jwks_uri/],
    [{ grant_types: null, response_types: [] }, /response_types/],
    [{ grant_types: ['authorization_code'], refresh_tokens: 'always' }, /refresh_tokens/],
    [{ owner: 'config' }, /owner/],
    [{ type: 'machine' }, /type/]
  ]
  for (const [changes, member] of bad) {
    const outcome = await first.registry.update('web', changes, 'cli')
    t.match(
      outcome,
      { ok: false, reason: 'invalid', problems: [{ member }] },
      JSON.stringify(changes)
    )
  }
  t.strictSame(await first.registry.findStored('web'), client, 'nothing was written')
  const updated = await first.registry.update('web', { client_name: null, scope: 'openid' }, 'cli')
  t.match(updated, { ok: true, secret: undefined, client: { revision: 2 } })
  const found = await first.registry.find('web')
  t.equal(found?.metadata.client_name, undefined)
  t.equal(found?.metadata.scope, 'openid')
  t.strictSame(found?.metadata.redirect_uris, client.metadata.redirect_uris)
  t.equal(found?.secrets.length, 1)
})

t.test('secrets follow the way a client authenticates', async t => {
  const { first } = await build()
  await made(first.registry, web)
  const jwks_uri = 'https://app.example.com/jwks.json'
  const keys = { token_endpoint_auth_method: 'private_key_jwt', jwks_uri }
  t.match(await first.registry.update('web', keys, 'cli'), {
    client: { secrets: [] },
    secret: undefined
  })
  t.match(await first.registry.rotateSecret('web'), { ok: false, reason: 'no_secret_needed' })
  const back = await first.registry.update(
    'web',
    { token_endpoint_auth_method: null, jwks_uri: null },
    'cli'
  )
  t.match(back, { ok: true, secret: /^[A-Za-z0-9_-]{43}$/, client: { secrets: { length: 1 } } })
  const spa = await made(first.registry, { ...web, clientId: 'spa', type: 'spa' })
  t.equal(spa.secret, undefined)
  t.strictSame(spa.client.secrets, [])
})

t.test('two secrets are valid at a time; a third waits until one has expired', async t => {
  const { first } = await build()
  const { secret: one } = await made(first.registry, web)
  const rotated = await first.registry.rotateSecret('web')
  if (!rotated.ok) throw new Error(rotated.reason)
  const found = await first.registry.find('web')
  if (found === undefined) throw new Error('not found')
  t.ok(matchClientSecret(found, one, Date.now()))
  t.ok(matchClientSecret(found, rotated.secret, Date.now()))
  t.notOk(matchClientSecret(found, one, Date.now() + 86_401_000), 'the older ends in a day')
  t.ok(matchClientSecret(found, one, Date.now() + 86_000_000))
  t.ok(matchClientSecret(found, rotated.secret, Date.now() + 400 * 86_400_000))
  t.strictSame(await first.registry.rotateSecret('web'), {
    ok: false,
    reason: 'two_live_secrets'
  })

  await turn(first.database, '25 hours')
  const third = await first.registry.rotateSecret('web', { keepSeconds: 0 })
  if (!third.ok) throw new Error(third.reason)
  t.equal(third.secrets.length, 1, 'kept for no time is ended now')
  const { rowCount } = await first.database.run('test.all', 'SELECT 1 FROM client_secrets')
  t.equal(rowCount, 2, 'the one that had expired is gone')
})

t.test(
  'all older secrets can be ended at once, and none outlives a week beside its successor',
  async t => {
    const { first } = await build()
    await made(first.registry, web)
    const year = await first.registry.rotateSecret('web', { keepSeconds: 365 * 86_400 })
    if (!year.ok) throw new Error(year.reason)
    const older = year.secrets.find(({ expiresAt }) => expiresAt !== undefined)
    const days = (Number(older?.expiresAt) - Date.now()) / 86_400_000
    t.ok(days > 6.9 && days <= 7.01)
    const last = await first.registry.rotateSecret('web', 'revoke')
    if (!last.ok) throw new Error(last.reason)
    t.equal(last.secrets.length, 1)
    const found = await first.registry.find('web')
    t.ok(found && matchClientSecret(found, last.secret, Date.now()))
    t.notOk(found && matchClientSecret(found, year.secret, Date.now()))
  }
)

t.test('parallel rotations over two processes leave two live secrets, never three', async t => {
  const { first, second } = await build()
  await made(first.registry, web)
  const outcomes = await Promise.all(
    [first, second, first, second].map(({ registry }) => registry.rotateSecret('web'))
  )
  t.equal(outcomes.filter(({ ok }) => ok).length, 1)
  t.equal((await first.registry.listSecrets('web')).length, 2)
})

t.test('the use of a secret is noted at most once an hour, over all processes', async t => {
  const { first, second } = await build()
  const { client } = await made(first.registry, web)
  const [used] = client.secrets
  if (used === undefined) throw new Error('no secret')
  const noted = async () => (await first.registry.listSecrets('web'))[0]?.lastUsedAt
  t.equal(await noted(), undefined)
  first.statements.length = 0
  for (let count = 0; count < 5; count++) await first.registry.noteSecretUse('web', used.digest)
  t.equal(first.statements.length, 1)
  const when = await noted()
  t.ok(when)
  await second.registry.noteSecretUse('web', used.digest)
  t.strictSame(await noted(), when, 'the other process asked, and nothing was written')
  await turn(first.database, '61 minutes')
  first.pass(61 * 60_000)
  await first.registry.noteSecretUse('web', used.digest)
  t.ok(Number(await noted()) > Number(when))
})

t.test('a given secret must be as random as ours', async t => {
  const { first } = await build()
  t.match(await first.registry.create({ ...web, secret: 'secret' }), {
    ok: false,
    problems: [{ member: 'client_secret', problem: /256 bits/ }]
  })
  const given = 'f3'.repeat(3) + '0123456789abcdef'.repeat(4).slice(0, 58)
  t.equal((await made(first.registry, { ...web, secret: `${given}` })).secret, given)
})

t.test(
  'a production start disables what a development start has seeded, and nothing else',
  async t => {
    const { first } = await build()
    await made(first.registry, { ...web, seeded: true })
    await made(first.registry, machine)
    t.strictSame(await first.registry.disableSeeded(), ['web'])
    t.strictSame(await first.registry.disableSeeded(), [])
    t.strictSame(first.ended, ['web'])
    t.equal(await first.registry.find('web'), undefined)
    t.ok(await first.registry.find('billing'))
  }
)

t.test('clients are listed page by page, with their live secrets', async t => {
  const { first } = await build()
  for (const clientId of ['c', 'a', 'b']) await made(first.registry, { ...web, clientId })
  await first.registry.rotateSecret('b')
  const ids = async (page?: { after?: string; limit?: number }) =>
    (await first.registry.list(page)).map(({ clientId, secrets }) => `${clientId}${secrets.length}`)
  t.strictSame(await ids(), ['a1', 'b2', 'c1'])
  t.strictSame(await ids({ limit: 2 }), ['a1', 'b2'])
  t.strictSame(await ids({ after: 'b', limit: 2 }), ['c1'])
})

t.test(
  'a database that does not answer is a fault, and is not remembered as an unknown client',
  async t => {
    const database = createDatabase({
      url: 'postgres://nobody@127.0.0.1:1/none',
      onError: () => {}
    })
    t.teardown(() => database.end())
    const registry = createClientRegistry({
      database,
      feed: createFeed().feed,
      now: Date.now,
      development: false,
      resources: [],
      onDisabled: async () => {}
    })
    await t.rejects(registry.find('web'), { code: 'store_unavailable' })
    await t.rejects(registry.find('web'), { code: 'store_unavailable' })
  }
)
