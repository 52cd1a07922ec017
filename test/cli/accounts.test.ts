// `mintmark accounts …` over the real service and database: what it prints, where a password may come from, and how it refuses
//.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommanderError } from 'commander'
import { type Test, test } from 'tap'
import { createAccountService } from '../../src/accounts/account.ts'
import { createHashQueue } from '../../src/accounts/hash-queue.ts'
import { createNewPasswordCheck } from '../../src/accounts/new-password.ts'
import { loadPasswordHasher } from '../../src/accounts/password-hash.ts'
import { type PreparedPassword, preparePassword } from '../../src/accounts/prepared-password.ts'
import { accountsCommand } from '../../src/cli/accounts.ts'
import { createAccountStore } from '../../src/store/accounts.ts'
import { hasPasskey } from '../../src/store/passkeys.ts'
import { createSecondFactorStore } from '../../src/store/second-factors.ts'
import { createTestDatabase } from '../support/postgres.ts'

async function setUp(t: Test) {
  const { database } = await createTestDatabase(t)
  const hasher = await loadPasswordHasher({ memory: 64, passes: 1, lanes: 1 })
  const ended: string[] = []
  const service = createAccountService({
    database,
    hasher,
    queue: createHashQueue(),
    endAccount: async id => {
      ended.push(id)
    },
    checkNewPassword: createNewPasswordCheck({ contextWords: ['mintmark'] })
  })

  /** Runs one command line; answers what it printed and its exit code. */
  async function run(args: readonly string[], input = '') {
    const printed = { out: '', err: '', code: 0 }
    const command = accountsCommand({
      accounts: async () => service,
      invitations: async () => 'closed',
      out: text => {
        printed.out += text
      },
      err: text => {
        printed.err += text
      },
      stdin: async () => input,
      exit: code => {
        printed.code = code
      }
    })
    for (const each of [command, ...command.commands]) {
      each.exitOverride().configureOutput({
        writeErr: text => {
          printed.err += text
        },
        writeOut: text => {
          printed.out += text
        }
      })
    }
    try {
      await command.parseAsync([...args], { from: 'user' })
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error
      printed.code = error.exitCode
    }
    return printed
  }

  const store = createAccountStore({ sql: database })
  const verifies = async (login: string, typed: string) => {
    const prepared = preparePassword(typed)
    const stored = await store.findWithPassword(login)
    const password = (prepared.ok ? prepared.password : '') as PreparedPassword
    return hasher.verify(stored?.password ?? '', password)
  }
  return { run, store, ended, verifies, database }
}

test('create makes a password, shows it once, and only its hash is stored', async t => {
  const { run, verifies } = await setUp(t)
  const args = ['create', '--login', 'Alice@example.com', '--name', 'Alice', '--locale', 'ko']
  const { out, err, code } = await run([...args, '-o', 'json'])
  const made = JSON.parse(out) as Record<string, string>
  t.equal(code, 0)
  t.match(made, {
    id: /^[0-9a-f-]{36}$/,
    login: 'alice@example.com',
    name: 'Alice',
    locale: 'ko',
    password: /^[\w-]{22}$/
  })
  t.match(err, /shown only now/)
  t.ok(await verifies('alice@example.com', made['password'] ?? ''))
  t.notMatch((await run(['list', '-o', 'json'])).out, /password|argon2/)
})

