// The main modules of the suite's plans, played without the suite: our server with the printed configuration, our pages by the printed
// automation, without script. All modules of all response types: `npm run conformance`.

import t from 'tap'
import { coreModules } from './core-modules.ts'
import { logoutModules } from './logout-modules.ts'
import { createModule } from './module.ts'
import { planNamed, startRun } from './run.ts'

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
