// Clients of the configuration file: declared there, owned there; which file wins; what ends when one leaves.
// On a real database, with two processes where two starts meet.

import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import type { ConfiguredClient, Revision } from '../../src/clients/reconcile.ts'
import type { ClientRegistry } from '../../src/clients/registry.ts'
import { matchClientSecret } from '../../src/clients/secrets.ts'
import type { ConfiguredClient as DeclaredClient } from '../../src/config/schema.ts'
import type { Queries } from '../../src/store/database.ts'
import { createProcesses, turnClock } from './processes.ts'

const build = await createProcesses(t)
const strong = () => randomBytes(32).toString('hex')
const redirect_uris = ['https://app.example.com/callback']
const web: ConfiguredClient = {
  client_id: 'web',
  type: 'web',
  redirect_uris,
  client_secret: strong()
}
const spa: ConfiguredClient = { client_id: 'spa', type: 'spa', redirect_uris }
const key = (value: number): Revision => ({ from: 'key', value })
const file = (value: number): Revision => ({ from: 'file', value })

async function ids(registry: ClientRegistry, state: 'enabled' | 'disabled' = 'enabled') {
  const all = await registry.list()
  return all
    .filter(client => (client.disabledAt === undefined) === (state === 'enabled'))
    .map(({ clientId }) => clientId)
}

async function holds(registry: ClientRegistry, clientId: string, secret: unknown) {
  const client = await registry.find(clientId)
  return client !== undefined && matchClientSecret(client, secret, Date.now()) !== undefined
}

const nothing = { created: [], updated: [], enabled: [], disabled: [], withoutSecret: [] }
const unchanged = { ok: true, outcome: 'written', ...nothing }

t.test(
  'what the file declares is what is registered, and saying it again writes nothing',
  async t => {
    const { first, second } = await build()
    t.strictSame(await first.registry.reconcile([web, spa], key(1)), {
      ...unchanged,
      created: ['web', 'spa']
    })
    t.match(await first.registry.find('web'), {
      owner: 'config',
      type: 'web',
      metadata: { redirect_uris }
    })
    t.ok(await holds(first.registry, 'web', web.client_secret))
    t.strictSame(await first.registry.reconcile([spa, web], key(1)), unchanged, 'in any order')
    t.strictSame(await second.registry.reconcile([web, spa], key(2)), unchanged)
    t.equal((await first.registry.findStored('web'))?.revision, 1)
    t.strictSame(first.ended, [])
  }
)

t.test('a change in the file changes the client, and nothing that it was granted', async t => {
  const { first } = await build()
  await first.registry.reconcile([web, spa], key(1))
  await first.registry.find('web')
  const changed = {
    ...web,
    client_name: 'New',
    redirect_uris: ['https://new.example.com/callback']
  }
  t.strictSame(await first.registry.reconcile([changed, spa], key(2)), {
    ...unchanged,
    updated: ['web']
  })
  t.match(await first.registry.find('web'), {
    revision: 2,
    metadata: { client_name: 'New', redirect_uris: ['https://new.example.com/callback'] }
  })
  t.strictSame(first.ended, [])
  await first.registry.reconcile([{ ...spa, client_id: 'web' }, spa], key(3))
  t.match(await first.registry.find('web'), { type: 'spa', secrets: [] })
  t.strictSame(first.ended, ['web'], 'another type of client is another client')
})

t.test(
  'a client that left the file is disabled, not deleted, and comes back without what it held',
  async t => {
    const { first } = await build()
    await first.registry.reconcile([web, spa], key(1))
    t.strictSame(await first.registry.reconcile([spa], key(2)), { ...unchanged, disabled: ['web'] })
    t.equal(await first.registry.find('web'), undefined)
    t.strictSame(await ids(first.registry, 'disabled'), ['web'])
    t.strictSame(first.ended, ['web'])
    const gone = (await first.registry.findStored('web'))?.tokensNotBefore
    t.strictSame(await first.registry.reconcile([spa], key(3)), unchanged, 'it is disabled once')
    t.strictSame(await first.registry.reconcile([web, spa], key(4)), {
      ...unchanged,
      enabled: ['web']
    })
    const back = await first.registry.find('web')
    t.ok(back?.tokensNotBefore && gone && back.tokensNotBefore > gone)
    t.strictSame(first.ended, ['web', 'web'])
  }
)

t.test('a client that comes back is known by the secret of the file only', async t => {
  const { first } = await build()
  await first.registry.reconcile([web], key(1))
  await first.registry.reconcile([], key(2))
  const next = strong()
  await first.registry.reconcile([{ ...web, client_secret: next }], key(3))
  t.ok(await holds(first.registry, 'web', next))
  t.notOk(await holds(first.registry, 'web', web.client_secret), 'the leaked one')
})

