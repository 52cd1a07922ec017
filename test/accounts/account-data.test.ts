// The copy of a person's data has what every table holds of them: a new table must be added here, with its member of the copy or the reason why it
// has none.

import { randomBytes } from 'node:crypto'
import t from 'tap'
import { composeOwnAccount } from '../../src/own-account.ts'
import { createAccountStore } from '../../src/store/accounts.ts'
import { testConfig } from '../support/configuration.ts'
import { createTestDatabase } from '../support/postgres.ts'

const { database } = await createTestDatabase(t)
const accounts = createAccountStore({ sql: database })
// a copy asks nothing of these
const unused = { accounts: {}, apps: {} } as Pick<
  Parameters<typeof composeOwnAccount>[0],
  'accounts' | 'apps'
>
const { data } = composeOwnAccount({
  ...unused,
  config: testConfig('http://localhost:3000'),
  database,
  now: () => new Date()
})

let statements = 0
const sql = (text: string, values: unknown[] = []) =>
  database.run<Record<string, string>>(`test.data.${++statements}`, text, values)

/** table that names accounts -> member of the copy, or why there is none */
const tables: Record<string, string> = {
  sessions: 'sessions',
  grants: 'grants',
  consents: 'consents',
  passkeys: 'passkeys',
  totp_factors: 'second_factors',
  recovery_code_sets: 'second_factors',
  linked_identities: 'linked_identities',
  sign_in_devices: 'known_browsers',
  managed_grants: '(an id of a grant for a client; what it allows is in grants)',
  pending_sign_ins: '(a sign-in of the last ten minutes)',
  account_names: '(login and address, which are in profile)',
  mail_links: '(a link that was sent, which opens something)',
  passkey_users: '(a random value that stands for the account at authenticators)'
}

t.test('every table that belongs to an account is in the copy, or says why not', async t => {
  const { rows } = await sql(`SELECT conrelid::regclass::text AS name FROM pg_constraint
    WHERE contype = 'f' AND confrelid = 'accounts'::regclass AND conparentid = 0 ORDER BY 1`)
  t.same([...new Set(rows.map(({ name }) => name))].sort(), Object.keys(tables).sort())
})

t.test('what an account signs in by is told, without what opens it', async t => {
  const account = await accounts.create('ada', undefined, {}, 'made')
  const other = await accounts.create('bob', undefined, {}, 'made')
  if (account === undefined || other === undefined) throw new Error('no account')
  const [seed, key, mac] = [randomBytes(32), randomBytes(32), randomBytes(32)]
  for (const { id } of [account, other]) {
    const mine = id === account.id ? 'mine' : 'theirs'
    await sql('INSERT INTO totp_factors (account_id, sealed, last_step) VALUES ($1, $2, 0)', [
      id,
      seed
    ])
    await sql('INSERT INTO recovery_code_sets (account_id, sealed) VALUES ($1, $2)', [id, key])
    await sql('INSERT INTO recovery_codes (account_id, mac) VALUES ($1, $2)', [id, mac])
    await sql(
      `INSERT INTO linked_identities (issuer, subject, account_id, upstream, label)
       VALUES ('https://op.example.com', $2, $1, 'work', $2)`,
      [id, mine]
    )
    await sql(
      `INSERT INTO sign_in_devices (id, account_id, label, expires_at)
       VALUES ($2, $1, $3, clock_time() + interval '1 day')`,
      [id, randomBytes(32), mine]
    )
  }
  let text = ''
  for await (const piece of data(account)) text += piece
  t.match(JSON.parse(text), {
    profile: { login: 'ada' },
    passkeys: [],
    second_factors: [{ kind: 'totp' }, { kind: 'recovery_codes', left: 1 }],
    linked_identities: [
      { issuer: 'https://op.example.com', subject: 'mine', provider: 'work', label: 'mine' }
    ],
    known_browsers: [{ browser: 'mine' }]
  })
  t.notMatch(text, 'theirs')
  for (const secret of [seed, key, mac]) {
    for (const form of ['hex', 'base64', 'base64url'] as const) {
      t.notOk(text.includes(secret.toString(form)))
    }
  }
})
