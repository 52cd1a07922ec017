// A whole sign-in with openid-client 6, as a relying party does it.

import * as oidc from 'openid-client'
import t from 'tap'
import { api, redirectUri, secretOf } from '../support/configuration.ts'
import { signIn } from '../support/relying-party.ts'
import { person, startTestServer } from '../support/server.ts'

t.test('code + PKCE: pages, code, tokens, userinfo, refresh', async t => {
  const { issuer, log } = await startTestServer(t)
  const { config, tokens, pages } = await signIn({
    issuer,
    clientId: 'web',
    clientSecret: secretOf('web'),
    redirectUri,
    scope: 'openid profile email offline_access read:things',
    resource: [api, issuer],
    extra: { prompt: 'consent' },
    ...person
  })
  t.equal(pages.length, 2)
  t.match(tokens, { token_type: 'bearer', refresh_token: String, id_token: String })
  const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '', {
    resource: issuer
  })
  const claims = await oidc.fetchUserInfo(
    config,
    refreshed.access_token,
    tokens.claims()?.sub ?? ''
  )
  t.match(claims, { email: 'ada@example.com', email_verified: true, name: 'Ada Lovelace' })
  t.same(
    log.filter(line => line['level'] === 'error'),
    []
  )
})