t.test(
  'an older file writes nothing: two processes with different files do not go to and fro',
  async t => {
    const { first, second } = await build()
    for (const [older, newer] of [
      [key(1), key(2)],
      [file(1_000), file(2_000)],
      [file(9_000), key(1)]
    ] as const) {
      await first.database.run('test.empty.clients', 'TRUNCATE clients CASCADE')
      await first.database.run('test.empty.settings', 'TRUNCATE settings')
      await first.registry.reconcile([spa], older)
      await second.registry.reconcile([web], newer)
      for (const { registry } of [first, second, first]) {
        const outcome = await registry.reconcile([spa], older)
        t.match(outcome, { ok: true, outcome: 'older', written: { ...newer } })
        t.strictSame(await ids(registry), ['web'])
      }
      t.strictSame(await second.registry.reconcile([web], newer), unchanged)
    }
  }
)

t.test('a later file wins, be it what was there before', async t => {
  const { first } = await build()
  await first.registry.reconcile([spa], file(1_000))
  await first.registry.reconcile([spa, web], file(2_000))
  t.match(await first.registry.reconcile([spa], file(3_000)), { disabled: ['web'] })
})

t.test('equal revisions with different clients refuse to start, and write nothing', async t => {
  const { first } = await build()
  for (const revision of [file(1_000), key(7)]) {
    await first.registry.reconcile([spa], revision)
    const outcome = await first.registry.reconcile([web], revision)
    t.match(outcome, { ok: false, problems: [{ member: 'clientsRevision' }] })
    t.strictSame(await ids(first.registry), ['spa'])
    const renamed = await first.registry.reconcile([{ ...spa, client_name: 'New' }], revision)
    t.match(renamed, { ok: false }, 'the same ids, other members')
  }
})

t.test('a default that another version adds does not look like another file', async t => {
  const { first } = await build()
  await first.registry.reconcile([spa], key(1))
  await first.database.run(
    'test.other.version',
    `UPDATE clients SET metadata = metadata - 'post_logout_redirect_uris'`
  )
  t.match(await first.registry.reconcile([spa], key(1)), { ok: true, updated: ['spa'] })
  t.match(await first.registry.find('spa'), { metadata: { post_logout_redirect_uris: [] } })
})

t.test('an id that is owned otherwise refuses the start, and says how it came to be', async t => {
  const { first } = await build()
  const metadata = { redirect_uris }
  await first.registry.create({ clientId: 'web', type: 'web', owner: 'cli', metadata })
  await first.registry.create({ clientId: 'spa', type: 'spa', owner: 'registration', metadata })
  const outcome = await first.registry.reconcile([web, spa, { ...spa, client_id: 'third' }], key(1))
  t.match(outcome, {
    ok: false,
    problems: [
      { clientId: 'spa', member: 'client_id', problem: /registered dynamically/ },
      {
        clientId: 'web',
        member: 'client_id',
        problem: /command line.*mintmark clients delete web --yes/
      }
    ]
  })
  t.strictSame(await ids(first.registry), ['spa', 'web'])
  t.match(await first.registry.findStored('web'), { owner: 'cli' })
})

t.test('what others own is not touched when the file does not name it', async t => {
  const { first } = await build()
  await first.registry.create({ clientId: 'mine', type: 'machine', owner: 'cli', metadata: {} })
  await first.registry.reconcile([spa], key(1))
  t.strictSame(await ids(first.registry), ['mine', 'spa'])
})

t.test(
  'what the file owns is changed in the file only, and deleted only once it has left it',
  async t => {
    const { first } = await build()
    await first.registry.reconcile([web], key(1))
    const refused = { ok: false, reason: 'owned_by_config' }
    t.strictSame(await first.registry.update('web', { client_name: 'x' }, 'cli'), refused)
    t.strictSame(await first.registry.disable('web'), refused)
    t.strictSame(await first.registry.delete('web'), refused)
    await first.registry.reconcile([], key(2))
    t.strictSame(await first.registry.enable('web'), refused)
    t.strictSame(await first.registry.delete('web'), { ok: true, changed: true })
  }
)

t.test('all problems of all clients are reported at once, and nothing is written', async t => {
  const { first } = await build()
  const outcome = await first.registry.reconcile(
    [
      spa,
      spa,
      { client_id: 'https://api.example.com', type: 'machine' },
      { client_id: 'short', type: 'machine', client_secret: 'secret' },
      { client_id: 'public', type: 'spa', redirect_uris, client_secret: strong() },
      {
        client_id: 'wrong',
        type: 'web',
        redirect_uris: ['javascript:x', 'http://x/'],
        colour: 'red'
      }
    ],
    key(1)
  )
  t.notOk(outcome.ok)
  if (outcome.ok) return
  t.strictSame(
    outcome.problems.map(({ clientId, member }) => `${clientId} ${member}`),
    [
      'spa client_id',
      'https://api.example.com client_id',
      'short client_secret',
      'public client_secret',
      'wrong redirect_uris[0]',
      'wrong redirect_uris[1]',
      'wrong colour'
    ]
  )
  t.notMatch(JSON.stringify(outcome), /"secret"/, 'a secret is not repeated')
  t.strictSame(await ids(first.registry), [])
})

