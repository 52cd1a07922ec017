// Accounts and password hashes from elsewhere: read letter by letter, refused when they cost too much, verified in the same queue, made anew
// at the next sign-in; and nothing about them tells who is there.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { createDecoys } from '../../src/accounts/decoys.ts'
import { createAccountImport } from '../../src/accounts/import.ts'
import { importedDecoy, readImportedHash } from '../../src/accounts/imported-hash.ts'
import { accountsImportCommand } from '../../src/cli/accounts-import.ts'
import { setUp } from './sign-in-process.ts'

/** Made by Apache's htpasswd, and by Python's hashlib. */
const password = 'correct horse 9'
const salt = '..9zYWx0LW9mLXBia2RmMg'
const sha512 =
  'DX1VEmXAbU..fLvQn9FC1aLBbUzBNIqLPTZKK.K26sTb.mqIOtTzh5RjXHY3.80GlnT/VyiDYY7mPe5jkGHMcg'
const keycloak = {
  type: 'password',
  secretData: JSON.stringify({
    value: `${sha512.replaceAll('.', '+')}==`,
    salt: '++9zYWx0LW9mLXBia2RmMg==',
    additionalParameters: {}
  }),
  credentialData: JSON.stringify({ hashIterations: 1000, algorithm: 'pbkdf2-sha512' })
}
const hashes: Record<string, string> = {
  bcrypt: '$2y$04$6HKe1u1NR7bAe.lRBhvxYevMBFH0NUYqpjbSZ1m3TAC5tXwPFTx8y',
  scrypt:
    '$scrypt$ln=10,r=8,p=1$c2FsdC1vZi1zY3J5cHQtMQ$mbaVJkv+i+qdAKt0aZ6fxYowo3h4X5Woqa6Vpms1CZQ',
  werkzeug:
    'scrypt:1024:8:1$AbCdEfGh12345678$1d7c4ab9917f87c1a4e024bdbd1dd0435c2d08678310067c8c360f6abb8721b515debc4866ac819f7c64addc797511a4527436c69d061268f8a64597ffa5d25e',
  passlib: `$pbkdf2-sha256$1000$${salt}$25Mw3w6ZzUWEC2ZqfrKTOXQ9cjQTQ1njDh5dM383jxk`,
  'passlib-512': `$pbkdf2-sha512$1000$${salt}$${sha512}`,
  django: 'pbkdf2_sha256$1000$seasalt2$bSj7B+cf2qwOt+gabQWlWjsCZO+uw0yFtjwoNnBnD6I=',
  'werkzeug-pbkdf2':
    'pbkdf2:sha256:1000$AbCdEfGh$7f43c4bc843088779d66d9cdd4d54d35799cef00961bc366571c0b7a0673ac4c'
}

const lines = [
  ...Object.entries(hashes).map(([login, password_hash]) =>
    JSON.stringify({ login, password_hash })
  ),
  JSON.stringify({ login: 'keycloak', credential: keycloak })
]

test('imported hashes of every kind sign in, and are argon2id from then on', async t => {
  const { database, accounts, derived, tryOne } = await setUp(t)
  const outcomes = await createAccountImport({ database }).take(lines, 'write')
  t.strictSame(
    outcomes,
    lines.map(() => ({ kind: 'created' }))
  )
  for (const login of [...Object.keys(hashes), 'keycloak']) {
    t.match(await tryOne({ login }), { reason: 'password_mismatch' }, login)
    derived.length = 0
    t.match(await tryOne({ login, password }), { ok: true }, login)
    t.equal(derived.length, 1, `${login}: the new hash, once`)
    t.match((await accounts.findWithPassword(login))?.password, /^\$argon2id\$/, login)
    t.match(await tryOne({ login, password }), { ok: true }, `${login}, again`)
  }
})

test('bcrypt reads 72 bytes of a password, and the upgrade all of them', async t => {
  const { database, tryOne } = await setUp(t)
  const password_hash = '$2y$05$34kngOv5cJFlGqKuOcG32OgskZY7Ph/QnykiVxIg7D0.MTKRV479a'
  await createAccountImport({ database }).take(
    [JSON.stringify({ login: 'long', password_hash })],
    'write'
  )
  const typed = 'x'.repeat(80)
  t.match(await tryOne({ login: 'long', password: 'x'.repeat(71) }), { ok: false })
  t.match(await tryOne({ login: 'long', password: typed }), { ok: true })
  t.match(await tryOne({ login: 'long', password: 'x'.repeat(72) }), { ok: false }, 'no longer')
  t.match(await tryOne({ login: 'long', password: typed }), { ok: true })
})

