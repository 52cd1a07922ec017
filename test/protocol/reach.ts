// What revocation reaches, over two processes: one does the act, the other is asked. For revocation-reach.test.ts, where the change feed works,
// and revocation-reach-lost.test.ts, where its connections are lost silently.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { createGrantAdministration } from '../../src/grants/administer.ts'
import { type Browser, createBrowser } from '../support/browser.ts'
import { redirectUri, secretOf } from '../support/configuration.ts'
import type { Form } from '../support/forms.ts'
import { fetchFrom, type ProcessRequest, startServerProcess } from '../support/processes.ts'
import { startTestServer } from '../support/server.ts'
import { bitOf, listedApi, withLists } from './listed.ts'
import {
  type App,
  basic,
  type Caller,
  type Code,
  createRequests,
  type Parameters
} from './requests.ts'

/** Whom a row is done to. */
interface Subject {
  app: App
  browser: Browser
  accountId: string
  tokens: { forApi: string; forUserinfo: string; refresh: string }
  /** of a grant that the client manages */
  grantId: string
  code: Code
}

/** What a token, code or secret gets at the other process after the row's act. */
type Fate = 'lives' | 'refused'

interface Fates {
  userinfo: Fate
  introspection: Fate
  /** the bit in the status list */
  listed: Fate
  refresh: Fate | 'unauthenticated'
  /** a code that was issued before and is redeemed after */
  code: Fate | 'unauthenticated'
}

const all = (fate: Fate): Fates => ({
  userinfo: fate,
  introspection: fate,
  listed: fate,
  refresh: fate,
  code: fate
})
/** Another grant's code is not touched. */
const oneGrant: Fates = { ...all('refused'), code: 'lives' }
const client: Fates = { ...all('refused'), refresh: 'unauthenticated', code: 'unauthenticated' }

interface Row {
  act: string
  fates: Fates
  /** its grant ends with its session */
  withSession?: true
  /** its tokens are of a grant that the client manages */
  managed?: true
  do(subject: Subject): Promise<unknown>
}

export interface Titles {
  person(act: string): string
  machine(act: string): string
}

