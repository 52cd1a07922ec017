// The data folder with real processes: who may use it, and what others can read of it.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { openDataFolder } from '../../src/store/data-folder.ts'

const source = new URL('../../src/store/data-folder.ts', import.meta.url).href

/** Another process that runs `code` with the opened `folder`, and what it prints first. */
async function runOther(t: Test, path: string, code: string, flags: string[] = []) {
  const program = `
    import { openDataFolder } from ${JSON.stringify(source)}
    const folder = await openDataFolder(${JSON.stringify(path)})
    const say = value => console.log(JSON.stringify(value))
    ${code}`
  const child = spawn(
    process.execPath,
    [...flags, '--input-type=module-typescript', '--eval', program],
    { stdio: ['ignore', 'pipe', 'inherit'] }
  )
  const exit = once(child, 'exit')
  const kill = async () => {
    child.kill('SIGKILL')
    await exit
  }
  t.teardown(kill)
  const [line] = await once(createInterface(child.stdout), 'line')
  return { pid: child.pid, said: JSON.parse(line), kill }
}

const lockAndStay = `
  await folder.lock().then(() => say('mine'), ({ code, message }) => say({ code, message }))
  setInterval(() => globalThis.gc?.(), 10)`

t.test('the folder is made for its user alone, with everything above it', async t => {
  const path = join(t.testdir(), 'some/data')
  const folder = await openDataFolder(path)
  t.equal(folder.path, path)
  t.equal(statSync(path).mode & 0o777, 0o700)
})

t.test('a folder that cannot be made is told at once', async t => {
  for (const path of ['/proc/mintmark', '/proc/mintmark/data', '/dev/null/data']) {
    await t.rejects(openDataFolder(path), {
      code: 'configuration_invalid',
      message: /cannot be used.*MINTMARK_DATA/
    })
  }
})

t.test(
  'an empty folder that others can enter is closed to them; one with files is refused',
  async t => {
    const root = t.testdir({ empty: {}, used: { 'a-file': '' } })
    for (const name of ['empty', 'used']) chmodSync(join(root, name), 0o755)
    await openDataFolder(join(root, 'empty'))
    t.equal(statSync(join(root, 'empty')).mode & 0o777, 0o700)
    await t.rejects(openDataFolder(join(root, 'used')), {
      code: 'configuration_invalid',
      message: /is open to other users \(mode 0755\).*MINTMARK_DATA/
    })
    t.equal(statSync(join(root, 'used')).mode & 0o777, 0o755)
  }
)

t.test('our own folder that was opened to others is closed again', async t => {
  const path = t.testdir()
  chmodSync(path, 0o700)
  const folder = await openDataFolder(path)
  const lock = await folder.lock()
  lock.release()
  chmodSync(path, 0o755)
  await openDataFolder(path)
  t.equal(statSync(path).mode & 0o777, 0o700)
})

t.test('a path that is no folder is refused with what to set', async t => {
  const root = t.testdir({ file: '' })
  await t.rejects(openDataFolder(join(root, 'file')), {
    code: 'configuration_invalid',
    message: /MINTMARK_DATA/
  })
})

t.test('a second server on the folder is refused and told the process of the first', async t => {
  const path = join(t.testdir(), 'data')
  const folder = await openDataFolder(path)
  const lock = await folder.lock()
  const second = await runOther(t, path, lockAndStay)
  t.equal(second.said.code, 'busy')
  t.match(
    second.said.message,
    `Process ${process.pid} already runs a server on the data folder ${path}`
  )
  await t.rejects(folder.lock(), { code: 'busy' }, 'nor does this process get it twice')

  lock.release()
  lock.release()
  t.equal((await runOther(t, path, lockAndStay)).said, 'mine')
})

t.test('the lock of a killed server is free at once', async t => {
  const path = join(t.testdir(), 'data')
  const first = await runOther(t, path, lockAndStay)
  t.equal(first.said, 'mine')
  const folder = await openDataFolder(path)
  await t.rejects(folder.lock(), { message: new RegExp(`^Process ${first.pid} `) })
  await first.kill()
  const lock = await folder.lock()
  lock.release()
})

t.test('of several that start after a kill, exactly one gets the lock', async t => {
  const path = join(t.testdir(), 'data')
  const killed = await runOther(t, path, lockAndStay)
  await killed.kill()
  const starters = await Promise.all([1, 2, 3, 4].map(() => runOther(t, path, lockAndStay)))
  const winners = starters.filter(({ said }) => said === 'mine')
  t.equal(winners.length, 1)
  for (const { said } of starters) {
    if (said !== 'mine') t.match(said.message, `Process ${winners[0]?.pid} `)
  }
})

t.test('a lock that nobody holds on to in the code is held all the same', async t => {
  const path = join(t.testdir(), 'data')
  const code = `
    await folder.lock()
    for (let round = 0; round < 5; round++) {
      await new Promise(resolve => setTimeout(resolve, 10))
      globalThis.gc()
    }
    say('collected')
    setInterval(() => {}, 1000)`
  await runOther(t, path, code, ['--expose-gc'])
  const folder = await openDataFolder(path)
  await t.rejects(folder.lock(), { code: 'busy' })
})

t.test('a value is remembered by the next process, and replaced whole', async t => {
  const path = join(t.testdir(), 'data')
  const folder = await openDataFolder(path)
  t.equal(await folder.recall('port'), undefined)
  await folder.remember('port', 3000)
  await folder.remember('port', 3001)
  t.equal((await runOther(t, path, "say(await folder.recall('port'))")).said, '3001')
  t.strictSame(readdirSync(path), ['port'], 'no half-written file stays')
  await t.rejects(folder.remember('../port', 1), /not a name/)
})

t.test(
  'a secret is made once, whoever comes at the same time, and only its owner can read it',
  async t => {
    const path = join(t.testdir(), 'data')
    const code = "say(await folder.secretFile('master-key', () => String(Math.random())))"
    const others = await Promise.all([1, 2, 3].map(() => runOther(t, path, code)))
    t.equal(new Set(others.map(({ said }) => said)).size, 1)
    t.equal(statSync(join(path, 'master-key')).mode & 0o777, 0o600)
    t.strictSame(readdirSync(path), ['master-key'])
    const folder = await openDataFolder(path)
    const again = await folder.secretFile('master-key', () => 'made twice')
    t.equal(again, others[0]?.said)

    const target = join(path, 'late')
    const late = await folder.secretFile('late', () => {
      writeFileSync(target, 'first', { mode: 0o600 })
      return 'second'
    })
    t.equal(late, 'first', 'a second one never replaces it')
  }
)

t.test('a secret that others can read, or that is empty, is refused', async t => {
  const path = t.testdir({ data: {} })
  const folder = await openDataFolder(join(path, 'data'))
  const file = join(folder.path, 'master-key')
  writeFileSync(file, 'known', { mode: 0o600 })
  for (const mode of [0o640, 0o604]) {
    chmodSync(file, mode)
    await t.rejects(
      folder.secretFile('master-key', () => 'new'),
      { code: 'configuration_invalid', message: `chmod 600 ${file}` }
    )
  }
  chmodSync(file, 0o600)
  t.equal(await folder.secretFile('master-key', () => 'new'), 'known')
  writeFileSync(file, '\n')
  await t.rejects(
    folder.secretFile('master-key', () => 'new'),
    { message: /is empty/ }
  )
  mkdirSync(join(folder.path, 'folder'), { mode: 0o700 })
  await t.rejects(
    folder.secretFile('folder', () => 'new'),
    { message: /plain file/ }
  )
})
