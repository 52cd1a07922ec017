// What ends an exchanged token: whatever ends the person's authorization, and whatever ends one of the clients that it came through. And that
// a token which has ended opens nothing by an exchange either.

import t from 'tap'
import { createGrantAdministration } from '../../src/grants/administer.ts'
import { type Browser, createBrowser } from '../support/browser.ts'
import { redirectUri, secretOf } from '../support/configuration.ts'
import {
  exchangeSetting,
  ledger,
  orders,
  startExchanges,
  stock,
  tokenExchangeGrantType
} from './exchange.ts'
import { type Answer, type App, basic } from './requests.ts'

type Fate = 'lives' | 'refused' | 'unauthenticated'

/** The token of the first exchange and of the second; and exchanging, once more, what they were made of. */
interface Fates {
  first: Fate
  second: Fate
  again: Fate
  onward: Fate
}

interface Subject {
  app: App
  browser: Browser
  accountId: string
  middle: string
  far: string
  tokens: { person: string; refresh: string; first: string; second: string }
}

const all = (fate: Fate): Fates => ({ first: fate, second: fate, again: fate, onward: fate })
const dead = all('refused')

const rows: {
  act: string
  fates: Fates
  withSession?: true
  do(subject: Subject): Promise<unknown>
}[] = [
  {
    act: 'the person’s token is revoked, that alone',
    fates: { ...all('lives'), again: 'refused' },
    do: ({ app, tokens }) => requests.revoke(app.caller, tokens.person)
  },
  {
    act: 'the token of the first exchange is revoked, that alone',
    fates: { ...all('lives'), first: 'refused', onward: 'refused' },
    do: ({ middle, tokens }) => requests.revoke(basic(middle), tokens.first)
  },
  {
    act: 'the refresh token is revoked',
    fates: dead,
    do: ({ app, tokens }) => requests.revoke(app.caller, tokens.refresh)
  },
  {
    act: 'the refresh token is used twice',
    fates: dead,
    async do({ app, tokens }) {
      await requests.refresh(app, tokens.refresh)
      await requests.turnClock(3600)
      await requests.refresh(app, tokens.refresh)
      await requests.turnClock(0)
    }
  },
  {
    act: 'the grants of the account at the app end',
    fates: dead,
    do: ({ accountId, app }) => grants.revokeAll({ accountId, clientId: app.clientId })
  },
  {
    act: 'the person signs out',
    fates: dead,
    withSession: true,
    do: ({ browser }) => requests.signOut(browser)
  },
  {
    act: 'the person signs out everywhere',
    fates: dead,
    do: ({ accountId }) => main.server.accounts.service.signOut(accountId, 'operator')
  },
  {
    act: 'the account is disabled',
    fates: dead,
    do: ({ accountId }) => main.server.accounts.service.disable(accountId, 'cli')
  },
  {
    act: 'the password is set',
    fates: dead,
    do: ({ accountId }) =>
      main.server.accounts.service.setPassword(accountId, 'another horse battery staple', 'cli')
  },
  {
    act: 'the app is disabled',
    fates: dead,
    do: ({ app }) => main.server.clients.disable(app.clientId)
  },
  {
    act: 'the app is deleted',
    fates: dead,
    do: ({ app }) => main.server.clients.delete(app.clientId)
  },
  {
    act: 'the app’s tokens are revoked',
    fates: dead,
    do: ({ app }) => main.server.clients.revokeTokens(app.clientId, 'cli')
  },
  {
    act: 'the client that exchanged first is disabled',
    fates: { ...dead, again: 'unauthenticated' },
    do: ({ middle }) => main.server.clients.disable(middle)
  },
  {
    act: 'the client that exchanged first is deleted',
    fates: { ...dead, again: 'unauthenticated' },
    do: ({ middle }) => main.server.clients.delete(middle)
  },
  {
    act: 'the tokens of the client that exchanged first are revoked',
    fates: { ...dead, again: 'lives' },
    do: ({ middle }) => main.server.clients.revokeTokens(middle, 'cli')
  },
  {
    act: 'the client that exchanged last is disabled',
    fates: { ...all('lives'), second: 'refused', onward: 'unauthenticated' },
    do: ({ far }) => main.server.clients.disable(far)
  }
]

