// MINTMARK_WORKERS: one command, several processes on one port. Who dies is followed by another one; who cannot start ends the start with
// its own sentence; a stop, an end of the primary, and an outage of PostgreSQL leave nothing behind.

import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { pauseMillis } from '../../src/ops/cluster.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { makePlace, mintmark, type Running, startMintmark } from '../support/process.ts'
import { fetchFrom } from '../support/processes.ts'
import { freePort } from '../support/server.ts'

const issuer = 'https://id.example.com'

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await what())) await sleep(20)
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const answering = (server: Running) => server.log().filter(({ msg }) => msg === 'a worker answers')
const workersOf = (server: Running) =>
  answering(server)
    .map(({ workerPid }) => Number(workerPid))
    .filter(isAlive)

function productionEnv(url: string, port: number): Record<string, string> {
  return {
    DATABASE_URL: url,
    MINTMARK_MODE: 'production',
    MINTMARK_ISSUER: issuer,
    MINTMARK_PORT: String(port),
    MINTMARK_WORKERS: '3',
    MINTMARK_SHUTDOWN__DELAY: '0s',
    MINTMARK_MASTER_KEY: randomBytes(32).toString('hex')
  }
}

t.test('three workers, and one of them is killed', async t => {
  const { url, database } = await createTestDatabase(t)
  const port = await freePort()
  const server = await startMintmark(t, makePlace(t, productionEnv(url, port)))
  const ready = async () => (await fetchFrom(port, issuer, '/readyz')).status
  t.equal(workersOf(server).length, 3)
  t.equal(await ready(), 200)
  t.equal(
    server.log().filter(({ msg }) => msg === 'configured clients are in place').length,
    1,
    'what is done once is done once'
  )

  const [victim = 0, ...others] = workersOf(server)
  process.kill(victim, 'SIGKILL')
  await until(() => answering(server).length === 4)
  t.equal(workersOf(server).length, 3)
  t.ok(others.every(isAlive), 'the others stayed')
  t.match(
    server.log().find(({ msg }) => msg === 'a worker died; another one takes its place'),
    { level: 'error', how: 'signal SIGKILL' }
  )
  const statuses = await Promise.all(Array.from({ length: 12 }, ready))
  t.same([...new Set(statuses)], [200])

  await t.test('PostgreSQL hangs up on all of them, and all of them stay', async t => {
    const before = workersOf(server)
    await database.run(
      'test.hang_up',
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid()`
    )
    await until(async () => {
      const again = await Promise.all(Array.from({ length: 12 }, ready))
      return again.every(status => status === 200)
    })
    t.same(workersOf(server), before)
  })

  const pids = workersOf(server)
  const ended = await server.stop()
  t.same([ended.code, ended.signal, ended.err], [0, null, ''])
  t.notOk(pids.some(isAlive), 'a stop ends the workers')
})

t.test('a primary that is killed takes its workers along', async t => {
  const { url } = await createTestDatabase(t)
  const server = await startMintmark(t, makePlace(t, productionEnv(url, await freePort())))
  const pids = workersOf(server)
  t.equal(pids.length, 3)
  await server.stop('SIGKILL')
  await until(() => !pids.some(isAlive))
  t.pass('none is left')
})

t.test('workers that cannot start end the start, with their own sentence', async t => {
  const { url } = await createTestDatabase(t)
  const env = productionEnv(url, await freePort())
  const first = await startMintmark(t, makePlace(t, { ...env, MINTMARK_WORKERS: '1' }))
  await first.stop()
  // the keys in the database were sealed with another one, which only the workers find out
  Object.assign(env, {
    MINTMARK_WORKERS: '2',
    MINTMARK_MASTER_KEY: randomBytes(32).toString('hex')
  })
  const { code, err, out } = await mintmark(t, makePlace(t, env), ['start'])
  t.equal(code, 1)
  t.match(err, /^mintmark cannot start: .*master key.*\n$/i, 'once')
  t.match(out, 'a worker could not start; it is tried again')
})

t.test('development with workers: one banner, and everything in it works', async t => {
  const { url } = await createTestDatabase(t)
  const port = await freePort()
  const env = { DATABASE_URL: url, MINTMARK_WORKERS: '2', MINTMARK_PORT: String(port) }
  const server = await startMintmark(t, makePlace(t, env))
  t.equal(server.out().split('WARNING development mode').length, 2)
  t.notMatch(server.banner(), '✗')
  t.equal(workersOf(server).length, 2)
  t.equal((await fetch(`${server.issuer}/demo`)).status, 200)
  t.equal((await server.stop('SIGINT')).code, 0)
})

t.test('the pause before the next try doubles up to a bound', t => {
  const backoff = { firstMillis: 250, mostMillis: 30_000, soundAfterMillis: 60_000 }
  const pauses = [1, 2, 3, 4, 8, 100].map(failures => pauseMillis(failures, backoff))
  t.same(pauses, [250, 500, 1_000, 2_000, 30_000, 30_000])
  t.end()
})
