// `npm run conformance`: every module of every plan that this version can do, each with every response type of its plan. The suite is a host
// of this test's own, with a certificate that this process believes, since the server fetches keys from it and tells it of sign-outs.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import t from 'tap'
import { suitePath } from '../../src/cli/conformance/clients.ts'
import { plans } from '../../src/cli/conformance/plans.ts'
import { canMakeCertificates, serveAsHost } from '../support/https-host.ts'
import { coreModules, modulesOf, type Play } from './core-modules.ts'
import { dynamicModules } from './dynamic-modules.ts'
import { logoutModules } from './logout-modules.ts'
import { createModule } from './module.ts'
import { planNamed, startRun } from './run.ts'

if (!canMakeCertificates()) {
  t.pass('no openssl on this machine', { skip: true })
  process.exit(0)
}

const served = new Map<string, object>()
const logoutTokens: string[] = []

async function answer(request: IncomingMessage, response: ServerResponse) {
  const path = (request.url ?? '').replace(/^\/test\/a\/mintmark\//, '')
  if (path === 'backchannel_logout') {
    let body = ''
    for await (const chunk of request) body += chunk
    logoutTokens.push(new URLSearchParams(body).get('logout_token') ?? '')
  }
  const page = served.get(path)
  response.writeHead(page === undefined && path !== 'backchannel_logout' ? 404 : 200, {
    'content-type': 'application/json'
  })
  response.end(JSON.stringify(page ?? {}))
}

const suite = await serveAsHost(t, 'suite.example.com', (request, response) => {
  void answer(request, response)
})
// those of OpenID Connect; what the FAPI plans ask for is played in test/protocol/profile.test.ts and message-signing.test.ts
const able = plans.filter(({ suite }) => suite.startsWith('oidcc-'))
const run = await startRun(t, able, suite)
const pages = {
  put(path: string, body: object) {
    served.set(path, body)
    return suitePath(run.place, path)
  }
}

/** Long ones, which one response type proves for all. */
const once30Seconds = 'oidcc-codereuse-30seconds'

for (const plan of able.filter(({ cast }) => cast === 'basic')) {
  const types = plan.name.endsWith('logout')
    ? []
    : plan.responseTypes.length > 0
      ? plan.responseTypes
      : ['code']
  for (const responseType of types) {
    t.test(`${plan.suite}, ${responseType}`, async t => {
      for (const name of modulesOf(responseType)) {
        if (name === once30Seconds && plan.name !== 'basic') continue
        await t.test(name, async t => {
          await coreModules[name]?.(t, createModule(t, run, plan, name, responseType))
        })
      }
    })
  }
}

function played(planName: string, modules: Readonly<Record<string, Play>>) {
  const plan = planNamed(planName)
  t.test(plan.suite, async t => {
    for (const [name, play] of Object.entries(modules)) {
      await t.test(name, async t => play(t, createModule(t, run, plan, name)))
    }
  })
}

t.test('oidcc-config-certification-test-plan', async t => {
  await t.test('oidcc-discovery-endpoint-verification', async t => {
    const { issuer } = run.place
    const answer = await fetch(`${issuer}/.well-known/openid-configuration`)
    t.equal(answer.status, 200)
    t.match(answer.headers.get('content-type'), 'application/json')
    const metadata = (await answer.json()) as Record<string, unknown>
    t.equal(metadata['issuer'], issuer)
    const has = (member: string, ...values: string[]) => {
      const found = [metadata[member]].flat()
      t.ok(
        values.every(value => found.includes(value)),
        `${member}: ${found}`
      )
    }
    // what Core §15.2 asks of Dynamic OPs, which have the most
    has('response_types_supported', 'code', 'id_token', 'id_token token')
    has('grant_types_supported', 'authorization_code', 'implicit')
    has('subject_types_supported', 'public')
    has('id_token_signing_alg_values_supported', 'RS256')
    has('userinfo_signing_alg_values_supported', 'RS256')
    has('scopes_supported', 'openid', 'profile', 'email', 'address', 'phone', 'offline_access')
    has('claims_supported', 'sub', 'name', 'email', 'address', 'phone_number')
    has('claims_parameter_supported', true as never)
    has('code_challenge_methods_supported', 'S256')
    has('registration_endpoint', `${issuer}/oauth/register`)
    for (const [member, value] of Object.entries(metadata)) {
      if (/_(endpoint|uri)$/.test(member)) t.match(value, issuer, `${member} is ours`)
    }
  })
})

played('dynamic', dynamicModules(pages))
played('rp-initiated-logout', logoutModules)
played('back-channel-logout', {
  async 'oidcc-backchannel-rp-initiated-logout'(t, module) {
    const { id_token, claims } = await module.tokens(await module.authorize())
    const back = suitePath(run.place, 'post_logout_redirect')
    const sent = { id_token_hint: id_token, post_logout_redirect_uri: back, state: 'x'.repeat(128) }
    const before = logoutTokens.length
    const ended = await module.logout(sent)
    t.equal(ended.arrived, back)
    while (logoutTokens.length === before) await sleep(20)
    const keys = createRemoteJWKSet(new URL(`${module.issuer}/.well-known/jwks.json`))
    const { payload } = await jwtVerify(logoutTokens.at(-1) ?? '', keys, {
      issuer: module.issuer,
      audience: module.configuration.client.client_id,
      requiredClaims: ['iat', 'exp', 'jti', 'events']
    })
    t.equal(payload['nonce'], undefined)
    t.equal(payload['sid'], claims['sid'], 'CheckIdTokenSidMatchesLogoutToken')
    t.match(payload.sub ?? claims.sub, claims.sub)
    const { ended: none } = await module.answered({ prompt: 'none' })
    t.match(none.parameters.get('error'), /^(login|interaction)_required$/)
  }
})
