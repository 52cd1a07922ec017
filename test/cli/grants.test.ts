// `mintmark grants list|revoke` over real rows: what lives is shown, what is ended has ended with its families, and nothing else has.

import { randomUUID } from 'node:crypto'
import { Command } from 'commander'
import t from 'tap'
import { grantsCommand } from '../../src/cli/grants.ts'
import { createGrantAdministration } from '../../src/grants/administer.ts'
import { createAccountStore } from '../../src/store/accounts.ts'
import { createGrantStore } from '../../src/store/grants.ts'
import { addGrant } from '../store/rows.ts'
import { createTestDatabase } from '../support/postgres.ts'

const { database } = await createTestDatabase(t)
const store = createGrantStore({ sql: database })
const accounts = createAccountStore({ sql: database })

async function run(...words: string[]) {
  const printed = { out: '', err: '', code: 0 }
  const command = grantsCommand({
    grants: async () => createGrantAdministration({ database }),
    accounts: async () => accounts,
    out: text => {
      printed.out += `${text}\n`
    },
    err: text => {
      printed.err += text
    },
    exit: code => {
      printed.code = code
    }
  })
  const program = new Command('mintmark').addCommand(command)
  for (const each of [program, command, ...command.commands]) {
    each.exitOverride().configureOutput({
      writeErr: text => {
        printed.err += text
      }
    })
  }
  try {
    await program.parseAsync(['grants', ...words], { from: 'user' })
  } catch (error) {
    if (!(error instanceof Error && 'exitCode' in error)) throw error
    printed.code = Number(error.exitCode)
  }
  return printed
}

type Grant = Awaited<ReturnType<typeof addGrant>>

/** One more grant of the same person at the same client. */
async function again(grant: Grant): Promise<Grant> {
  const other = { ...grant, id: `grant-${randomUUID()}` }
  await database.pipeline([store.saveStatement(other)])
  return other
}

const lives = async ({ id }: Grant) => (await store.find(id)) !== undefined

t.beforeEach(async () => {
  await database.run('test.empty', 'TRUNCATE accounts, clients, audit_events CASCADE')
})

t.test('the list shows what lives, of whom it is asked for', async t => {
  const one = await addGrant(database)
  const two = await addGrant(database)
  const ended = await again(one)
  await database.pipeline(store.revokeStatements(ended.id))
  const json = async (...words: string[]) => {
    const { out } = await run('list', ...words, '-o', 'json')
    return (JSON.parse(out) as { id: string }[]).map(({ id }) => id).sort()
  }
  t.same(await json(), [one.id, two.id].sort())
  t.same(await json('--account', one.accountId), [one.id])
  t.same(await json('--client', two.clientId), [two.id])
  t.same(await json('--account', one.accountId, '--client', two.clientId), [])
  const text = await run('list', '--client', two.clientId)
  t.match(
    text.out,
    new RegExp(`^${two.id} +${two.accountId} +${two.clientId} +offline .* openid\\n$`)
  )
  t.match(await run('list', '--client', 'nobody'), { out: '', err: /Nothing is granted/, code: 0 })
})

t.test('one grant is ended by its id, alone', async t => {
  const one = await addGrant(database)
  const other = await again(one)
  t.match(await run('revoke', one.id), { code: 0, out: /has ended/ })
  t.same([await lives(one), await lives(other)], [false, true])
  t.match(await run('revoke', one.id), { code: 1, err: /no such grant/ })
  const { rows } = await database.run(
    'test.events',
    'SELECT type, account_id, client_id, data FROM audit_events'
  )
  t.strictSame(rows, [
    {
      type: 'grant.revoked',
      account_id: one.accountId,
      client_id: one.clientId,
      data: { grantId: one.id, reason: 'operator' }
    }
  ])
})

t.test(
  'all of an account, of a client, or of both are ended, with the consents behind them',
  async t => {
    for (const by of ['account', 'client', 'both'] as const) {
      const one = await addGrant(database)
      const more = await again(one)
      const stranger = await addGrant(database)
      await database.pipeline([
        store.consentStatement(one.accountId, one.clientId, { openid: ['openid'], resources: {} }),
        store.consentStatement(stranger.accountId, stranger.clientId, {
          openid: ['openid'],
          resources: {}
        })
      ])
      const account = ['--account', one.accountId]
      const client = ['--client', one.clientId]
      const words = { account, client, both: [...account, ...client] }[by]
      t.match(await run('revoke', ...words), { code: 0, out: /^2 grants have ended\.\n$/ }, by)
      t.same([await lives(one), await lives(more), await lives(stranger)], [false, false, true])
      t.equal(await store.findConsent(one.accountId, one.clientId), undefined)
      t.ok(await store.findConsent(stranger.accountId, stranger.clientId))
    }
  }
)

t.test('what is not meant is refused', async t => {
  const one = await addGrant(database)
  for (const words of [[], [one.id, '--client', one.clientId]]) {
    t.match(await run('revoke', ...words), { code: 1, err: /Name one grant/ })
  }
  t.match(await run('revoke', '--account', 'nobody@example.com'), {
    code: 1,
    err: /no such account/
  })
  t.not((await run('list', '--limit', '0')).code, 0)
  t.ok(await lives(one))
  await t.rejects(createGrantAdministration({ database }).revokeAll({}), TypeError)
})
