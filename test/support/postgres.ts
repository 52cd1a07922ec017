// A migrated database for a test file, in the one PostgreSQL of the run (test-cluster.ts). It is copied from a template, which is
// migrated once, and again whenever a migration changes.

import { createHash, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import pg from 'pg'
import { loadConfig } from '../../src/config/load.ts'
import { planPartitions } from '../../src/ops/parts.ts'
import { createDatabase, type Database } from '../../src/store/database.ts'
import { migrate } from '../../src/store/migrate.ts'
import { makingPartitions } from '../../src/store/missing-partitions.ts'
import { createPartitions, type Partitions } from '../../src/store/partitions.ts'
import type { Lifetime } from './lifetime.ts'
import { closeTestCluster, openTestCluster } from './test-cluster.ts'

const migrations = new URL('../../migrations/', import.meta.url)
const templateLock = 1

export interface TestDatabase {
  /** as role `mintmark`, which owns it and is no superuser */
  url: string
  database: Database
}

/** Makes a database of its own for `t`, gone with it. End in a teardown of yours what you connect to it. */
export async function createTestDatabase(t: Lifetime): Promise<TestDatabase> {
  const cluster = await openTestCluster()
  t.teardown(() => closeTestCluster(cluster))

  const name = `test_${randomUUID().replaceAll('-', '_')}`
  await asSuperuser(cluster.url, async superuser => {
    const template = await prepareTemplate(superuser, cluster.url)
    await superuser.query(`CREATE DATABASE ${name} TEMPLATE ${template} OWNER mintmark`)
  })
  t.teardown(() =>
    asSuperuser(cluster.url, superuser => superuser.query(`DROP DATABASE ${name} WITH (FORCE)`))
  )

  const url = urlOf(cluster.url, 'mintmark', name)
  // a connection that a test's own teardown left open is closed by FORCE; that is no failure
  const plain = createDatabase({ url, onError: () => {} })
  t.teardown(() => plain.end())
  const partitions = testPartitions(plain)
  return { url, database: makingPartitions(plain, () => partitions.ensure()) }
}

function urlOf(url: string, role: string, database: string): string {
  return url.replace('postgres://mintmark@/mintmark?', `postgres://${role}@/${database}?`)
}

async function asSuperuser<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: urlOf(url, 'postgres', 'postgres') })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

function migrationsDigest(): string {
  const hash = createHash('sha256')
  for (const file of readdirSync(migrations).sort()) {
    hash.update(`${file}\0`).update(readFileSync(new URL(file, migrations)))
  }
  return hash.digest('hex').slice(0, 16)
}

/** With the partitions of an installation that has been started, which takes a while to make. */
async function cutTables(url: string): Promise<void> {
  const database = createDatabase({ url })
  await testPartitions(database).ensure()
  await database.end()
}

/** As `openStore` cuts them, for the lifetimes of a configuration that says nothing. */
export function testPartitions(database: Database): Partitions {
  const config = loadConfig({ env: {}, cwd: '/' })
  return createPartitions({ database, plans: planPartitions(config), now: () => new Date() })
}

/** The template of these migrations. It gets its name only when it is whole; those of other migrations are dropped. */
async function prepareTemplate(superuser: pg.Client, url: string): Promise<string> {
  const template = `template_${migrationsDigest()}`
  await superuser.query('SELECT pg_advisory_lock($1)', [templateLock])
  try {
    const { rows } = await superuser.query<{ datname: string }>(
      "SELECT datname FROM pg_database WHERE datname LIKE 'template\\__%' AND NOT datistemplate"
    )
    if (rows.some(({ datname }) => datname === template)) return template
    for (const { datname } of rows) {
      await superuser.query(`DROP DATABASE IF EXISTS ${datname} WITH (FORCE)`)
    }
    const half = 'template_half'
    await superuser.query(`CREATE DATABASE ${half} OWNER mintmark`)
    await migrate(urlOf(url, 'mintmark', half))
    await cutTables(urlOf(url, 'mintmark', half))
    await superuser.query(`ALTER DATABASE ${half} RENAME TO ${template}`)
    return template
  } finally {
    await superuser.query('SELECT pg_advisory_unlock($1)', [templateLock])
  }
}
