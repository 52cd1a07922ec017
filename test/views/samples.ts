// Every page once, with data as it comes in life, for tests that must hold for all pages. `say` stands in for every string that somebody
// else chose (a client, an account, an operator, a request): a test passes a probe through it.

import type { Locale } from '../../src/i18n/locale.ts'
import { renderApprovals } from '../../src/views/approve.ts'
import { renderChooser } from '../../src/views/chooser.ts'
import type { AccessView, ClientView, ResourceView } from '../../src/views/client.ts'
import { renderConnectedApps } from '../../src/views/connected-apps.ts'
import { renderConsent } from '../../src/views/consent.ts'
import { renderDeviceConfirm, renderDeviceDone, renderDeviceInput } from '../../src/views/device.ts'
import { renderError } from '../../src/views/error.ts'
import { hidden, problemSummary, submit } from '../../src/views/form.ts'
import { type Frame, renderPage, type Site, wordsOf } from '../../src/views/layout.ts'
import { renderLogin } from '../../src/views/login.ts'
import { renderLoggedOut, renderLogout } from '../../src/views/logout.ts'
import { html } from '../../src/views/markup.ts'
import {
  type NewPasswordProblem,
  newPasswordField,
  newPasswordProblem
} from '../../src/views/password-field.ts'
import { renderSignedIn } from '../../src/views/signed-in.ts'
import { accountSamples } from './account-samples.ts'
import { passkeySamples } from './passkey-samples.ts'

import { factorSamples, type Say } from './samples-of-factors.ts'
import { upstreamSamples } from './samples-of-upstreams.ts'
import { renderSelfServiceSamples } from './self-service-samples.ts'

export const site: Site = {
  product: { name: 'mintmark' },
  issuerHost: 'id.example.com',
  basePath: '',
  stylesheets: ['/assets/mintmark-0.css', '/assets/theme-0.css'],
  icon: '/assets/mark-0.svg',
  passwordMeter: '/assets/password-meter-0.js'
}

export function frameIn(locale: Locale, given: Partial<Frame> = {}): Frame {
  return { site, locale, returnTo: '/interaction/abc', ...given }
}

export function clientNamed(say: Say = usual => usual): ClientView {
  return {
    name: say('Acme Calendar'),
    redirectHost: say('calendar.acme.example'),
    unverifiable: false,
    firstParty: false,
    clientUri: say('https://acme.example/'),
    policyUri: say('https://acme.example/privacy'),
    tosUri: say('https://acme.example/terms')
  }
}

const noDetails = { choices: [], requestedDetails: [], detailsAllowedBefore: [], detailTypes: [] }

/** The field for a new password has no page of its own: this stands for those that have it. */
function newPasswordPage(frame: Frame, action: string, say: Say, problem?: NewPasswordProblem) {
  const text = problem && newPasswordProblem(frame, problem)
  return renderPage(frame, {
    title: wordsOf(frame).passwords.label,
    outcome: problem && 'failed',
    body: html`${problemSummary(wordsOf(frame), text === undefined ? [] : [{ field: 'new_password', text }])}
<h1>${wordsOf(frame).passwords.label}</h1>
<form method="post" action="${action}">
${hidden({ csrf: say('csrf') })}
${newPasswordField(frame, { problem, username: say('ada@example.com'), contextWords: [say('ada@example.com'), say('Ada Lovelace')] })}
<div class="buttons">${submit(wordsOf(frame).device.submit, 'primary')}</div>
</form>`
  })
}