t.test(
  'between a variable and a file the later start wins; a file without clients says nothing',
  async t => {
    const variable = (value: number): Revision => ({ from: 'variable', value })
    const now = 1_800_000_000_000
    const { first, second } = await build()
    await first.registry.reconcile([web], variable(now))
    t.match(await second.registry.reconcile([spa], file(1000)), {
      created: ['spa'],
      disabled: ['web']
    })
    t.match(
      await first.registry.reconcile([], variable(now + 1)),
      { disabled: ['spa'] },
      'says none'
    )
    t.match(await first.registry.reconcile([web], variable(now + 2)), { enabled: ['web'] })
    t.match(
      await second.registry.reconcile([], { from: 'nothing', value: 0 }),
      { outcome: 'older' },
      'what is missing may have been forgotten'
    )
    t.match(await second.registry.reconcile([spa], key(1)), { created: [], enabled: ['spa'] })
    t.match(await first.registry.reconcile([web], variable(now + 3)), { outcome: 'older' })
  }
)

t.test(
  'a secret that changes without the file: both are valid for a day, and older starts do not undo it',
  async t => {
    const { first, second } = await build()
    const next = { ...web, client_secret: strong() }
    await first.registry.reconcile([web], key(1))
    t.strictSame(await first.registry.reconcile([next], key(1)), unchanged)
    for (const secret of [web.client_secret, next.client_secret]) {
      t.ok(await holds(first.registry, 'web', secret))
    }
    const ends = async () => {
      const secrets = await first.registry.listSecrets('web')
      return secrets.map(({ expiresAt }) => expiresAt?.getTime())
    }
    const before = await ends()
    t.equal(before.filter(end => end === undefined).length, 1)
    await second.registry.reconcile([web], key(1))
    t.strictSame(await ends(), before, 'a process that still has the old one changes nothing')

    await first.registry.reconcile([{ ...web, client_secret: strong() }], key(1))
    t.equal((await ends()).length, 2, 'never three')
    t.notOk(await holds(first.registry, 'web', web.client_secret))
    t.ok(await holds(first.registry, 'web', next.client_secret))
    await turnClock(first.database, '25 hours')
    t.equal((await ends()).length, 1)
  }
)

t.test(
  'a client without a secret in the file keeps what rotation made, and is named while it has none',
  async t => {
    const { first } = await build()
    const bare: ConfiguredClient = { client_id: 'bare', type: 'machine' }
    t.match(await first.registry.reconcile([bare], key(1)), { withoutSecret: ['bare'] })
    const rotated = await first.registry.rotateSecret('bare')
    if (!rotated.ok) throw new Error(rotated.reason)
    t.match(await first.registry.reconcile([bare], key(2)), { withoutSecret: [] })
    t.ok(await holds(first.registry, 'bare', rotated.secret))
  }
)

t.test(
  'a start waits for another one that is under way, so the newer file is the last word',
  async t => {
    const { first, second } = await build()
    await first.registry.reconcile([web], key(1))
    let release = () => {}
    const released = new Promise<void>(resolve => {
      release = resolve
    })
    const reached = new Promise<void>(resolve => {
      first.hooks.ending = () => {
        resolve()
        return released
      }
    })
    const older = first.registry.reconcile([spa], key(2))
    await reached
    let settled = false
    const newer = second.registry.reconcile([web, spa], key(3)).finally(() => {
      settled = true
    })
    while (!settled && !(await someoneWaits(first.database))) await setTimeout(10)
    t.notOk(settled)
    release()
    t.match(await older, { created: ['spa'], disabled: ['web'] })
    t.match(await newer, { created: [], enabled: ['web'] })
    t.strictSame(await ids(first.registry), ['spa', 'web'])
    t.match(await first.registry.reconcile([spa], key(2)), { outcome: 'older', written: key(3) })
  }
)

/** Somebody waits for a lock, in this database. */
async function someoneWaits(sql: Queries): Promise<boolean> {
  const { rowCount } = await sql.run(
    'test.waiting',
    `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
  )
  return rowCount > 0
}

t.test('what the configuration has read can be handed over as it is', async t => {
  const { first } = await build()
  const declared: DeclaredClient = {
    client_id: 'web',
    type: 'web',
    redirect_uris: [...redirect_uris],
    client_secret: strong(),
    first_party: false,
    require_second_factor: false,
    dpop_nonce: 'optional',
    refresh_tokens: 'offline_access'
  }
  t.match(await first.registry.reconcile([declared], file(1)), { ok: true, created: ['web'] })
})
