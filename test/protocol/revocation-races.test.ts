// Revocation racing what brings new tokens, over two processes: the exchange of a code, in both orders, and an authorization that had read its
// session. Whoever wins, no token lives afterwards (security.md #100, D-1). Rotation's races are in races.test.ts.

import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createGrantAdministration } from '../../src/grants/administer.ts'
import { createBrowser } from '../support/browser.ts'
import { redirectUri, secretOf } from '../support/configuration.ts'
import { held, startContest } from './contest.ts'
import { bitOf, listedApi, referenceIn, withLists } from './listed.ts'
import { type App, basic, type Code } from './requests.ts'

interface Subject {
  app: App
  accountId: string
}

interface Act {
  name: string
  /** whoever consents at the same moment may have done so afterwards */
  leavesTheSession?: true
  do(subject: Subject): Promise<unknown>
  /** what could bring a token back that only slept */
  undo?(subject: Subject): Promise<unknown>
}

const acts: Act[] = [
  {
    name: 'ending the grants of an account at a client',
    leavesTheSession: true,
    do: ({ accountId, app }) => grants.revokeAll({ accountId, clientId: app.clientId })
  },
  {
    name: 'signing out everywhere',
    do: ({ accountId }) => accounts.signOut(accountId, 'operator')
  },
  {
    name: 'setting a password',
    do: ({ accountId }) => accounts.setPassword(accountId, 'another horse battery staple', 'cli')
  },
  {
    name: 'disabling the account',
    do: ({ accountId }) => accounts.disable(accountId, 'cli'),
    undo: ({ accountId }) => accounts.enable(accountId, 'cli')
  },
  {
    name: 'disabling the client',
    do: ({ app }) => clients.disable(app.clientId),
    undo: ({ app }) => clients.enable(app.clientId)
  },
  {
    name: 'revoking the client’s tokens',
    leavesTheSession: true,
    do: ({ app }) => clients.revokeTokens(app.clientId, 'cli')
  },
  { name: 'deleting the client', do: ({ app }) => clients.delete(app.clientId) }
]

const [resource] = withLists.resources
const ids = Array.from({ length: 3 * acts.length }, (_, at) => `racer-${at}`)
const unused = ids.values()
const contest = await startContest(t, {
  ...withLists,
  resources: [{ ...resource, clients: ids }]
})
const { main, requests } = contest
const { databaseUrl } = main
const { clients } = main.server
const accounts = main.server.accounts.service
const grants = createGrantAdministration({ database: main.store.database })
const fetchHere = (path: string) => requests.get(path)

async function makeSubject() {
  const clientId = unused.next().value ?? ''
  const made = await clients.create({
    clientId,
    type: 'web',
    owner: 'cli',
    secret: secretOf(clientId),
    metadata: {
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token']
    }
  })
  if (!made.ok) throw new Error(JSON.stringify(made))
  const who = { login: `${clientId}@example.com`, password: `${clientId} horse battery staple` }
  const created = await accounts.create(who, 'cli')
  if (!created.ok) throw new Error(created.reason)
  const app: App = { clientId, redirectUri, caller: basic(clientId) }
  const request = {
    app,
    who,
    browser: createBrowser({ origin: main.issuer }),
    scope: 'openid offline_access read:list',
    resource: [listedApi, main.issuer],
    extra: { prompt: 'consent' }
  }
  return { app, accountId: created.account.id, request }
}

const exchange = ({ code, verifier, app }: Code) =>
  contest.post(1, '/oauth/token', app.caller, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    code_verifier: verifier
  })

