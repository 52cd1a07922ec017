// Where an embedded cluster lives, and as whom it runs. Three rules:
// 1. PostgreSQL refuses to run as root. Started by root it runs as the owner of the data folder, and as `nobody` where that is root.
// 2. A cluster lives in the data folder. Only root's cannot: `nobody` may not enter the folder (0700). It gets a home under
//    /var/lib, and the data folder remembers which. Not under /tmp, which the system empties.
// 3. The home remembers its data folder, too. A moved data folder keeps its cluster; a copied one does not share it.

import { createHash, randomUUID } from 'node:crypto'
import { chown, lstat, mkdir, readFile, realpath, rename, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Fault } from '../lib/fault.ts'

/** A user to become; undefined where we stay who we are. */
export interface Account {
  uid: number
  gid: number
}

export interface EmbeddedHome {
  /** 0700, of the account that PostgreSQL runs as */
  path: string
  /** PGDATA, with every symbolic link resolved, as PostgreSQL names it */
  cluster: string
  /** 0700, holds the socket and nothing else */
  socketFolder: string
  account: Account | undefined
}

interface Note {
  id: string
  /** in the data folder: the home; in the home: the data folder */
  path: string
}

export const homesOfRoot = '/var/lib/mintmark-embedded'

const noteName = 'postgres-home.json'
// struct sockaddr_un: 104 bytes on macOS, 108 on Linux, with the terminating zero
const socketPathBytes = 103
export const socketName = '.s.PGSQL.5432'

async function findNobody(): Promise<Account> {
  const users = await readFile('/etc/passwd', 'utf8').catch(() => '')
  const [, , uid, gid] = users.match(/^nobody:.*$/m)?.[0].split(':') ?? []
  return { uid: Number(uid ?? 65534), gid: Number(gid ?? 65534) }
}

async function readNote(folder: string): Promise<Note | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, noteName), 'utf8'))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new Fault('configuration_invalid', `${join(folder, noteName)} cannot be read.`, error)
  }
}

async function writeNote(folder: string, note: Note): Promise<void> {
  const path = join(folder, noteName)
  await writeFile(`${path}.new`, `${JSON.stringify(note)}\n`, { mode: 0o600, flush: true })
  await rename(`${path}.new`, path)
}

/** Makes a folder that `account` alone may enter; one that is there must be just that, since others may write its parent. */
async function privateFolder(path: string, account: Account | undefined): Promise<void> {
  const uid = account?.uid ?? process.getuid?.() ?? 0
  try {
    await mkdir(path, { mode: 0o700 })
    if (account) await chown(path, account.uid >>> 0, account.gid >>> 0)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  const info = await lstat(path)
  if (!info.isDirectory() || info.uid !== uid >>> 0 || (info.mode & 0o077) !== 0) {
    throw new Fault(
      'configuration_invalid',
      `${path} must be a folder that only the user with uid ${uid} may enter. Run: chown ${uid} ${path} && chmod 700 ${path}`
    )
  }
}

/** The homes of root's clusters: root's own, passable for `nobody`, writable for no one else. */
async function prepareHomesOfRoot(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o711 }).catch(error => {
    throw new Fault(
      'configuration_invalid',
      `As root, the embedded PostgreSQL lives in ${folder}, which cannot be made: ${error.message}. Start as an ordinary user, or set DATABASE_URL.`,
      error
    )
  })
  const info = await lstat(folder)
  if (!info.isDirectory() || info.uid !== 0 || (info.mode & 0o022) !== 0) {
    throw new Fault(
      'configuration_invalid',
      `${folder} must be a folder that belongs to root and that nobody else can write.`
    )
  }
}

async function isSame(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([one, other].map(path => stat(path).catch(() => undefined)))
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino
}

/** Root's cluster: the one that both the data folder and the home agree on, else a new one. */
async function findHomeOfRoot(
  dataFolder: string,
  homes: string,
  account: Account
): Promise<string> {
  await prepareHomesOfRoot(homes)
  const note = await readNote(dataFolder)
  if (note !== undefined) {
    const back = await readNote(note.path)
    if (back?.id !== note.id) {
      throw new Fault(
        'configuration_invalid',
        `The database of ${dataFolder} was in ${note.path}, and is not there any more. Restore it; or, to begin with an empty database, delete ${join(dataFolder, noteName)}.`
      )
    }
    if (await isSame(back.path, dataFolder)) return note.path
    const owner = await readNote(back.path)
    if (owner?.id !== note.id) {
      // the folder it knew is gone, or has another database: ours was moved
      await writeNote(note.path, { id: note.id, path: dataFolder })
      return note.path
    }
    // the folder it knew is still there: ours is a copy of it, and gets a database of its own
  }
  const id = randomUUID()
  const path = join(homes, id)
  await privateFolder(path, account)
  await writeNote(path, { id, path: dataFolder })
  await writeNote(dataFolder, { id, path })
  return path
}

/** Beside the cluster; in the system's temporary folder only where the path would be longer than a socket's may be. */
function chooseSocketFolder(home: string): string {
  const uid = process.getuid?.() ?? 0
  const key = createHash('sha256').update(home).digest('hex').slice(0, 16)
  const choices = [
    join(home, 'socket'),
    join(tmpdir(), `mintmark-${uid}-${key}`),
    join('/tmp', `mintmark-${uid}-${key}`)
  ]
  const fits = (path: string) => Buffer.byteLength(join(path, socketName)) <= socketPathBytes
  return choices.find(fits) ?? join('/tmp', `mintmark-${uid}-${key}`)
}

/**
 * Whether a database URL names the embedded PostgreSQL of this very data folder: `mintmark status` tells that one, and in a shell that
 * has it as DATABASE_URL a start must not wait for itself.
 */
export async function isOwnSocket(url: string, dataFolder: string): Promise<boolean> {
  const place = URL.parse(url.replace('@/', '@embedded/'))?.searchParams.get('host')
  if (!place?.startsWith('/')) return false
  const note = await readNote(dataFolder).catch(() => undefined)
  const folder = await realpath(dataFolder).catch(() => dataFolder)
  return [join(folder, 'postgres'), ...(note === undefined ? [] : [note.path])].some(
    home => chooseSocketFolder(home) === place
  )
}

/**
 * Finds or makes the home of a data folder's cluster. To be called under the cluster's lock.
 * @throws Fault `configuration_invalid` when the cluster that the data folder remembers is gone
 */
export async function openHome(options: {
  dataFolder: string
  homes?: string
}): Promise<EmbeddedHome> {
  const dataFolder = await realpath(options.dataFolder)
  let account: Account | undefined
  let path = join(dataFolder, 'postgres')
  if (process.getuid?.() === 0) {
    const { uid, gid } = await stat(dataFolder)
    account = uid === 0 ? await findNobody() : { uid, gid }
    if (uid === 0) path = await findHomeOfRoot(dataFolder, options.homes ?? homesOfRoot, account)
  }
  await privateFolder(path, account)
  const socketFolder = chooseSocketFolder(path)
  await privateFolder(socketFolder, account)
  return { path, cluster: join(path, 'cluster'), socketFolder, account }
}