test('a hash that would cost too much, or is not known letter by letter, is refused', async t => {
  const refused: Record<string, string[]> = {
    hash_too_costly: [
      hashes['bcrypt']?.replace('$04$', '$15$') ?? '',
      '$scrypt$ln=20,r=8,p=1$c2FsdHNhbHRzYWx0$mbaVJkv+i+qdAKt0aZ6fxYowo3h4X5Woqa6Vpms1CZQ',
      '$scrypt$ln=17,r=8,p=9$c2FsdHNhbHRzYWx0$mbaVJkv+i+qdAKt0aZ6fxYowo3h4X5Woqa6Vpms1CZQ',
      'pbkdf2_sha256$9000000$seasalt2$bSj7B+cf2qwOt+gabQWlWjsCZO+uw0yFtjwoNnBnD6I='
    ],
    hash_malformed: [
      hashes['bcrypt']?.replace('$04$', '$03$') ?? '',
      'scrypt:1000:8:1$AbCdEfGh$1d7c4ab9917f87c1a4e024bdbd1dd0435c2d08678310067c8c360f6abb8721b5',
      '$scrypt$ln=0,r=8,p=1$c2FsdHNhbHRzYWx0$mbaVJkv+i+qdAKt0aZ6fxYowo3h4X5Woqa6Vpms1CZQ',
      'pbkdf2_sha256$0$seasalt2$bSj7B+cf2qwOt+gabQWlWjsCZO+uw0yFtjwoNnBnD6I='
    ],
    hash_unknown: [
      '',
      '5f4dcc3b5aa765d61d8327deb882cf99',
      '$1$abcdefgh$ijklmnopqrstuv',
      '$2x$04$6HKe1u1NR7bAe.lRBhvxYevMBFH0NUYqpjbSZ1m3TAC5tXwPFTx8y',
      ` ${hashes['bcrypt']}`,
      `${hashes['bcrypt']}\n`,
      '$argon2i$v=19$m=65536,t=2,p=1$c2FsdHNhbHQ$bSj7B+cf2qwOt+gabQWlWjsCZO+uw0yFtjwoNnBnD6I',
      'a'.repeat(100_000)
    ]
  }
  for (const [reason, texts] of Object.entries(refused)) {
    for (const text of texts)
      t.strictSame(readImportedHash(text), { ok: false, reason }, text.slice(0, 60))
  }
})

test('a name of nobody costs an imported hash as often as accounts have one, the same name always the same', async t => {
  const prefixes = ['$2b$10$', '$scrypt$ln=15,r=8,p=1$', '$pbkdf2-sha512$i=210000,l=64$']
  const decoys = createDecoys({
    usual: 'argon2id',
    imported: importedDecoy,
    kinds: async () => ({
      total: 1_000,
      imported: [
        ...prefixes.map(prefix => ({ prefix, accounts: 200 })),
        { prefix: '$9$', accounts: 9 }
      ]
    }),
    key: Buffer.alloc(32, 1),
    now: () => 0
  })
  const found = new Map<string, number>()
  for (let n = 0; n < 2_000; n += 1) {
    const decoy = await decoys.of(`name-${n}`)
    t.equal(await decoys.of(`name-${n}`), decoy)
    found.set(decoy, (found.get(decoy) ?? 0) + 1)
  }
  t.equal(found.size, 4)
  for (const prefix of prefixes) {
    const [decoy, times = 0] = [...found].find(([text]) => text.startsWith(prefix)) ?? []
    t.ok(times > 320 && times < 480, `${decoy}: ${times}`)
    t.ok(readImportedHash(decoy ?? '').ok, 'the same work as a real one')
  }
})

test('a verified address is a name that signs in, and is one account’s', async t => {
  const { database, accounts, tryOne } = await setUp(t)
  const { take } = createAccountImport({ database })
  const line = (login: string, email: string, email_verified: boolean) =>
    JSON.stringify({ login, email, email_verified, password_hash: hashes['bcrypt'] })
  const made = line('mary', 'Mary@Example.com', true)
  const others = [
    line('mary2', 'mary@example.com', true),
    line('mary@example.com', 'm@example.com', true),
    line('mary3', 'mary@example.com', false)
  ]
  t.same(await take([made], 'write'), [{ kind: 'created' }])
  const expected = [
    { kind: 'refused', reason: 'address_taken' },
    { kind: 'refused', reason: 'login_taken' },
    { kind: 'created' }
  ]
  t.same(await take(others, 'dry run'), expected)
  t.same(await take(others, 'write'), expected)
  t.match(await tryOne({ login: 'mary@example.com', password }), {
    ok: true,
    account: { login: 'mary' }
  })
  t.equal((await accounts.findByName('mary@example.com'))?.login, 'mary')
})

