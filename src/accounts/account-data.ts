// The copy of their data that a person takes home: profile, sessions, what they have allowed, what the audit trail has of them, and what other
// parts hold (passkeys, identities elsewhere). One JSON document, written as it is read, page by page: a slow reader holds no connection to the
// database and no copy in memory. Refuses secrets: no password, no token, no identifier that only the server uses.

import { createAccountDataStore } from '../store/account-data.ts'
import { createAccountSessionStore } from '../store/account-sessions.ts'
import type { Account } from '../store/accounts.ts'
import type { Database } from '../store/database.ts'
import { createPersonEventStore } from '../store/person-events.ts'

/** A member of the document that another part knows. */
export interface DataPart {
  member: string
  /** wire names; no secrets */
  read(accountId: string): Promise<readonly object[]>
}

const pageRows = 500
const mostSessions = 1_000

/** The document in pieces. Throws Fault `store_unavailable` when the database does not answer. */
export function createAccountData(deps: {
  database: Database
  issuer: string
  parts: readonly DataPart[]
  now: () => Date
}) {
  const { database } = deps
  const data = createAccountDataStore({ sql: database })
  const events = createPersonEventStore({ sql: database })
  const sessions = createAccountSessionStore({ sql: database })

  async function* byId(read: (after: string) => Promise<{ id: string; told: object }[]>) {
    for (let after = ''; ; ) {
      const rows = await read(after)
      yield* rows.map(({ told }) => told)
      const last = rows.at(-1)
      if (last === undefined || rows.length < pageRows) return
      after = last.id
    }
  }

  async function* ofSessions(accountId: string) {
    for (const { uid: _, ...session } of await sessions.list(accountId, mostSessions)) {
      yield {
        browser: session.browser,
        system: session.system,
        address: session.address,
        last_address: session.seenAddress,
        signed_in_at: session.signedInAt,
        last_seen_at: session.seenAt,
        client_ids: session.clientIds
      }
    }
  }

  async function* ofEvents(accountId: string) {
    let after: string | undefined
    do {
      const page = await events.listAll(accountId, { limit: pageRows, after })
      for (const { at, type, outcome, clientId, address, data: about } of page.events) {
        yield { at, type, outcome, client_id: clientId, address, data: about }
      }
      after = page.next
    } while (after !== undefined)
  }

  /** `"member":[…]`, an item a line */
  async function* list(member: string, items: AsyncIterable<object> | Iterable<object>) {
    yield `,\n${JSON.stringify(member)}:[`
    let before = '\n'
    for await (const item of items) {
      yield before + JSON.stringify(item)
      before = ',\n'
    }
    yield ']'
  }

  return async function* documentOf(account: Account): AsyncGenerator<string> {
    const { id, login } = account
    const profile = {
      sub: id,
      login,
      name: account.name,
      email: account.email,
      email_verified: account.emailVerified,
      locale: account.locale,
      claims: account.claims,
      created_at: account.createdAt
    }
    const head = { issuer: deps.issuer, made_at: deps.now(), profile }
    yield JSON.stringify(head).slice(0, -1)
    yield* list('sessions', ofSessions(id))
    yield* list(
      'grants',
      byId(after => data.grants(id, after, pageRows))
    )
    yield* list(
      'consents',
      byId(after => data.consents(id, after, pageRows))
    )
    for (const { member, read } of deps.parts) yield* list(member, await read(id))
    yield* list('security_events', ofEvents(id))
    yield '\n}\n'
  }
}

export type AccountData = ReturnType<typeof createAccountData>