/** Nothing of what an exchange answered opens anything, at either process, also when what was disabled is enabled again. */
async function assertNothingLives(
  t: Test,
  subject: Subject,
  act: Act,
  answer: { status: number; text: string }
) {
  t.ok([200, 400, 401].includes(answer.status), `the exchange answered ${answer.status}`)
  await act.undo?.(subject)
  if (answer.status !== 200) return
  const { access_token: token, refresh_token: rest } = JSON.parse(answer.text)
  for (const turn of [0, 1]) {
    const asked = await contest.post(turn, '/oauth/introspect', basic('api-server'), { token })
    t.equal(asked.text, '{"active":false}')
    const { caller } = subject.app
    const refreshing = { grant_type: 'refresh_token', refresh_token: rest }
    const refreshed = await contest.post(turn, '/oauth/token', caller, refreshing)
    t.match(refreshed.text, /"error":"invalid_(grant|client)"/)
    const both = { grant_type: 'refresh_token', refresh_token: rest, resource: main.issuer }
    t.not((await contest.post(turn, '/oauth/token', caller, both)).status, 200)
  }
  t.ok(referenceIn(token))
  let bit = 0
  // within the half second that a list is believed
  for (let tries = 0; bit === 0 && tries < 200; tries++) {
    bit = await bitOf(fetchHere, token)
    if (bit === 0) await sleep(50)
  }
  t.equal(bit, 1, 'and the list says so')
}

/** Where codes are: not the partition of registration tokens, from which a deleted client's rows go. */
async function partitionsOfCodes(): Promise<string> {
  const { rows } = await main.store.database.run<{ names: string }>(
    'test.partitions',
    `SELECT string_agg(inhrelid::regclass::text, ', ') AS names FROM pg_inherits
     WHERE inhparent = 'artifacts'::regclass AND inhrelid <> 'artifacts_lasting'::regclass`
  )
  return rows[0]?.names ?? ''
}

for (const act of acts) {
  t.test(
    `${act.name} while a code is exchanged that was read already: nothing lives (D-1)`,
    async t => {
      const { request, ...subject } = await makeSubject()
      const code = await requests.code(request)
      const answer = await held(
        databaseUrl,
        `LOCK TABLE ${await partitionsOfCodes()} IN SHARE MODE`,
        async (line, go) => {
          // it has read code and grant, and waits to spend the code
          const exchanging = exchange(code)
          await line.waiting(1)
          await act.do(subject)
          await go()
          return exchanging
        }
      )
      await assertNothingLives(t, subject, act, answer)
    }
  )

  t.test(
    `${act.name} after an exchange that has not committed yet: nothing lives (D-1)`,
    async t => {
      const { request, ...subject } = await makeSubject()
      const code = await requests.code(request)
      const answer = await held(
        databaseUrl,
        'LOCK TABLE audit_events IN SHARE MODE',
        async (line, go) => {
          // it has spent the code and saved the family, and waits to write its event
          const exchanging = exchange(code)
          await line.waiting(1)
          const acting = act.do(subject)
          // done, or waiting as well
          await Promise.race([acting, line.waiting(2)])
          await go()
          await acting
          return exchanging
        }
      )
      await assertNothingLives(t, subject, act, answer)
    }
  )

  if (act.leavesTheSession) continue
  t.test(
    `${act.name} while an authorization runs that has read its session: no code of it lives`,
    async t => {
      const { request, ...subject } = await makeSubject()
      // signed in, and at the question: the answer is all that is missing
      await requests.code({ ...request, extra: { prompt: 'login consent' } })
      const { url, verifier, nonce } = await requests.authorizationUrl(request)
      const { browser } = request
      const page = await browser.follow(await browser.get(url))
      const answered = await browser.submitForm(page)
      const end = await held(
        databaseUrl,
        'LOCK TABLE consents IN ACCESS EXCLUSIVE MODE',
        async (line, go) => {
          // it has read the session, and waits to read the consent
          const resuming = browser.follow(answered)
          await line.waiting(1)
          const acting = act.do(subject)
          // done, or waiting as well
          await Promise.race([acting, line.waiting(2)])
          await go()
          await acting
          return resuming
        }
      )
      const code = end.location?.searchParams.get('code') ?? undefined
      await act.undo?.(subject)
      if (code === undefined) {
        t.ok(end.status < 500, `answered ${end.status} ${end.heading}`)
        return
      }
      const callbackUrl = end.location as URL
      const answer = await exchange({ code, verifier, nonce, callbackUrl, app: subject.app })
      await assertNothingLives(t, subject, act, answer)
      t.not(answer.status, 200, 'and the code is refused')
    }
  )
}