test('of parallel imports of one address one is there, and no batch is lost', async t => {
  const { database } = await setUp(t)
  const batches = Array.from({ length: 6 }, (_, at) => [
    JSON.stringify({ login: `other${at}` }),
    JSON.stringify({ login: `p${at}`, email: 'one@example.com', email_verified: true })
  ])
  const outcomes = await Promise.all(
    batches.map(lines => createAccountImport({ database }).take(lines, 'write'))
  )
  t.ok(
    outcomes.every(([first]) => first?.kind === 'created'),
    'what has nothing to do with it is there'
  )
  t.equal(outcomes.filter(([, second]) => second?.kind === 'created').length, 1)
})

test('the database tells the kinds of hashes that wait for their first sign-in', async t => {
  const { database, accounts } = await setUp(t)
  await createAccountImport({ database }).take(lines, 'write')
  const { total, imported } = await accounts.countHashes()
  t.equal(total, lines.length + 1)
  t.strictSame(imported.map(({ prefix, accounts }) => `${prefix} ${accounts}`).sort(), [
    '$2y$04$ 1',
    '$pbkdf2-sha256$i=1000,l=32$ 3',
    '$pbkdf2-sha512$i=1000,l=64$ 2',
    '$scrypt$ln=10,r=8,p=1$ 2'
  ])
  for (const { prefix } of imported) t.ok(importedDecoy(prefix), prefix)
})

test('mintmark accounts import: lines one by one, again without harm, and nothing in a dry run', async t => {
  const { database, accounts, alice } = await setUp(t)
  const folder = mkdtempSync(join(tmpdir(), 'mm-import-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'people.ndjson')
  const id = '6f0c2b1e-7a40-4a52-9a55-0d6f3a3c7e11'
  const good = {
    id,
    login: 'Carol',
    email: 'carol@example.com',
    email_verified: true,
    name: 'Carol',
    locale: 'ko'
  }
  const content = [
    `\ufeff${JSON.stringify({ ...good, password_hash: hashes['bcrypt'] })}`,
    '{ not json',
    '',
    JSON.stringify({ login: 'dave', role: 'admin' }),
    JSON.stringify({ login: 'erin', password_hash: 'md5:x' }),
    JSON.stringify({ id: 'not-a-uuid', login: 'frank' }),
    JSON.stringify({ id, login: 'grace' }),
    JSON.stringify({ id: '6f0c2b1e-7a40-4a52-9a55-0d6f3a3c7e12', login: alice.login }),
    JSON.stringify({ login: 'heidi', disabled: true }),
    JSON.stringify({ login: 'ivan', password_hash: 7 }),
    '[]'
  ]
  writeFileSync(file, content.join('\n'))
  async function run(...options: string[]) {
    const said = { out: '', err: '', code: 0 }
    await accountsImportCommand({
      importer: async () => createAccountImport({ database }),
      out: text => {
        said.out += text
      },
      err: text => {
        said.err += text
      },
      exit: given => {
        said.code = given
      }
    }).parseAsync([file, ...options], { from: 'user' })
    const numbers = said.err
      .split('\n')
      .map(line => line.split(':')[0])
      .filter(Boolean)
    return { ...said, lines: numbers }
  }
  const wrong = [2, 4, 5, 6, 8, 10, 11].map(line => `line ${line}`)
  const dry = await run('--dry-run')
  t.match(dry, { out: '3 would be created, 0 there already, 7 refused\n', lines: wrong, code: 1 })
  t.equal(await accounts.findByLogin('carol'), undefined)
  const told = await run()
  t.match(told, { out: '2 created, 0 there already, 8 refused\n', code: 1 })
  t.strictSame(told.lines, ['line 2', 'line 4', 'line 5', 'line 6', 'line 7', ...wrong.slice(4)])
  t.match(told.err, /line 4: .*\(role\)/)
  t.match(await accounts.findByLogin('carol'), { id, emailVerified: true, locale: 'ko' })
  t.ok((await accounts.findByLogin('heidi'))?.disabledAt)
  t.match(await run('-o', 'json'), { out: '{"created":0,"present":2,"refused":8}\n' })
})
