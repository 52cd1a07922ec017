// What a request for a link writes, on a real database: as much for whoever has an account as for everybody else (check 162, R-55).

import { randomBytes, randomUUID } from 'node:crypto'
import t from 'tap'
import { createAccountStore } from '../../src/store/accounts.ts'
import { createMailLinkStore } from '../../src/store/mail-links.ts'
import { createTestDatabase } from '../support/postgres.ts'

const { database } = await createTestDatabase(t)
const accounts = createAccountStore({ sql: database })
const links = createMailLinkStore({ sql: database })

async function account(login: string, verified = true) {
  const profile = { email: login, emailVerified: verified }
  const made = await accounts.create(login, undefined, profile, 'made')
  if (made === undefined) throw new Error(login)
  return made.id
}
const asks = await account('asks@example.com')
await account('known@example.com')
await account('unproved@example.com', false)
await accounts.disable(await account('disabled@example.com'))

const mail = () => ({
  ...{ id: randomUUID(), kind: 'reset', locale: 'en', lifetimeSeconds: 60 },
  sealed: randomBytes(100)
})

/** Rows that a request adds, the first time and again. */
async function written(work: () => Promise<unknown>) {
  const count = async () => {
    const { rows } = await database.run<{ links: number; mails: number }>(
      'test.written',
      `SELECT (SELECT count(*)::int FROM mail_links) AS links, (SELECT count(*)::int FROM mails) AS mails`
    )
    return rows[0] ?? { links: 0, mails: 0 }
  }
  const before = await count()
  await work()
  const after = await count()
  return { links: after.links - before.links, mails: after.mails - before.mails }
}

t.test('a request writes a link and a mail, whoever is meant', async t => {
  const mailbox = (email: string) => ({ email, called: email })
  const requests = {
    reset: (email: string) => links.reset(email, randomBytes(32), mail()),
    'sign-up': (email: string) => links.invite('sign_up', mailbox(email), randomBytes(32), mail()),
    'another address': (email: string) => links.email(asks, mailbox(email), randomBytes(32), mail())
  }
  for (const [name, ask] of Object.entries(requests)) {
    for (const who of ['known', 'unproved', 'disabled', 'nobody']) {
      await database.run('test.none', 'DELETE FROM mail_links')
      const first = await written(() => ask(`${who}@example.com`))
      t.same(first, { links: 1, mails: 1 }, `${name}: ${who}`)
      const again = await written(() => ask(`${who}@example.com`))
      t.same(again, { links: 0, mails: 1 }, `${name}: ${who}, once more`)
    }
  }
})

t.test('what is written for nobody opens nothing and goes nowhere', async t => {
  await database.run('test.no_mails', 'DELETE FROM mails')
  const id = randomBytes(32)
  await links.reset('nobody@example.com', id, mail())
  t.equal(await links.find(id, ['reset', 'sign_up', 'invitation', 'email']), undefined)
  const { rows } = await database.run('test.mails', 'SELECT kind, account_id, recipient FROM mails')
  t.same(rows, [{ kind: 'none', account_id: null, recipient: '' }])
})
