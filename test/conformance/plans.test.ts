// The main modules of the suite's plans, played without the suite: our server with the printed configuration, our pages by the printed
// automation, without script. All modules of all response types: `npm run conformance`.

import t from 'tap'
import type { Visit } from '../../src/cli/conformance/automation.ts'
import { suitePath } from '../../src/cli/conformance/clients.ts'
import { coreModules } from './core-modules.ts'
import { logoutModules } from './logout-modules.ts'
import { createModule } from './module.ts'
import { planNamed, startRun } from './run.ts'
import { createSuiteBrowser } from './suite-browser.ts'

const names = ['basic', 'form-post-basic', 'implicit', 'hybrid', 'rp-initiated-logout']
const run = await startRun(t, names.map(planNamed), 'https://suite.example.com')

const modules = { ...coreModules, ...logoutModules }

/** Plan, response type, modules. */
const played: readonly (readonly [string, string, readonly string[]])[] = [
  [
    'basic',
    'code',
    [
      'oidcc-server',
      'oidcc-response-type-missing',
      'oidcc-userinfo-post-body',
      'oidcc-ensure-request-without-nonce-succeeds-for-code-flow',
      'oidcc-scope-all',
      'oidcc-prompt-login',
      'oidcc-prompt-none-not-logged-in',
      'oidcc-prompt-none-logged-in',
      'oidcc-max-age-10000',
      'oidcc-id-token-hint',
      'oidcc-ensure-request-with-acr-values-succeeds',
      'oidcc-ensure-registered-redirect-uri',
      'oidcc-ensure-post-request-succeeds',
      'oidcc-codereuse',
      'oidcc-server-client-secret-post',
      'oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported',
      'oidcc-claims-essential',
      'oidcc-refresh-token',
      'oidcc-ensure-request-with-valid-pkce-succeeds'
    ]
  ],
  ['form-post-basic', 'code', ['oidcc-server', 'oidcc-prompt-none-not-logged-in']],
  [
    'implicit',
    'id_token',
    ['oidcc-server', 'oidcc-scope-email', 'oidcc-ensure-request-without-nonce-fails']
  ],
  ['implicit', 'id_token token', ['oidcc-server', 'oidcc-userinfo-get']],
  ['hybrid', 'code id_token', ['oidcc-server', 'oidcc-codereuse']],
  ['hybrid', 'code token', ['oidcc-server']],
  ['hybrid', 'code id_token token', ['oidcc-server', 'oidcc-prompt-none-logged-in']],
  [
    'rp-initiated-logout',
    'code',
    [
      'oidcc-rp-initiated-logout',
      'oidcc-rp-initiated-logout-no-params',
      'oidcc-rp-initiated-logout-bad-post-logout-redirect-uri',
      'oidcc-rp-initiated-logout-modified-id-token-hint',
      'oidcc-rp-initiated-logout-no-id-token-hint'
    ]
  ]
]

for (const [plan, responseType, chosen] of played) {
  t.test(`${plan}, ${responseType}: the printed automation gets through our pages`, async t => {
    for (const name of chosen) {
      await t.test(name, async t => {
        const module = createModule(t, run, planNamed(plan), name, responseType)
        await modules[name]?.(t, module)
      })
    }
  })
}

t.test('the automation of the FAPI plans cancels, looks on, and takes any end', async t => {
  const plan = planNamed('fapi2-security-profile')
  const { client } = run.suite(planNamed('basic')) as { client: { client_id: string } }
  const printed = run.suite(plan) as {
    browser: readonly Visit[]
    override: Record<string, { browser: readonly Visit[] }>
  }
  const callback = suitePath(run.place, 'callback')
  const visit = (visits: readonly Visit[] | undefined) =>
    createSuiteBrowser(run.place, visits ?? []).visit
  const query = new URLSearchParams({
    ...{ client_id: client.client_id, redirect_uri: callback, response_type: 'code' },
    ...{ scope: 'openid phone', state: 'x' }
  })
  const url = `${run.place.issuer}/authorize?${query}`
  const named = (name: string) => printed.override[`fapi2-security-profile-final-${name}`]?.browser

  const rejected = await visit(named('user-rejects-authentication'))(url)
  t.strictSame(rejected.shown, ['Sign in'], 'says no at once')
  t.equal(rejected.arrived, callback)
  t.equal(rejected.parameters.get('error'), 'access_denied')

  const twice = visit(named('par-ensure-reused-request-uri-prior-to-auth-completion-succeeds'))
  t.strictSame((await twice(url)).shown, ['Sign in'], 'the first time nobody does anything')
  t.ok((await twice(url)).parameters.get('code'))

  const refused = await visit(printed.browser)(url.replace('callback', 'nowhere'))
  t.equal(refused.pictures, 1, 'an error page is an end, too')
  t.equal(refused.arrived, undefined)
  t.ok((await visit(printed.browser)(url)).parameters.get('code'))
})