test('a password comes from standard input or a file, without its last line break, and is never printed', async t => {
  const { run, verifies } = await setUp(t)
  const folder = await mkdtemp(join(tmpdir(), 'mintmark-cli-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const file = join(folder, 'password')
  await writeFile(file, ' from a file, 한글 \r\n')

  const first = await run(
    ['create', '--login', 'alice', '--password-stdin'],
    'from standard input\n'
  )
  const second = await run(['create', '--login', 'bob', '--password-file', file])
  t.ok(await verifies('alice', 'from standard input'))
  t.ok(await verifies('bob', ' from a file, 한글 '))
  t.notMatch(first.out + first.err + second.out + second.err, /from (standard|a file)/)
})

test('a password is no argument, and two sources are refused', async t => {
  const { run, store } = await setUp(t)
  const argument = await run(['create', '--login', 'alice', '--password', 'in the process list'])
  t.not(argument.code, 0)
  t.match(argument.err, /unknown option '--password'/)
  t.not((await run(['set-password', 'alice', 'in the process list'])).code, 0)
  const both = await run(
    ['create', '--login', 'a', '--password-stdin', '--password-file', 'f'],
    'x'
  )
  t.not(both.code, 0)
  t.match(both.err, /cannot be used with/)
  t.strictSame(await store.list({ limit: 10 }), [])
})

test('a password file that is missing or no text is refused by name', async t => {
  const { run, store } = await setUp(t)
  const folder = await mkdtemp(join(tmpdir(), 'mintmark-cli-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const file = join(folder, 'password')
  await writeFile(file, Buffer.from([0x61, 0xff, 0xfe, 0x62, 0x62, 0x62, 0x62, 0x62, 0x62]))
  t.match(await run(['create', '--login', 'alice', '--password-file', file]), {
    code: 1,
    err: /not UTF-8/
  })
  t.match(await run(['create', '--login', 'alice', '--password-file', `${file}.not`]), {
    code: 1,
    err: /ENOENT/
  })
  t.strictSame(await store.list({ limit: 10 }), [])
})

test('refusals are one sentence on standard error, exit code 1, and nothing on standard output', async t => {
  const { run } = await setUp(t)
  await run(['create', '--login', 'alice'])
  const cases: readonly (readonly [readonly string[], string, RegExp])[] = [
    [['create', '--login', 'ALICE'], '', /already/],
    [['create', '--login', 'a b'], '', /without spaces/],
    [['create', '--login', 'bob', '--password-stdin'], 'short\n', /8 characters/],
    [['create', '--login', 'bob', '--password-stdin'], '\n', /empty/],
    [['create', '--login', 'bob', '--password-stdin'], 'password1\n', /most common/],
    [['create', '--login', 'bob', '--password-stdin'], 'mintmark!\n', /name of this server/],
    [['create', '--login', 'bob', '--email', 'nowhere'], '', /e-mail/],
    [['create', '--login', 'bob', '--locale', 'not a tag'], '', /BCP 47/],
    [['disable', 'nobody'], '', /no such account/],
    [['enable', 'nobody'], '', /no such account/],
    [['set-password', 'nobody'], '', /no such account/],
    [['sign-out', 'nobody'], '', /no such account/]
  ]
  for (const [args, input, sentence] of cases) {
    t.match(await run(args, input), { out: '', code: 1, err: sentence }, args.join(' '))
  }
  for (const args of [['create'], ['list', '--limit', '0'], ['list', '-o', 'xml']]) {
    t.not((await run(args)).code, 0, args.join(' '))
  }
})

test('disable, enable and set-password take a login or an id, and end what the account has', async t => {
  const { run, ended, verifies, store } = await setUp(t)
  await run(['create', '--login', 'alice@example.com'])
  const id = (await store.findByLogin('alice@example.com'))?.id ?? ''
  t.match(await run(['disable', 'ALICE@example.com']), {
    code: 0,
    out: new RegExp(`${id}  disabled`)
  })
  t.match(await run(['disable', id, '-o', 'json']), { code: 0, err: /disabled already/ })
  t.match(await run(['enable', id]), { code: 0, out: /enabled/ })
  t.match(await run(['set-password', id, '--password-stdin'], 'another long password'), { code: 0 })
  t.ok(await verifies('alice@example.com', 'another long password'))
  t.strictSame(ended, [id, id])
})

test('sign-out ends what the account has, leaves it enabled, and is audited', async t => {
  const { run, ended, store, database } = await setUp(t)
  await run(['create', '--login', 'alice@example.com'])
  const before = await store.findByLogin('alice@example.com')
  t.match(await run(['sign-out', 'ALICE@example.com']), { code: 0, out: /enabled/, err: '' })
  const after = await store.findByLogin('alice@example.com')
  t.equal(before?.validAfter, undefined)
  t.ok(after?.validAfter)
  t.strictSame(ended, [after?.id])
  const { rows } = await database.run(
    'test.events',
    `SELECT account_id, data FROM audit_events WHERE type = 'sign_out'`
  )
  t.strictSame(rows, [{ account_id: after?.id, data: { by: 'operator' } }])
})

test("an id is an id even where somebody's login looks like it", async t => {
  const { run, store } = await setUp(t)
  await run(['create', '--login', 'alice'])
  const id = (await store.findByLogin('alice'))?.id ?? ''
  await run(['create', '--login', id])
  await run(['disable', id])
  t.ok((await store.findByLogin('alice'))?.disabledAt)
  t.equal((await store.findByLogin(id))?.disabledAt, undefined)
})

test('the list comes in pages and as text or JSON', async t => {
  const { run } = await setUp(t)
  for (const login of ['cecilia', 'bob', 'alice']) await run(['create', '--login', login])
  const text = await run(['list'])
  t.strictSame(
    text.out
      .trim()
      .split('\n')
      .map(line => line.split(/\s+/).slice(1).join(' ')),
    ['enabled alice', 'enabled bob', 'enabled cecilia']
  )
  const page = JSON.parse(
    (await run(['list', '--after', 'alice', '--limit', '1', '-o', 'json'])).out
  )
  t.match(page, [{ login: 'bob', seeded: false, created_at: /^\d{4}-/ }])
  t.equal(page.length, 1)
})

test('remove-factors takes the factors away, ends what the account has, and is audited', async t => {
  const { run, store, ended, database } = await setUp(t)
  await run(['create', '--login', 'alice@example.com'])
  const alice = await store.findByLogin('alice@example.com')
  const id = alice?.id ?? ''
  const none = await run(['remove-factors', 'alice@example.com'])
  t.match(none, { code: 0, err: /no second factor/ })
  t.same(ended, [])
  const factors = createSecondFactorStore({ sql: database })
  await factors.setTotp(id, Buffer.from('sealed'), 1, 'first')
  await database.run(
    'test.passkey',
    `INSERT INTO passkeys (account_id, credential_id, public_key, counter, transports, aaguid, synced, backed_up, name)
     VALUES ($1, 'id', 'key', 0, '{}', $1, true, true, 'Phone')`,
    [id]
  )
  t.match(await run(['remove-factors', 'ALICE@example.com']), { code: 0, out: /enabled/, err: '' })
  t.same(ended, [id])
  t.equal(await factors.findTotp(id), undefined)
  t.equal(await hasPasskey(database, id), false)
  const { rows } = await database.run<{ type: string }>(
    'test.removed',
    `SELECT type FROM audit_events WHERE account_id = $1 AND type <> 'account.created' ORDER BY id`,
    [id]
  )
  t.same(
    rows.map(({ type }) => type),
    ['passkey.removed', 'totp.removed', 'sign_out']
  )
  t.match(await run(['remove-factors', 'nobody']), { code: 1, err: /no such account/ })
})
