// The pages' routes on a bare Fastify with ports that record what they were asked. The engine behind the ports has its own tests.

import fastify from 'fastify'
import type { Test } from 'tap'
import { createSignInSteps } from '../../src/accounts/sign-in-steps.ts'
import { createAssets } from '../../src/pages/assets.ts'
import { createChooser } from '../../src/pages/chooser.ts'
import { setPageNotFound } from '../../src/pages/error-page.ts'
import { type PagesDependencies, pages } from '../../src/pages/pages.ts'
import type { AuthenticateResult } from '../../src/pages/password-check.ts'
import { createPasswordScreen } from '../../src/pages/password-screen.ts'
import { createSignInFlow } from '../../src/pages/sign-in-flow.ts'
import { createSite } from '../../src/pages/site.ts'
import { createUpstreamCookie } from '../../src/pages/upstream-cookie.ts'
import type { InteractionDetails, Interactions, PersonSessions } from '../../src/protocol/ports.ts'
import type { PendingSignInStore, ProvedSoFar } from '../../src/store/pending-sign-ins.ts'

export const loginDetails: InteractionDetails = {
  uid: 'abc',
  prompt: 'login',
  client: {
    clientId: 'acme',
    name: 'Acme Calendar',
    redirectHost: 'calendar.acme.example',
    unverifiable: false,
    firstParty: false
  },
  requested: [],
  choices: [],
  allowedBefore: [],
  requestedDetails: [],
  detailsAllowedBefore: [],
  lasts: 'until sign-out',
  accountId: undefined,
  chosen: false,
  loginHint: undefined,
  uiLocales: undefined,
  demand: {},
  freshness: 'any',
  signedIn: undefined,
  csrf: 'right'
}

export const consentDetails: InteractionDetails = {
  ...loginDetails,
  prompt: 'consent',
  accountId: 'account-1',
  requested: [{ scopes: ['openid'] }]
}

interface Given {
  details?: InteractionDetails | undefined | (() => Promise<InteractionDetails | undefined>)
  authenticate?: (input: { login: string; password: string }) => Promise<AuthenticateResult>
  issuer?: string
}

/** Nobody is signed in, and everybody who signs in is remembered in `calls`. */
function nobody(calls: string[]): PersonSessions {
  return {
    find: async () => undefined,
    signInForm: () => ({ csrf: 'right', flow: 'browser' }),
    verifySignInForm: (_req, _res, presented) => presented === 'right',
    accounts: async () => [],
    choose: async () => 'gone',
    signIn: async (_req, _res, { accountId }) => void calls.push(`sign in ${accountId}`)
  }
}

/** What the table does, for one process; the table has its own tests (test/store). */
function pendingSignIns(): PendingSignInStore {
  const kept = new Map<string, ProvedSoFar>()
  return {
    find: async id => kept.get(id.toString('hex')),
    save: async (id, proved) => void kept.set(id.toString('hex'), proved),
    drop: async id => void kept.delete(id.toString('hex'))
  }
}

/** Nobody's: these pages have tests at the real server. */
const unused = {} as never

/** The server and the list of what its ports were asked to do. */
export async function buildPages(t: Test, given: Given = {}) {
  const { details = loginDetails, issuer = 'http://localhost:3000' } = given
  const calls: string[] = []
  const lines: string[] = []
  const interactions: Interactions = {
    details: async () => (typeof details === 'function' ? details() : details),
    login: async (_req, _res, { accountId, amr }) => {
      calls.push(`login ${accountId} ${amr.join()}`)
      return `${issuer}/authorize/abc`
    },
    choose: async () => undefined,
    consent: async () => {
      calls.push('consent')
      return `${issuer}/authorize/abc`
    },
    decline: async () => {
      calls.push('decline')
      return `${issuer}/authorize/abc`
    },
    verifyCsrf: (known, presented) => presented === known.csrf
  }
  const authenticate =
    given.authenticate ??
    (async () => ({ ok: true as const, accountId: 'account-1', amr: ['pwd'] }))
  const password = createPasswordScreen({
    authenticate: async input => {
      calls.push(`authenticate ${input.login} ${input.password} ${input.address}`)
      return authenticate(input)
    },
    others: [],
    secureCookies: true
  })
  const product = { name: 'mintmark' }
  const assets = createAssets({})
  const site = createSite({ product, issuer, assets })
  const app = fastify({
    logger: { level: 'info', stream: { write: line => void lines.push(line) } }
  })
  await app.register(pages, {
    interactions,
    persons: nobody(calls),
    apps: {
      list: async () => [],
      remove: async (_, clientId) => void calls.push(`remove ${clientId}`),
      removeAll: async () => void calls.push('remove all'),
      nameOf: async clientId => clientId
    },
    // nobody is signed in here: no page of an account gets that far
    ownAccount: {} as PagesDependencies['ownAccount'],
    approvals: undefined,
    chooser: createChooser({
      persons: nobody(calls),
      accountName: async accountId => accountId
    }),
    signIn: createSignInFlow({
      steps: createSignInSteps({
        ...{ pending: pendingSignIns(), factors: [], enrollable: [] },
        secondFactor: 'optional'
      }),
      issuer,
      first: [password],
      second: {},
      enrol: {},
      record: async () => {},
      signedIn: async () => {}
    }),
    sections: [],
    linked: undefined,
    upstreams: {
      finish: undefined,
      nameOf: () => undefined,
      cookie: createUpstreamCookie({ secure: false, answers: 'same-site', lifetimeSeconds: 600 }),
      linkPath: '/account/security/linked'
    },
    wantsMore: async () => false,
    hasFactor: async () => false,
    totp: unused,
    recoveryCodes: unused,
    passkeys: undefined,
    now: () => new Date(),
    accountName: async accountId => `${accountId}@example.com`,
    site,
    assets,
    issuer,
    resources: [],
    detailTypes: [],
    secureCookies: issuer.startsWith('https:')
  })
  setPageNotFound(app, { site, issuer })
  t.teardown(() => app.close())

  return {
    app,
    assets,
    calls,
    lines,
    get: (url: string, headers: Record<string, string> = {}) =>
      app.inject({ method: 'GET', url, headers }),
    post: (url: string, body: string, headers: Record<string, string> = {}) =>
      app.inject({
        method: 'POST',
        url,
        payload: body,
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers }
      })
  }
}
