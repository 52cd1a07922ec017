// The engine says so when one of its own defaults is used. Every page and every endpoint of our server is visited, and it says nothing.
// That it would be heard is shown by test/notices.test.ts. The engine speaks once a process: this file is one.

import t from 'tap'
import { issueInitialAccessToken } from '../../src/clients/registration-token.ts'
import { createBrowser } from '../support/browser.ts'
import { captureNotices } from '../support/notices.ts'
import { startTestServer } from '../support/server.ts'
import { approveDevice, deviceGrantType, requestDeviceCode } from './device-approval.ts'
import {
  api,
  apiScope,
  basic,
  createProver,
  createRequests,
  nobody,
  publicly,
  spa,
  web
} from './requests.ts'

t.test('no default of the engine is called, and it warns of nothing', async t => {
  const { result: statuses, notices } = await captureNotices(async () => {
    const main = await startTestServer(t, { registration: { enabled: true } })
    const requests = createRequests(main)
    const { database } = main.store
    const everyone = [
      '/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server'
    ]
    everyone.push('/.well-known/jwks.json', '/logout', '/device', '/device?user_code=ABCD-EFGH')
    everyone.push('/authorize', '/authorize?client_id=web', '/nowhere', '/logout/success')
    const seen: number[] = []
    for (const path of everyone) seen.push((await requests.get(path)).status)

    // code, refresh, reuse, userinfo, introspection, revocation; with and without a resource, public and confidential
    const all = { scope: `openid profile email offline_access ${apiScope}`, resource: api }
    const consent = { extra: { prompt: 'consent' } }
    for (const app of [web, spa]) {
      const code = await requests.code({ app, ...all, ...consent })
      const first = (await requests.redeem(code)).body
      const second = (await requests.refresh(app, first.refresh_token)).body
      await requests.refresh(app, second.refresh_token, { resource: main.issuer })
      await requests.redeem(code)
      await requests.introspect(web.caller, second.access_token)
      await requests.revoke(app.caller, second.access_token)
      await requests.revoke(app.caller, second.refresh_token)
    }
    const { access_token: token, id_token: idToken } = await requests.tokens()
    seen.push((await requests.userinfo(token)).status, (await requests.userinfo('x')).status)
    const origin = { origin: 'https://spa.example.com' }
    await requests.token(publicly('spa'), { grant_type: 'refresh_token' }, origin)
    await fetch(`${main.issuer}/oauth/token`, {
      method: 'OPTIONS',
      headers: { ...origin, 'access-control-request-method': 'POST' }
    })

    const prover = await createProver()
    const DPoP = await prover.proof({ url: `${main.issuer}/oauth/token` })
    await requests.token(basic('billing'), { grant_type: 'client_credentials' }, { DPoP })
    await requests.machine('billing', { resource: api, scope: 'read:things' })
    await requests.token(nobody, { grant_type: 'password' })
    const { searchParams } = (await requests.authorizationUrl()).url
    await requests.post('/oauth/par', web.caller, Object.fromEntries(searchParams))

    for (const browser of [requests.ada, createBrowser({ origin: main.issuer })]) {
      const { deviceCode, userCode } = await requestDeviceCode(requests)
      const poll = { grant_type: deviceGrantType, device_code: deviceCode }
      await requests.token(publicly('tv'), poll)
      await approveDevice(main, userCode, browser)
      seen.push((await requests.token(publicly('tv'), poll)).status)
    }

    const { token: initial } = await issueInitialAccessToken(database, { lifetimeSeconds: 3600 })
    const { body } = await requests.json(
      'POST',
      '/oauth/register',
      { redirect_uris: ['https://dynamic.example.com/callback'] },
      { authorization: `Bearer ${initial}` }
    )
    const bearer = { authorization: `Bearer ${body['registration_access_token']}` }
    const path = `/oauth/register/${body['client_id']}`
    seen.push((await requests.get(path, bearer)).status)
    await requests.json('DELETE', path, undefined, bearer)

    const logout = await requests.ada.get(`/logout?id_token_hint=${idToken}`)
    seen.push((await requests.ada.follow(await requests.ada.submitForm(logout))).status)
    return seen
  })
  t.same(notices, [])
  t.ok(statuses.filter(status => status === 200).length >= 11, 'and the pages were there')
  t.same(
    statuses.filter(status => status >= 500),
    []
  )
})
