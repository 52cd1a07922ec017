// What becomes of every table when a backup was restored: a new one must be added here, with the reason why it may stay.

import t from 'tap'
import { createRestoreStore } from '../../src/store/restore.ts'
import { createTestDatabase } from '../support/postgres.ts'

const { database } = await createTestDatabase(t)

/** table -> what `endWhatIsDoubtful` does to it, or why nothing */
const tables: Record<string, string> = {
  accounts: 'as they were',
  account_names: 'as they were',
  artifacts: 'by kind',
  attempts: 'windows of minutes, which are over',
  audit_events: 'what happened',
  backchannel_requests: 'emptied',
  changes: 'what other processes are told',
  client_documents: 'a cache',
  client_secrets: 'as they were',
  clients: 'as they were',
  consents: 'as they were',
  denied_tokens: 'refuses, and never accepts',
  grants: 'ended with the families',
  document_fetches: 'when a document is fetched again',
  leases: 'of seconds',
  linked_identities: 'as they were',
  logout_notices: 'a logout token ends what is ended',
  mail_links: 'emptied',
  mails: 'emptied',
  managed_grants: 'ids of grants',
  migrations: 'of knex',
  migrations_lock: 'of knex',
  outbox_mails: 'of development',
  passkey_users: 'as they were',
  passkeys: 'as they were',
  pending_sign_ins: 'emptied',
  ping_notices: 'tells to ask, and nothing more',
  recovery_code_sets: 'as they were (docs/backup.md)',
  recovery_codes: 'as they were (docs/backup.md)',
  refresh_families: 'ended unless they are kept',
  registration_tokens:
    'as they were: what was used since may be used again, within its quota of clients',
  replay_records:
    'refuses, and never accepts; what was made before the restore is refused by its time',
  row_allowances: 'counted anew',
  server_secrets: 'as they were',
  session_clients: 'emptied',
  sessions: 'emptied',
  settings: 'the epoch',
  sign_in_devices: 'gives attempts, and opens nothing',
  signing_keys: 'as they were',
  status_entries: 'emptied',
  status_lists: 'ended',
  totp_factors: 'as they were (docs/backup.md)',
  upstream_offers: 'emptied',
  upstream_requests: 'emptied',
  user_codes: 'emptied'
}

t.test('every table is thought of', async t => {
  const { rows } = await database.run<{ name: string }>(
    'test.tables',
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
       AND NOT relispartition ORDER BY 1`
  )
  t.same(
    rows.map(({ name }) => name),
    Object.keys(tables).sort()
  )
})

t.test('what is good once is gone, since it may have been used (D-25)', async t => {
  const { rows } = await database.run<{ id: string }>(
    'test.account',
    `INSERT INTO accounts (login) VALUES ('ada') RETURNING id`
  )
  const id = rows[0]?.id ?? ''
  for (const [table, text] of Object.entries({
    mail_links: `(id, purpose, account_id, expires_at) VALUES ('a', 'reset', '${id}', clock_time() + interval '1 hour')`,
    mails: `(kind, recipient, expires_at) VALUES ('reset', 'a@example.com', clock_time() + interval '1 hour')`,
    pending_sign_ins: `(id, account_id, amr, expires_at) VALUES ('a', '${id}', '{pwd}', clock_time() + interval '1 hour')`
  })) {
    await database.run(`test.insert.${table}`, `INSERT INTO ${table} ${text}`)
  }
  await database.transaction(tx =>
    createRestoreStore({ sql: database }).endWhatIsDoubtful(tx, 2, 'keep families')
  )
  for (const [table, fate] of Object.entries(tables)) {
    if (fate !== 'emptied') continue
    const { rowCount } = await database.run(`test.left.${table}`, `SELECT FROM ${table}`)
    t.equal(rowCount, 0, table)
  }
})
