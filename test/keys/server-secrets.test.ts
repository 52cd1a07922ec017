// The server's symmetric secrets on a real PostgreSQL: made once, versioned, and bound to their rows.
// They refuse to load when swapped, cut or sealed for another purpose.

import { t as root, test } from 'tap'
import { createServerSecrets } from '../../src/keys/server-secrets.ts'
import { createSealer } from '../../src/lib/seal.ts'
import { createServerSecretRows } from '../../src/store/server-secrets.ts'
import { createTestDatabase } from '../support/postgres.ts'

const seal = createSealer({ masterKey: Buffer.alloc(32, 7) })

const { database } = await createTestDatabase(root)

/** The table is empty again for each test. */
async function setUp() {
  await database.run('test.empty', 'DELETE FROM server_secrets')
  const rows = createServerSecretRows({ sql: database })
  const add = (version: number, state: string, key: Buffer) =>
    database.run('test.add', 'INSERT INTO server_secrets VALUES ($1, $2, $3, $4)', [
      'cookie',
      version,
      state,
      seal.seal(key, { table: 'server_secrets', column: 'sealed', key: `cookie:${version}` })
    ])
  return { rows, add, secrets: () => createServerSecrets({ rows, seal }) }
}

test('ensure makes 256 random bits for each purpose, once', async t => {
  const { secrets, rows } = await setUp()
  const first = secrets()
  await first.ensure(['cookie', 'rotation', 'cookie'])
  t.equal(first.current('cookie').version, 1)
  t.equal(first.current('cookie').key.length, 32)
  t.notSame(first.current('cookie').key, first.current('rotation').key)

  const later = secrets()
  await later.ensure(['cookie', 'rotation'])
  t.same(later.current('cookie'), first.current('cookie'))
  t.equal((await rows.list()).length, 2)
})

test('two processes that ensure at once end with the same secret', async t => {
  const { rows } = await setUp()
  // both have seen an empty table before either of them inserts
  const both = Promise.withResolvers<void>()
  let makers = 0
  const together: typeof rows = {
    ...rows,
    async insertActive(secret) {
      if (++makers === 2) both.resolve()
      await both.promise
      return rows.insertActive(secret)
    }
  }
  const processes = [0, 1].map(() => createServerSecrets({ rows: together, seal }))
  await Promise.all(processes.map(one => one.ensure(['rotation'])))
  t.equal(makers, 2)
  t.equal((await rows.list()).length, 1)
  t.same(processes[0]?.current('rotation'), processes[1]?.current('rotation'))
})

test('the newest active version is current and first; the others still open', async t => {
  const { secrets, add } = await setUp()
  const [one, two, three] = [1, 2, 3].map(byte => Buffer.alloc(32, byte)) as [
    Buffer,
    Buffer,
    Buffer
  ]
  await add(1, 'retiring', one)
  await add(2, 'active', two)
  await add(3, 'pending', three)
  const held = secrets()
  await held.load()
  t.same(held.current('cookie'), { version: 2, key: two })
  t.same(
    held.all('cookie').map(({ version }) => version),
    [2, 3, 1]
  )
  t.same(held.byVersion('cookie', 1), one)
  t.same(held.byVersion('cookie', 3), three)
  t.equal(held.byVersion('cookie', 4), undefined)
})

test('ensure makes the next version where the others are not in use', async t => {
  const { secrets, add } = await setUp()
  await add(1, 'retiring', Buffer.alloc(32, 1))
  const held = secrets()
  await held.ensure(['cookie'])
  t.equal(held.current('cookie').version, 2)
  t.equal(held.all('cookie').length, 2)
})

test('an absent secret is a fault with its purpose', async t => {
  const { secrets } = await setUp()
  const held = secrets()
  t.throws(() => held.current('csrf'), { code: 'key_unavailable', message: /csrf/ })
  t.same(held.all('csrf'), [])
  t.equal(held.byVersion('csrf', 1), undefined)
})

test('secrets swapped between purposes or versions refuse to load', async t => {
  for (const [index, change] of [
    "purpose = 'rotation'",
    'version = 2',
    "sealed = '\\x00'"
  ].entries()) {
    const { secrets } = await setUp()
    const held = secrets()
    await held.ensure(['cookie'])
    const before = held.current('cookie')
    await database.run(`test.tamper.${index}`, `UPDATE server_secrets SET ${change}`)
    await t.rejects(held.load(), { code: 'seal_broken' }, change)
    t.same(held.current('cookie'), before, 'what was held stays')
    await t.rejects(secrets().ensure(['cookie']), { code: 'seal_broken' }, 'start refuses')
  }
})

test('a secret of another length refuses to load', async t => {
  const { secrets, add } = await setUp()
  await add(1, 'active', Buffer.alloc(16, 1))
  await t.rejects(secrets().load(), { code: 'seal_broken', message: /16 bytes and not 32/ })
})

test('the table holds no secret in the clear', async t => {
  const { secrets, rows } = await setUp()
  const held = secrets()
  await held.ensure(['cookie'])
  const [row] = await rows.list()
  t.equal(row?.sealed.includes(held.current('cookie').key), false)
})