export async function reach(
  t: Test,
  feed: 'works' | 'lost silently',
  titles: Titles
): Promise<void> {
  const password = 'another horse battery staple'

  const rows: Row[] = [
    {
      act: 'revoking access tokens',
      fates: { ...all('lives'), userinfo: 'refused', introspection: 'refused' },
      async do({ app, tokens }) {
        await requests.revoke(app.caller, tokens.forUserinfo)
        await requests.revoke(app.caller, tokens.forApi)
      }
    },
    {
      act: 'revoking a refresh token',
      fates: oneGrant,
      do: ({ app, tokens }) => requests.revoke(app.caller, tokens.refresh)
    },
    {
      act: 'ending one grant',
      fates: oneGrant,
      async do({ accountId }) {
        // the newest one is that of the code
        const [, grant] = await grants.list({ accountId }, 10)
        await grants.revoke(grant?.id ?? '')
      }
    },
    {
      act: 'ending the grants of an account at a client',
      fates: all('refused'),
      do: ({ accountId, app }) => grants.revokeAll({ accountId, clientId: app.clientId })
    },
    {
      act: 'removing access at the page of the account',
      fates: all('refused'),
      async do({ browser, app }) {
        const page = await browser.get('/account/grants')
        const form = ({ fields }: Form) => fields.get('client_id') === app.clientId
        const answer = await browser.submitForm(page, {}, { form })
        if (answer.status !== 303) throw new Error(answer.html)
      }
    },
    {
      act: 'giving up a grant that the client manages',
      fates: oneGrant,
      managed: true,
      async do({ app, grantId }) {
        const scope = 'grant_management_revoke'
        const own = await requests.token(app.caller, { grant_type: 'client_credentials', scope })
        const answer = await fetch(`${main.issuer}/oauth/grants/${grantId}`, {
          method: 'DELETE',
          headers: { authorization: `Bearer ${own.body.access_token}` }
        })
        if (answer.status !== 204) throw new Error(await answer.text())
      }
    },
    {
      act: 'signing out',
      fates: all('refused'),
      withSession: true,
      do: ({ browser }) => requests.signOut(browser)
    },
    {
      act: 'signing out everywhere',
      fates: all('refused'),
      do: ({ accountId }) => main.server.accounts.service.signOut(accountId, 'operator')
    },
    {
      act: 'disabling the account',
      fates: all('refused'),
      do: ({ accountId }) => main.server.accounts.service.disable(accountId, 'cli')
    },
    {
      act: 'setting a password',
      fates: all('refused'),
      do: ({ accountId }) => main.server.accounts.service.setPassword(accountId, password, 'cli')
    },
    {
      act: 'disabling the client',
      fates: client,
      do: ({ app }) => main.server.clients.disable(app.clientId)
    },
    {
      act: 'deleting the client',
      fates: client,
      do: ({ app }) => main.server.clients.delete(app.clientId)
    },
    {
      act: 'revoking the client’s tokens',
      fates: all('refused'),
      do: ({ app }) => main.server.clients.revokeTokens(app.clientId, 'cli')
    },
    {
      act: 'ending the client’s secret',
      fates: { ...all('lives'), refresh: 'unauthenticated', code: 'unauthenticated' },
      do: ({ app }) => main.server.clients.rotateSecret(app.clientId, 'revoke')
    }
  ]

  const nameOf = (at: number) => `reach-${at}`
  const machines = [0, 1, 2, 3].map(at => `machine-${at}`)
  const names = rows.map((_, at) => nameOf(at))
  const [resource] = withLists.resources
  const overrides = {
    ...withLists,
    grantManagement: { enabled: true },
    resources: [{ ...resource, clients: [...names, ...machines] }]
  }

  const main = await startTestServer(t, overrides)
  const other = await startServerProcess(t, main, overrides)
  const requests = createRequests(main)
  const { database } = main.store
  const grants = createGrantAdministration({ database })

  /** The other process; what it says is what counts. */
  const there = (path: string, init?: ProcessRequest) =>
    fetchFrom(other.port, main.issuer, path, init)

  function post(path: string, caller: Caller, form: Parameters) {
    const body = new URLSearchParams()
    for (const [name, value] of Object.entries({ ...caller.parameters, ...form })) {
      for (const one of [value ?? []].flat()) body.append(name, one)
    }
    return there(path, {
      method: 'POST',
      headers: { ...caller.headers, 'content-type': 'application/x-www-form-urlencoded' },
      body: body.toString()
    })
  }

  /** A client and a person of their own, with tokens of every kind and a code that waits. */
  async function makeSubject(
    clientId: string,
    { withSession, managed }: Pick<Row, 'withSession' | 'managed'>
  ): Promise<Subject> {
    const secret = secretOf(clientId)
    const made = await main.server.clients.create({
      clientId,
      type: 'web',
      owner: 'cli',
      secret,
      metadata: {
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
        ...(withSession ? { refresh_tokens: 'always' } : {})
      }
    })
    if (!made.ok) throw new Error(JSON.stringify(made))
    const login = `${clientId}@example.com`
    const who = { login, password: `${clientId} horse battery staple` }
    const created = await main.server.accounts.service.create(who, 'cli')
    if (!created.ok) throw new Error(created.reason)

    const app: App = { clientId, redirectUri, caller: basic(clientId, secret) }
    const browser = createBrowser({ origin: main.issuer })
    const request = {
      app,
      browser,
      who,
      scope: withSession ? 'openid read:list' : 'openid offline_access read:list',
      resource: [listedApi, main.issuer],
      extra: withSession ? {} : { prompt: 'consent' }
    }
    const asked = { ...request.extra, ...(managed && { grant_management_action: 'create' }) }
    const answered = await requests.tokens({ ...request, extra: asked })
    const { access_token: forApi, refresh_token: first } = answered
    const { body } = await requests.refresh(app, first, { resource: main.issuer })
    return {
      app,
      browser,
      accountId: created.account.id,
      tokens: { forApi, forUserinfo: body.access_token, refresh: body.refresh_token },
      grantId: String(answered['grant_id']),
      code: await requests.code(request)
    }
  }

  const fateOf = ({ status, text }: { status: number; text: string }) =>
    status === 200 ? 'lives' : text.includes('"invalid_client"') ? 'unauthenticated' : 'refused'

  /** How each thing fares at the other process, by one request each. */
  const questions: Record<keyof Fates, (subject: Subject) => Promise<string>> = {
    async introspection({ tokens }) {
      const answer = await post('/oauth/introspect', basic('api-server'), { token: tokens.forApi })
      return JSON.parse(answer.text).active === true ? 'lives' : 'refused'
    },
    userinfo: async ({ tokens }) =>
      fateOf(
        await there('/userinfo', { headers: { authorization: `Bearer ${tokens.forUserinfo}` } })
      ),
    listed: async ({ tokens }) => ((await bitOf(there, tokens.forApi)) === 0 ? 'lives' : 'refused'),
    refresh: async ({ app, tokens }) =>
      fateOf(
        await post('/oauth/token', app.caller, {
          grant_type: 'refresh_token',
          refresh_token: tokens.refresh
        })
      ),
    code: async ({ app, code }) =>
      fateOf(
        await post('/oauth/token', app.caller, {
          grant_type: 'authorization_code',
          code: code.code,
          redirect_uri: redirectUri,
          code_verifier: code.verifier
        })
      )
  }

  /** What is judged by the database at each use is refused by the first request; what is remembered, within the second that is promised. */
  const remembered = new Set<string>(['listed', 'unauthenticated'])

  /** Asks until the answer is the one that must come; the test's own time-out ends it if it does not. */
  async function eventually(what: () => Promise<string>, wanted: string): Promise<string> {
    for (let tries = 0; ; tries++) {
      const answer = await what()
      if (answer === wanted || tries === 200) return answer
      await sleep(50)
    }
  }

  /** Stops the backends of every feed: their connections stand, and nothing comes through them. */
  async function freezeFeeds(t: Test) {
    const feeds = () =>
      database.run<{ pid: number }>(
        'test.feeds',
        `SELECT pid FROM pg_stat_activity
         WHERE application_name = 'mintmark-feed' AND datname = current_database()`
      )
    // one for each process, soon: one that was lost may be on its way back. More while one that was stopped has not found out yet
    await eventually(async () => String((await feeds()).rows.length >= 2), 'true')
    const { rows } = await feeds()
    t.ok(rows.length >= 2)
    for (const { pid } of rows) process.kill(pid, 'SIGSTOP')
    return () => {
      for (const { pid } of rows) process.kill(pid, 'SIGCONT')
    }
  }
  for (const [at, row] of rows.entries()) {
    t.test(titles.person(row.act), async t => {
      const subject = await makeSubject(nameOf(at), row)
      // warm: the other process remembers the client and the list
      for (const name of ['introspection', 'userinfo', 'listed'] as const) {
        t.equal(await questions[name](subject), 'lives', `${name}, before`)
      }
      const wrong = { grant_type: 'refresh_token', refresh_token: 'none' }
      t.equal(fateOf(await post('/oauth/token', subject.app.caller, wrong)), 'refused')

      const thaw = feed === 'lost silently' ? await freezeFeeds(t) : () => {}
      const fates: Record<string, string> = {}
      const begun = performance.now()
      let longest = 0
      try {
        await row.do(subject)
        for (const name of Object.keys(questions) as (keyof Fates)[]) {
          const wanted = row.fates[name]
          const ask = () => questions[name](subject)
          const waits = remembered.has(name) || remembered.has(wanted)
          // a refresh or a code that was answered 200 before its time would be spent: those are asked until they are not
          fates[name] = waits && wanted !== 'lives' ? await eventually(ask, wanted) : await ask()
          if (waits) longest = Math.max(longest, performance.now() - begun)
        }
      } finally {
        thaw()
      }
      t.same(fates, row.fates)
      t.comment(`all of it ${Math.round(longest)} ms after the act began`)
    })
  }

  const machineActs: [string, (clientId: string) => Promise<unknown>, number][] = [
    ['disabling', id => main.server.clients.disable(id), 401],
    ['deleting', id => main.server.clients.delete(id), 401],
    ['revoking the tokens of', id => main.server.clients.revokeTokens(id, 'cli'), 200],
    ['ending the secret of', id => main.server.clients.rotateSecret(id, 'revoke'), 401]
  ]
  for (const [at, [act, work, after]] of machineActs.entries()) {
    t.test(titles.machine(act), async t => {
      const clientId = `machine-${at}`
      const caller = basic(clientId)
      const secret = secretOf(clientId)
      await main.server.clients.create({
        clientId,
        type: 'machine',
        owner: 'cli',
        secret,
        metadata: {}
      })
      const issue = () =>
        post('/oauth/token', caller, { grant_type: 'client_credentials', resource: listedApi })
      const first = await issue()
      t.equal(first.status, 200)
      const { access_token: token } = JSON.parse(first.text)
      const here = await requests.machine(clientId, { resource: listedApi })
      const isActive = async (value: string) => {
        const answer = await post('/oauth/introspect', basic('api-server'), { token: value })
        return JSON.parse(answer.text).active as boolean
      }
      const bit = async (value: string) => String(await bitOf(there, value))
      for (const value of [token, here.body.access_token]) {
        t.equal(await isActive(value), true)
        t.equal(await bit(value), '0')
      }
      const thaw = feed === 'lost silently' ? await freezeFeeds(t) : () => {}
      try {
        await work(clientId)
        const ended = act !== 'ending the secret of'
        for (const value of [token, here.body.access_token]) {
          t.equal(await isActive(value), !ended)
          t.equal(await eventually(() => bit(value), ended ? '1' : '0'), ended ? '1' : '0')
        }
        const status = async () => String((await issue()).status)
        t.equal(await eventually(status, String(after)), String(after))
        if (act !== 'revoking the tokens of') return
        // what it gets from then on stands elsewhere in the list
        const newBit = async () => bit(JSON.parse((await issue()).text).access_token)
        t.equal(await eventually(newBit, '0'), '0')
        t.equal(await bit(token), '1')
      } finally {
        thaw()
      }
    })
  }
}