/** All pages, by name. */
export function renderSamples(frame: Frame, say: Say = usual => usual): Record<string, string> {
  const action = say('/interaction/abc')
  const client = clientNamed(say)
  const api = say('https://api.example.com')
  const requested: AccessView[] = [
    { scopes: ['openid', 'profile', 'email', 'offline_access', say('favourites')] },
    { resource: api, scopes: ['read:things', say('write:things')] }
  ]
  const resources: ResourceView[] = [
    {
      identifier: api,
      name: { en: say('Things API'), ko: say('내 항목 API') },
      scopes: { 'read:things': { en: say('See your things'), ko: say('내 항목 보기') } }
    }
  ]
  const login = {
    action,
    csrf: say('csrf'),
    clientName: client.name,
    login: say('ada@example.com')
  }
  const device = { action, xsrf: say('xsrf'), userCode: say('WDJB-MJHT') }
  const now = new Date('2026-11-21T11:04:00Z')
  const approvals = {
    action,
    csrf: say('csrf'),
    accountName: say('ada@example.com'),
    resources,
    signInAgain: say('/sign-in'),
    signInStronger: say('/sign-in'),
    signOut: say('/logout'),
    now
  }
  const error = {
    requestId: say('01J-4711'),
    now,
    description: say('redirect_uri is not registered')
  }
  const choice = {
    action,
    csrf: say('csrf'),
    carried: { return_to: say('/account/security') },
    another: say('/sign-in?again=yes'),
    accounts: [
      { name: say('ada@example.com'), handle: say('handle-1'), inUse: true },
      { name: say('bob@example.com'), handle: say('handle-2'), inUse: false }
    ]
  }
  return {
    ...renderSelfServiceSamples(frame, say),
    chooser: renderChooser(frame, { ...choice, clientName: client.name }),
    'chooser-own': renderChooser(frame, { ...choice, clientName: undefined, problem: 'gone' }),
    ...factorSamples(frame, say),
    login: renderLogin(frame, { ...login, login: undefined }),
    'login-hint': renderLogin(frame, login),
    'login-missing': renderLogin(frame, {
      ...login,
      problem: { kind: 'missing', fields: ['login', 'password'] }
    }),
    'login-incorrect': renderLogin(frame, { ...login, problem: { kind: 'incorrect' } }),
    'login-throttled': renderLogin(frame, {
      ...login,
      problem: { kind: 'throttled', seconds: 180 }
    }),
    'login-own': renderLogin(frame, { ...login, clientName: undefined }),
    ...upstreamSamples(frame, say),
    'new-password': newPasswordPage(frame, action, say),
    'new-password-weak': newPasswordPage(frame, action, say, 'password_weak'),
    'signed-in': renderSignedIn(frame, {
      accountName: say('ada@example.com'),
      signOut: say('/logout')
    }),
    'signed-in-several': renderSignedIn(frame, {
      accountName: say('ada@example.com'),
      signOut: say('/logout'),
      switching: choice
    }),
    'login-busy': renderLogin(frame, { ...login, problem: { kind: 'busy', seconds: 2 } }),
    consent: renderConsent(frame, {
      ...noDetails,
      choices: [
        { scope: 'profile', start: 'ticked' },
        { scope: 'email', start: 'unticked' },
        { scope: 'offline_access', start: 'ticked' },
        { resource: api, scope: say('write:things'), start: 'ticked' }
      ],
      action,
      csrf: say('csrf'),
      client,
      requested,
      allowedBefore: [],
      lasts: 'offline',
      resources,
      accountName: say('ada@example.com')
    }),
    'consent-details': renderConsent(frame, {
      choices: [],
      action,
      csrf: say('csrf'),
      client,
      requested: [],
      allowedBefore: [],
      requestedDetails: [
        { type: 'payment', to: say('Merchant A'), amount: { value: '12.00' }, note: [say('May')] }
      ],
      detailsAllowedBefore: [{ type: say('unknown'), anything: { deep: [say('value'), 1, true] } }],
      detailTypes: [
        {
          type: 'payment',
          title: { en: say('Make a payment'), ko: say('송금') },
          sentences: [
            { en: `${say('Pay')} {amount.value} to {to}.`, ko: '{to}에게 {amount.value} 보내기' }
          ]
        }
      ],
      lasts: 'until sign-out',
      resources: [],
      accountName: undefined
    }),
    'consent-again': renderConsent(frame, {
      ...noDetails,
      action,
      csrf: say('csrf'),
      client,
      requested: [{ resource: api, scopes: [say('write:things')] }],
      allowedBefore: [
        { scopes: ['openid', 'profile', 'offline_access'] },
        { resource: api, scopes: ['read:things'] }
      ],
      lasts: 'offline',
      resources,
      accountName: say('ada@example.com'),
      switchAccount: say('/interaction/abc?with=choose')
    }),
    'consent-replaced': renderConsent(frame, {
      ...noDetails,
      action,
      csrf: say('csrf'),
      client,
      requested: [{ resource: api, scopes: [say('write:things')] }],
      allowedBefore: [{ scopes: ['openid'] }],
      takenAway: [{ scopes: ['email'] }, { resource: api, scopes: ['read:things'] }],
      lasts: 'until sign-out',
      resources,
      accountName: say('ada@example.com')
    }),
    'connected-apps': renderConnectedApps(frame, {
      action,
      csrf: say('csrf'),
      accountName: say('ada@example.com'),
      signOut: say('/logout'),
      apps: [
        {
          client: { ...client, clientId: say('acme') },
          access: requested,
          details: [{ type: say('payment'), actions: [say('initiate')] }],
          lasts: 'offline',
          endsAt: new Date('2026-11-28T11:04:00Z'),
          firstAllowedAt: new Date('2026-10-01T09:00:00Z'),
          lastUsedAt: now
        },
        {
          client: { ...client, clientId: say('other'), name: say('Other'), redirectHost: '' },
          access: [{ scopes: ['openid'] }],
          details: [],
          lasts: 'until sign-out',
          endsAt: undefined,
          firstAllowedAt: now,
          lastUsedAt: undefined
        }
      ],
      resources
    }),
    'connected-apps-none': renderConnectedApps(frame, {
      action,
      csrf: say('csrf'),
      accountName: say('ada@example.com'),
      signOut: say('/logout'),
      apps: [],
      resources
    }),
    ...accountSamples(frame, say),
    'consent-native': renderConsent(frame, {
      ...noDetails,
      action,
      csrf: say('csrf'),
      client: { ...client, unverifiable: true, firstParty: true, redirectHost: say('127.0.0.1') },
      requested: [{ scopes: ['openid'] }],
      allowedBefore: [],
      lasts: 'until sign-out',
      resources,
      accountName: undefined
    }),
    'consent-document': renderConsent(frame, {
      ...noDetails,
      action,
      csrf: say('csrf'),
      client: {
        ...client,
        name: say('agent.example'),
        document: { url: say('https://agent.example/client'), claimedName: say('Big Brand') },
        unverifiable: true
      },
      requested,
      allowedBefore: [],
      lasts: 'offline',
      resources,
      accountName: say('ada@example.com')
    }),
    ...passkeySamples(frame, say),
    logout: renderLogout(frame, { action, xsrf: say('xsrf'), clientName: client.name }),
    'logout-several': renderLogout(frame, {
      ...{ action, xsrf: say('xsrf'), clientName: client.name },
      accounts: {
        current: say('ada@example.com'),
        others: [say('bob@example.com'), say('carol@example.com')]
      }
    }),
    'logged-out': renderLoggedOut(frame, { clientName: client.name }),
    'logged-out-one': renderLoggedOut(frame, {
      clientName: client.name,
      stillHere: [say('bob@example.com')]
    }),
    'device-input': renderDeviceInput(frame, {
      ...device,
      userCode: undefined,
      problem: undefined
    }),
    'device-input-problem': renderDeviceInput(frame, { ...device, problem: 'not_found' }),
    'device-input-throttled': renderDeviceInput(frame, { ...device, problem: 'throttled' }),
    'device-aborted': renderDeviceInput(frame, { ...device, problem: 'aborted' }),
    'device-confirm': renderDeviceConfirm(frame, {
      ...noDetails,
      ...device,
      client,
      requested,
      resources,
      address: say('203.0.113.7'),
      startedAt: new Date('2026-11-21T11:01:00Z'),
      now
    }),
    'device-done': renderDeviceDone(frame, { clientName: client.name }),
    approve: renderApprovals(frame, {
      ...approvals,
      answered: undefined,
      pending: [
        {
          id: say('7b0c'),
          client,
          requested,
          lasts: 'offline',
          bindingMessage: say('4TX-28K'),
          address: say('203.0.113.7'),
          startedAt: new Date('2026-11-21T11:03:20Z'),
          remainingSeconds: 260,
          signIn: 'enough'
        },
        {
          id: say('7b0d'),
          client: { ...client, redirectHost: '' },
          requested: [{ scopes: ['openid'] }],
          lasts: 'until sign-out',
          bindingMessage: undefined,
          address: undefined,
          startedAt: new Date('2026-11-21T11:03:59Z'),
          remainingSeconds: 20,
          signIn: 'too old'
        },
        {
          id: say('7b0e'),
          client: { ...client, name: say('Bank') },
          requested: [{ scopes: ['openid'] }],
          lasts: 'until sign-out',
          bindingMessage: undefined,
          address: undefined,
          startedAt: new Date('2026-11-21T11:03:59Z'),
          remainingSeconds: 20,
          signIn: 'too weak'
        }
      ]
    }),
    'approve-answered': renderApprovals(frame, { ...approvals, answered: 'approved', pending: [] }),
    'error-redirect-uri': renderError(frame, {
      ...error,
      status: 400,
      error: 'invalid_redirect_uri'
    }),
    'error-expired': renderError(frame, {
      ...error,
      status: 404,
      error: 'interaction_expired',
      description: undefined
    }),
    'error-form-expired': renderError(frame, {
      ...error,
      status: 403,
      error: 'form_expired',
      tryAgain: action
    }),
    'error-unavailable': renderError(frame, {
      ...error,
      status: 503,
      error: 'temporarily_unavailable'
    }),
    'error-unknown': renderError(frame, { ...error, status: 400, error: say('something_new') })
  }
}
