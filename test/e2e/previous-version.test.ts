// The previous version beside this one: the code from before the last migration, taken from the repository's history, goes on working when
// this version migrates the database beneath it, and each redeems what the other gave out. Without a history it is skipped.

import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { migrate } from '../../src/store/migrate.ts'
import { basic } from '../protocol/requests.ts'
import { redirectUri, secretOf } from '../support/configuration.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { makePlace, startMintmark } from '../support/process.ts'
import { fetchFrom } from '../support/processes.ts'
import { signIn } from '../support/relying-party.ts'
import { freePort } from '../support/server.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

const git = (...args: string[]) =>
  execFileSync('git', ['-C', root, ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 64 * 1024 * 1024
  })

/** The migrations of a commit, by name and content. */
function migrationsOf(commit: string): Set<string> {
  const tree = git('ls-tree', commit, 'migrations/').toString().trim()
  return new Set(tree.split('\n').map(line => line.replace(/^.* blob /, '')))
}

/**
 * The newest commit that has some of today's migrations and no others: until the first release a migration may still be changed, and what
 * had another one of the same name is no version that this one follows. Undefined where nobody knows.
 */
function previousCommit(): string | undefined {
  try {
    const today = migrationsOf('HEAD')
    const commits = git('log', '-300', '--format=%H').toString().trim().split('\n')
    return commits.find(commit => {
      const its = migrationsOf(commit)
      return its.size < today.size && its.isSubsetOf(today)
    })
  } catch {
    return undefined
  }
}

/** The files of a commit, with the packages of this one; gone with `t`. */
function checkOut(t: Test, commit: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'mm-previous-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const files = git('archive', commit, 'bin', 'src', 'migrations', 'package.json')
  execFileSync('tar', ['-x', '-C', folder], { input: files })
  mkdirSync(join(folder, 'config'), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

const previous = previousCommit()
const skip = previous === undefined && 'there is no previous version in the history'

t.test(
  'the previous version works on while this one migrates, and beside it',
  { skip },
  async t => {
    const { url, database } = await createTestDatabase(t)
    await database.run('test.empty', 'DROP SCHEMA public CASCADE')
    await database.run('test.schema', 'CREATE SCHEMA public')
    const folder = checkOut(t, previous ?? '')
    const masterKey = randomBytes(32).toString('base64')
    const port = await freePort()
    const issuer = `http://localhost:${port}`
    const start = async (port: number, launcher?: string) => {
      const place = makePlace(t, {
        DATABASE_URL: url,
        MINTMARK_CONFIG: 'mintmark.json',
        MINTMARK_ISSUER: issuer,
        MINTMARK_PORT: String(port),
        MINTMARK_MASTER_KEY_FILE: 'master-key'
      })
      writeFileSync(join(place.folder, 'master-key'), masterKey, { mode: 0o600 })
      const clients = [
        {
          client_id: 'web',
          type: 'web',
          client_secret: secretOf('web'),
          redirect_uris: [redirectUri]
        },
        { client_id: 'billing', type: 'machine', client_secret: secretOf('billing') }
      ]
      const accounts = [{ login: 'ada@example.com', password: 'correct horse battery staple' }]
      const content = JSON.stringify({ clientsRevision: 1, clients, accounts })
      writeFileSync(join(place.folder, 'mintmark.json'), content)
      return startMintmark(t, place, { ...(launcher && { launcher }) })
    }
    const token = async (at: number, clientId: string, fields: Record<string, string>) => {
      const type = { 'content-type': 'application/x-www-form-urlencoded' }
      const answer = await fetchFrom(at, issuer, '/oauth/token', {
        method: 'POST',
        headers: { ...basic(clientId).headers, ...type },
        body: new URLSearchParams(fields).toString()
      })
      const body: { refresh_token: string } = JSON.parse(answer.text)
      return { status: answer.status, ...body }
    }
    const refresh = (at: number, refreshToken: string) =>
      token(at, 'web', { grant_type: 'refresh_token', refresh_token: refreshToken })
    const authorize = async () => {
      const { tokens } = await signIn({
        issuer,
        clientId: 'web',
        clientSecret: secretOf('web'),
        redirectUri,
        scope: 'openid offline_access',
        extra: { prompt: 'consent' },
        login: 'ada@example.com',
        password: 'correct horse battery staple'
      })
      return tokens.refresh_token ?? ''
    }

    const old = await start(port, join(folder, 'bin/mintmark.mjs'))
    const before = await authorize()
    const { applied } = await migrate(url)
    t.ok(applied.length > 0, `applied beneath it: ${applied.join(', ')}`)
    const rotated = await refresh(port, before)
    t.equal(rotated.status, 200, 'a token of before')
    t.equal((await token(port, 'billing', { grant_type: 'client_credentials' })).status, 200)
    const givenByOld = await authorize()

    const other = await freePort()
    const now = await start(other)
    const next = await refresh(other, rotated.refresh_token)
    t.equal(next.status, 200, 'this version redeems what the previous one gave out')
    t.equal((await refresh(other, givenByOld)).status, 200)
    const back = await refresh(port, next.refresh_token)
    t.equal(back.status, 200, 'and the other way round')
    t.equal((await token(other, 'billing', { grant_type: 'client_credentials' })).status, 200)
    t.equal((await refresh(other, await authorize())).status, 200, 'a sign-in at the previous one')
    t.same([(await old.stop()).code, (await now.stop()).code], [0, 0])
  }
)
