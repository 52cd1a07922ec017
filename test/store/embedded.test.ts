// The embedded PostgreSQL with real processes and real kills. What a test starts is found again by its folder, and counted.

import { spawn, spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { tryLock } from '../../src/store/data-folder-lock.ts'
import {
  type EmbeddedOptions,
  type EmbeddedPostgres,
  openEmbedded,
  startEmbedded
} from '../../src/store/embedded.ts'
import {
  clusterOf,
  daemon,
  dataFolderIn,
  isRoot,
  keepRow,
  kept,
  makeFolder,
  nobody,
  postmastersIn,
  readKept,
  socketFolderOf,
  sql,
  startUser,
  until,
  userProgram
} from '../support/embedded-folder.ts'

const log = { info() {}, warn() {}, error() {} }

/** As the function itself; a test that fails on its way does not keep the process. */
async function start(t: Test, options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const started = await startEmbedded(options)
  t.teardown(() => started.stop())
  return started
}

async function open(t: Test, options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const opened = await openEmbedded(options)
  t.teardown(() => opened.stop())
  return opened
}

t.test('a first start makes a durable cluster of PostgreSQL 18 without a TCP port', async t => {
  const root = makeFolder(t)
  const folder = { ...dataFolderIn(root), settings: {} }
  const first = await start(t, { ...folder, log })
  t.match(first, { adopted: false, created: true, version: /^18\./ })
  const settings = await sql(
    first.url,
    `SELECT name, setting FROM pg_settings ORDER BY name`,
    'postgres'
  )
  const expected = {
    data_checksums: 'on',
    fsync: 'on',
    full_page_writes: 'on',
    listen_addresses: '',
    log_min_error_statement: 'panic',
    server_encoding: 'UTF8',
    synchronous_commit: 'on'
  }
  t.match(Object.fromEntries(settings.map(({ name, setting }) => [name, setting])), expected)
  t.strictSame(
    await sql(first.url, 'SELECT rolname, rolsuper FROM pg_roles WHERE rolname = current_user'),
    [{ rolname: 'mintmark', rolsuper: false }]
  )
  t.strictSame(
    await sql(
      first.url,
      'SELECT datlocprovider, datlocale FROM pg_database WHERE datname = current_database()'
    ),
    [{ datlocprovider: 'b', datlocale: 'C.UTF-8' }]
  )
  for (const folder of [socketFolderOf(first.url), join(clusterOf(first.url), '..')]) {
    t.equal(statSync(folder).mode & 0o777, 0o700, folder)
  }
  t.equal(postmastersIn(root).length, 1)
  await keepRow(first.url)
  await first.stop()
  t.strictSame(postmastersIn(root), [], 'stop leaves no process')
  await first.stop()

  const second = await start(t, { ...folder, log })
  t.match(second, { adopted: false, created: false, url: first.url })
  t.strictSame(await readKept(second.url), kept)
  await second.stop()
  t.strictSame(postmastersIn(root), [])
})

t.test('the log of PostgreSQL holds no statement and no value of a row', async t => {
  const root = makeFolder(t)
  const { url, stop } = await start(t, { ...dataFolderIn(root), log })
  await sql(url, 'CREATE TABLE secret (value text UNIQUE)')
  await sql(url, "INSERT INTO secret VALUES ('opensesame')")
  await t.rejects(sql(url, "INSERT INTO secret VALUES ('opensesame')"), { code: '23505' })
  await stop()
  const text = readFileSync(join(clusterOf(url), '../postgres.log'), 'utf8')
  t.match(text, 'ready to accept connections')
  t.notMatch(text, 'opensesame')
})

t.test('PostgreSQL outlives a killed server, the next one adopts it and ends it', async t => {
  const root = makeFolder(t)
  const folder = dataFolderIn(root)
  const killed = await startUser(t, 'start', folder)
  await keepRow(killed.url)
  await killed.end('SIGKILL')
  const running = postmastersIn(root)
  t.equal(running.length, 1)

  const next = await start(t, { ...folder, log })
  t.match(next, { adopted: true, created: false, url: killed.url })
  t.strictSame(postmastersIn(root), running)
  t.strictSame(await readKept(next.url), kept)
  await next.stop()
  t.strictSame(postmastersIn(root), [])
})

t.test('a PostgreSQL that is killed is started again, as often as it takes', async t => {
  const root = makeFolder(t)
  const lines: string[] = []
  const note = (message: string) => lines.push(message)
  const { url, stop } = await start(t, {
    ...dataFolderIn(root),
    log: { info() {}, warn: note, error: note }
  })
  await keepRow(url)
  for (const round of [1, 2]) {
    const [running] = postmastersIn(root)
    process.kill(running ?? 0, 'SIGKILL')
    await until(() => lines.length >= 2 * round)
    t.not(postmastersIn(root)[0], running)
    t.strictSame(await readKept(url), kept)
  }
  await stop()
  t.strictSame(postmastersIn(root), [])
  const once = [
    'the embedded PostgreSQL ended by itself; starting it again',
    'the embedded PostgreSQL runs again'
  ]
  t.strictSame(lines, [...once, ...once])
})

t.test('a stop that comes during such a restart leaves no process', async t => {
  for (const lockedOut of ['no', 'yes']) {
    const root = makeFolder(t)
    const lines: string[] = []
    const note = (message: string) => lines.push(message)
    const folder = dataFolderIn(root)
    const { stop } = await start(t, { ...folder, log: { info() {}, warn: note, error: note } })
    const [running] = postmastersIn(root)
    // with the lock in other hands, the restart and the stop wait for it side by side
    const attempt =
      lockedOut === 'yes' ? tryLock(join(folder.dataFolder, 'postgres.lock')) : undefined
    process.kill(running ?? 0, 'SIGKILL')
    if (attempt?.ok) {
      await until(() => lines.length > 0)
      const stopped = stop()
      await sleep(200)
      attempt.lock.release()
      await stopped
      await sleep(200)
    } else {
      await until(() => postmastersIn(root).some(pid => pid !== running))
      await stop()
    }
    t.strictSame(postmastersIn(root), [])
  }
})

t.test('a stop while restarts fail ends them, too: the process is not kept busy', async t => {
  const root = makeFolder(t)
  const program = fileURLToPath(new URL('./embedded-lost.ts', import.meta.url))
  const options = { encoding: 'utf8', timeout: 30_000, killSignal: 'SIGKILL' } as const
  const folder = JSON.stringify(dataFolderIn(root))
  const { stdout, stderr, status } = spawnSync(process.execPath, [program, root, folder], options)
  t.strictSame({ stdout, stderr, status }, { stdout: 'alive\n', stderr: '', status: 0 })
})

t.test(
  'a start that was killed in the middle leaves nothing that passes for a database',
  async t => {
    const root = makeFolder(t)
    const folder = dataFolderIn(root)
    const starter = spawn(process.execPath, [userProgram, 'start', JSON.stringify(folder)])
    t.teardown(() => starter.kill('SIGKILL'))
    // what vanishes while find looks makes it fail, which says nothing here
    const options = [root, '-maxdepth', '4', '-name', 'cluster*']
    const clusters = () => spawnSync('find', options, { encoding: 'utf8' }).stdout
    await until(() => clusters() !== '')
    starter.kill('SIGKILL')
    const next = await start(t, { ...folder, log })
    t.match(next, { adopted: false, created: true })
    await next.stop()
    t.strictSame(postmastersIn(root), [])
  }
)

t.test('a stop that has lost its own connection ends PostgreSQL all the same', async t => {
  const root = makeFolder(t)
  const { url, stop } = await start(t, { ...dataFolderIn(root), log })
  const running = postmastersIn(root)
  const keepers = "pg_stat_activity WHERE application_name = 'mintmark-keeper'"
  t.strictSame(
    await sql(url, `SELECT pg_terminate_backend(pid, 5000) AS done FROM ${keepers}`, 'postgres'),
    [{ done: true }]
  )
  t.strictSame(postmastersIn(root), running)
  await stop()
  t.strictSame(postmastersIn(root), [])
})

t.test('a left-over postmaster.pid does not stop a start, whoever has that pid now', async t => {
  const root = makeFolder(t)
  const folder = dataFolderIn(root)
  const killed = await startUser(t, 'start', folder)
  await keepRow(killed.url)
  const [running] = postmastersIn(root)
  await killed.end('SIGKILL')
  process.kill(running ?? 0, 'SIGKILL')
  await until(() => postmastersIn(root).length === 0)

  const pidFile = join(clusterOf(killed.url), 'postmaster.pid')
  t.equal(Number.parseInt(readFileSync(pidFile, 'utf8'), 10), running, 'nobody has it')
  const second = await start(t, { ...folder, log })
  t.match(second, { adopted: false })
  t.strictSame(await readKept(second.url), kept)

  // the same user's process: of another user's, PostgreSQL knows by itself that it is not its own
  const { uid, gid } = statSync(pidFile)
  const text = readFileSync(pidFile, 'utf8')
  await second.stop()
  const other = spawn('sleep', ['60'], { uid, gid, cwd: '/' })
  t.teardown(() => other.kill())
  writeFileSync(pidFile, text.replace(/^\d+/, String(other.pid)))
  const third = await start(t, { ...folder, log })
  t.match(third, { adopted: false })
  t.strictSame(await readKept(third.url), kept)
  t.equal(other.signalCode, null, 'the process that has it now is left alone')
  await third.stop()
  t.strictSame(postmastersIn(root), [])
})

t.test('a command uses the database beside the server, and who leaves last ends it', async t => {
  const root = makeFolder(t)
  const folder = dataFolderIn(root)
  const server = await startUser(t, 'start', folder)
  const command = await open(t, { ...folder, log })
  t.match(command, { adopted: true, url: server.url })
  await command.stop()
  t.equal(postmastersIn(root).length, 1)

  const late = await open(t, { ...folder, log })
  await server.end('SIGTERM')
  t.match(server.log(), 'another process uses the embedded PostgreSQL')
  t.strictSame(await sql(late.url, 'SELECT 1 AS one'), [{ one: 1 }])
  await late.stop()
  t.strictSame(postmastersIn(root), [])

  const alone = await open(t, { ...folder, log })
  t.match(alone, { adopted: false })
  await alone.stop()
  t.strictSame(postmastersIn(root), [])
})

t.test('of several that come at once, one makes the cluster and all use it', async t => {
  const root = makeFolder(t)
  const folder = dataFolderIn(root)
  const [one, two, here] = await Promise.all([
    startUser(t, 'start', folder),
    startUser(t, 'open', folder),
    open(t, { ...folder, log })
  ])
  const users = [one, two, here]
  t.equal(users.filter(({ created }) => created).length, 1)
  t.equal(users.filter(({ adopted }) => adopted).length, 2)
  t.equal(postmastersIn(root).length, 1)
  await Promise.all([one.end('SIGTERM'), two.end('SIGTERM'), here.stop()])
  t.strictSame(postmastersIn(root), [])
})

t.test('two data folders have two databases, whatever is in their paths', async t => {
  const root = makeFolder(t)
  const long = join('a'.repeat(90), 'b'.repeat(90))
  const names = [`it's, "so" to say 100% 데이터`, long]
  for (const name of names) {
    mkdirSync(join(root, dirname(name)), { recursive: true })
  }
  const opened = await Promise.all(
    names.map(name =>
      start(t, { ...dataFolderIn(root, name), homes: join(root, 'homes', name), log })
    )
  )
  t.equal(postmastersIn(root).length, 2)
  for (const { url } of opened) {
    await keepRow(url)
    t.equal(statSync(socketFolderOf(url)).mode & 0o777, 0o700)
  }
  const elsewhere = socketFolderOf(opened[1]?.url ?? '')
  t.teardown(() => rmSync(elsewhere, { recursive: true, force: true }))
  t.notMatch(elsewhere, root, 'a path that is too long for a socket')
  for (const { url } of opened) t.strictSame(await readKept(url), kept)
  await Promise.all(opened.map(({ stop }) => stop()))
  t.strictSame(postmastersIn(root), [])
})

t.test(
  'an ordinary user runs it as itself, and root in that user’s folder as that user',
  { skip: isRoot ? false : 'only root can be somebody else' },
  async t => {
    const root = makeFolder(t, daemon)
    const folder = dataFolderIn(root)
    const user = await startUser(t, 'start', folder, daemon)
    t.equal(clusterOf(user.url), join(folder.dataFolder, 'postgres/cluster'))
    t.equal(statSync(clusterOf(user.url)).uid, daemon.uid)
    await keepRow(user.url)
    await user.end('SIGTERM')
    t.strictSame(postmastersIn(root), [])

    const here = await start(t, { ...folder, log })
    t.match(here, { created: false, url: user.url })
    await here.stop()
    const again = await startUser(t, 'start', folder, daemon)
    t.strictSame(await readKept(again.url), kept)
    await again.end('SIGTERM')
    t.strictSame(postmastersIn(root), [])
  }
)

t.test(
  'root’s database follows its moved data folder; a copy of the folder gets its own',
  { skip: isRoot ? false : 'an ordinary user’s database is in the folder' },
  async t => {
    const root = makeFolder(t)
    const closed = join(root, 'closed')
    mkdirSync(closed, { mode: 0o700 })
    const folder = { ...dataFolderIn(root), dataFolder: join(closed, 'data') }
    const first = await start(t, { ...folder, log })
    t.equal(statSync(clusterOf(first.url)).uid, nobody.uid)
    await keepRow(first.url)
    await first.stop()

    const copy = { ...folder, dataFolder: join(closed, 'copy') }
    cpSync(folder.dataFolder, copy.dataFolder, { recursive: true })
    const copied = await start(t, { ...copy, log })
    t.equal(copied.created, true)
    t.not(copied.url, first.url)
    await copied.stop()

    const moved = { ...folder, dataFolder: join(closed, 'moved') }
    renameSync(folder.dataFolder, moved.dataFolder)
    const found = await start(t, { ...moved, log })
    t.match(found, { created: false, url: first.url })
    t.strictSame(await readKept(found.url), kept)
    await found.stop()

    renameSync(folder.homes, join(root, 'elsewhere'))
    await t.rejects(start(t, { ...moved, log }), {
      code: 'configuration_invalid',
      message: /is not there any more/
    })
  }
)
