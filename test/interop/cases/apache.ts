// Two modules of Apache, from Debian's packages: mod_auth_openidc signs people in, mod_oauth2 protects an API, by the published keys and by
// introspection.

import { equal } from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { freePort } from '../../support/server.ts'
import { startApache } from '../apache.ts'
import type { Case } from '../case.ts'
import { machineToken } from '../machine-token.ts'
import { debianVersion } from '../packages.ts'
import { assertPerson, eventually, provePasswordAgain, proveStart, readJson } from '../story.ts'

type Claims = Record<string, unknown>

export const modAuthOpenidc: Case = {
  name: 'mod_auth_openidc',
  needs: { debian: ['apache2', 'libapache2-mod-auth-openidc'] },
  version: () =>
    `${debianVersion('libapache2-mod-auth-openidc')}, apache2 ${debianVersion('apache2')}`,
  async prove(given) {
    const { setting, life, person, tell } = given
    const { port, clientId, clientSecret } = setting.party('mod-auth-openidc')
    const callback = `http://localhost:${port}/protected/callback`
    const { here } = await startApache(life, {
      port,
      modules: ['auth_openidc'],
      content: '{"bye":true}',
      directives: `
OIDCProviderMetadataURL ${setting.issuer}/.well-known/openid-configuration
OIDCClientID ${clientId}
OIDCClientSecret ${clientSecret}
OIDCRedirectURI ${callback}
OIDCCryptoPassphrase ${randomBytes(24).toString('hex')}
OIDCScope "openid profile email offline_access"
OIDCAuthRequestParams prompt=consent
OIDCPKCEMethod S256
OIDCInfoHook iat access_token id_token userinfo refresh_token session
<Location /protected>
  # it sends nobody to sign in whose Sec-Fetch-Mode is not navigate, and fetch() says cors
  OIDCUnAuthAction auth true
  AuthType openid-connect
  Require valid-user
</Location>
`
    })
    const begin = () => person.open(`${here}/protected/`)
    const story = { ...given, here, begin }
    const info = async (more = '') =>
      readJson(await person.ask(`${callback}?info=json${more}`)) as Record<string, Claims> & Claims
    await proveStart(story)
    const { id_token: claims = {}, userinfo = {}, refresh_token: first } = await info()
    assertPerson(given, claims, userinfo)

    const { refresh_token: second, access_token } = await info('&access_token_refresh_interval=0')
    equal(typeof second, 'string')
    equal(second === first, false)
    equal(typeof access_token, 'string')
    tell('refresh')

    // no session: it sends the person to sign in again
    const ended = async () => (await person.ask(`${here}/protected/`)).status
    equal(await ended(), 200)
    await person.signOut()
    await eventually(ended, 302)
    tell('back-channel logout')

    await begin()
    const away = encodeURIComponent(`${here}/bye`)
    equal(readJson(await person.open(`${callback}?logout=${away}`))['bye'], true)
    await provePasswordAgain(story)
    tell('logout')
  }
}

export const modOauth2: Case = {
  name: 'mod_oauth2',
  needs: { debian: ['apache2', 'libapache2-mod-oauth2'] },
  version: () => `${debianVersion('libapache2-mod-oauth2')}, apache2 ${debianVersion('apache2')}`,
  async prove({ setting, life, tell }) {
    const { issuer, audience, env } = setting
    const demoApi = `${issuer}/demo-api`
    const secret = env['MINTMARK_DEMO_MACHINE_CLIENT_SECRET']
    const { here } = await startApache(life, {
      port: await freePort(),
      modules: ['oauth2'],
      content: '{"things":["a thing"]}',
      directives: `
<Location /things>
  AuthType oauth2
  OAuth2TokenVerify jwks_uri ${issuer}/.well-known/jwks.json verify.iss=${issuer}&verify.exp=required
  Require oauth2_claim aud:${audience}
</Location>
<Location /introspected>
  AuthType oauth2
  OAuth2TokenVerify introspect ${issuer}/oauth/introspect introspect.auth=client_secret_basic&client_id=demo-machine&client_secret=${secret}
  Require oauth2_claim aud:${demoApi}
</Location>
`
    })
    const answer = async (path: string, token?: string) => {
      const headers = new Headers(token === undefined ? {} : { authorization: `Bearer ${token}` })
      return (await fetch(`${here}${path}`, { headers })).status
    }
    const forThings = await machineToken(setting, audience)
    const forDemo = await machineToken(setting, demoApi)
    equal(await answer('/things', forThings), 200)
    equal(await answer('/things'), 401)
    equal(await answer('/things', forDemo), 401)
    equal(await answer('/things', `${forThings.slice(0, -8)}AAAAAAAA`), 401)
    tell('access token by keys, issuer and audience')

    equal(await answer('/introspected', forDemo), 200)
    equal(await answer('/introspected', forThings), 401)
    equal(await answer('/introspected', 'x'), 401)
    tell('access token by introspection')
  }
}