const [first, second, third] = exchangeSetting.resources
const main = await startExchanges(t, {
  resources: [
    { ...first, clients: rows.map((_, at) => `the-app-${at}`) },
    {
      ...second,
      exchange: rows.map((_, at) => ({
        client: `in-the-middle-${at}`,
        from: [orders],
        scopes: { 'write:orders': ['reserve:stock'] }
      }))
    },
    {
      ...third,
      accessTokens: {},
      exchange: rows.map((_, at) => ({
        client: `far-away-${at}`,
        from: [stock],
        // nothing of an impersonation is in the token, and it must end all the same
        mode: at % 2 === 0 ? 'delegation' : 'impersonation',
        scopes: { 'reserve:stock': ['post:ledger'] }
      }))
    }
  ]
})
const { requests, exchange } = main
const grants = createGrantAdministration({ database: main.store.database })

async function makeClient(clientId: string, type: 'web' | 'machine', metadata: object) {
  const secret = secretOf(clientId)
  const made = await main.server.clients.create({ clientId, type, owner: 'cli', secret, metadata })
  if (!made.ok) throw new Error(JSON.stringify(made))
  return clientId
}

const onward = (far: string, token: string) => exchange(far, token, { resource: ledger })

async function makeSubject(at: number, withSession: true | undefined): Promise<Subject> {
  const clientId = await makeClient(`the-app-${at}`, 'web', {
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    ...(withSession ? { refresh_tokens: 'always' } : {})
  })
  const machine = { grant_types: [tokenExchangeGrantType] }
  const middle = await makeClient(`in-the-middle-${at}`, 'machine', machine)
  const far = await makeClient(`far-away-${at}`, 'machine', machine)
  const who = { login: `${clientId}@example.com`, password: `${clientId} horse battery staple` }
  const created = await main.server.accounts.service.create(who, 'cli')
  if (!created.ok) throw new Error(created.reason)

  const app = { clientId, redirectUri, caller: basic(clientId) }
  const browser = createBrowser({ origin: main.issuer })
  const { access_token: person, refresh_token: refresh } = await requests.tokens({
    ...{ app, browser, who, resource: orders },
    scope: withSession ? 'openid write:orders' : 'openid offline_access write:orders',
    extra: withSession ? {} : { prompt: 'consent' }
  })
  const exchanged = (await exchange(middle, person)).body.access_token
  const again = await onward(far, exchanged)
  if (again.status !== 200) throw new Error(again.text)
  const tokens = { person, refresh, first: exchanged, second: again.body.access_token }
  return { app, browser, accountId: created.account.id, middle, far, tokens }
}

async function introspected(caller: string, token: string): Promise<Fate> {
  const { body } = await requests.introspect(basic(caller), token)
  return body['active'] === true ? 'lives' : 'refused'
}

const fateOf = ({ status, text }: Answer): Fate =>
  status === 200 ? 'lives' : text.includes('"invalid_client"') ? 'unauthenticated' : 'refused'

async function fatesOf({ tokens, middle, far }: Subject): Promise<Fates> {
  return {
    first: await introspected('stocks', tokens.first),
    second: await introspected('api-server', tokens.second),
    again: fateOf(await exchange(middle, tokens.person)),
    onward: fateOf(await onward(far, tokens.first))
  }
}

for (const [at, row] of rows.entries()) {
  t.test(`exchanged tokens and exchanges after: ${row.act}`, async t => {
    const subject = await makeSubject(at, row.withSession)
    t.same(await fatesOf(subject), all('lives'), 'before')
    await row.do(subject)
    t.same(await fatesOf(subject), row.fates)
  })
}
