// Reference: plain oidc-provider on its own HTTP server with its in-memory adapter and its own pages; JWT access tokens for the API, opaque
// ones elsewhere, since it takes no JWT at its own endpoints. Reads what it is from its only argument, as JSON.

import { exportJWK, generateKeyPair } from 'jose'
import { Provider } from 'oidc-provider'
import { plain } from '../faults/installation.ts'
import { secretOf } from '../support/configuration.ts'
import { benchApi } from './setting.ts'
import { answerQuestions } from './usage.ts'

const given = JSON.parse(process.argv[2] ?? '{}') as { issuer: string; port: number }
const { clientId: app, redirectUri } = plain
const keys = await Promise.all(
  ['ES256', 'RS256'].map(async alg => {
    const { privateKey } = await generateKeyPair(alg, { extractable: true })
    return { ...(await exportJWK(privateKey)), kid: alg, alg, use: 'sig' }
  })
)
const provider = new Provider(given.issuer, {
  jwks: { keys },
  cookies: { keys: [secretOf(app)] },
  clients: [
    {
      client_id: app,
      client_secret: secretOf(app),
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token']
    },
    {
      client_id: 'billing',
      client_secret: secretOf('billing'),
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: []
    }
  ],
  findAccount: async (_ctx, accountId) => ({
    accountId,
    claims: async () => ({ sub: accountId, name: 'Ada Lovelace' })
  }),
  issueRefreshToken: async () => true,
  rotateRefreshToken: true,
  expiresWithSession: async () => false,
  ttl: { AuthorizationCode: 600 },
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: async () => ({
        scope: 'read:things write:things',
        audience: benchApi,
        accessTokenFormat: 'jwt',
        accessTokenTTL: 600,
        jwt: { sign: { alg: 'ES256' } }
      }),
      useGrantedResource: async () => true
    }
  },
  routes: {
    authorization: '/authorize',
    token: '/oauth/token',
    userinfo: '/userinfo',
    introspection: '/oauth/introspect',
    jwks: '/.well-known/jwks.json'
  }
})
provider.listen(given.port, '127.0.0.1', () => answerQuestions(() => 0))
