// Every address of the server with a request that it would take: what the corpus is thrown at. A route that is missing here is noticed:
// matrix.test.ts compares this table with the routes that are there.

import { endpoints } from '../../src/protocol/configuration.ts'
import { grantsPath } from '../../src/protocol/grant-scopes.ts'
import { statusListPath } from '../../src/protocol/status-claim.ts'
import { api, redirectUri, secretOf } from '../support/configuration.ts'
import { selfServiceEndpoints } from './self-service-endpoints.ts'
import type { Wire } from './wire.ts'

export interface Endpoint {
  /** the route, as it is registered */
  route: string
  /** who reads a refusal: a client, or a person */
  reader: 'client' | 'person'
  methods: readonly string[]
  /** a request that gets past the parser: hostile ones are made from it */
  sound: Wire
  /** answers may be cached: metadata and files */
  cacheable?: true
  /** tables in which a refused request may leave a row: sessions of forms, interactions */
  mayWrite?: true
}

export type Headers = readonly (readonly [string, string])[]

export const form = ['content-type', 'application/x-www-form-urlencoded'] as const
export const json = ['content-type', 'application/json'] as const

export function basic(clientId: string, secret = secretOf(clientId)): readonly [string, string] {
  return ['authorization', `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`]
}

export const authorizeQuery = new URLSearchParams({
  client_id: 'web',
  redirect_uri: redirectUri,
  response_type: 'code',
  scope: 'openid',
  state: 'a-state-of-the-client',
  code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWBuGJSstw-cM',
  code_challenge_method: 'S256'
}).toString()

const machine = new URLSearchParams({ grant_type: 'client_credentials', resource: api }).toString()

function post(target: string, body: string, ...headers: Headers): Wire {
  return { method: 'POST', target, headers: [form, ...headers], body }
}

const get = (target: string): Wire => ({ method: 'GET', target })

const cors = ['OPTIONS', 'POST']
const metadata = ['GET', 'HEAD', 'OPTIONS']

/** `stylesheet`: path of one, since its name tells its content. */
export function endpointTable(stylesheet: string): Endpoint[] {
  const client = { reader: 'client' as const, methods: cors }
  const page = { reader: 'person' as const, methods: ['GET'], mayWrite: true as const }
  const { authorization, token, userinfo, introspection, revocation, registration } = endpoints
  return [
    { ...client, route: token, sound: post(token, machine, basic('billing')) },
    {
      ...client,
      route: introspection,
      sound: post(introspection, 'token=nothing', basic('api-server'))
    },
    { ...client, route: revocation, sound: post(revocation, 'token=nothing', basic('web')) },
    {
      ...client,
      route: endpoints.pushed_authorization_request,
      sound: post(endpoints.pushed_authorization_request, authorizeQuery, basic('web')),
      mayWrite: true
    },
    {
      ...client,
      route: endpoints.device_authorization,
      sound: post(endpoints.device_authorization, 'client_id=tv&scope=openid'),
      mayWrite: true
    },
    {
      ...client,
      route: endpoints.backchannel_authentication,
      sound: post(
        endpoints.backchannel_authentication,
        'login_hint=nobody@example.com&scope=openid',
        basic('bank')
      ),
      mayWrite: true
    },
    {
      ...client,
      route: userinfo,
      methods: ['GET', 'OPTIONS', 'POST'],
      sound: post(userinfo, 'access_token=nothing')
    },
    {
      ...client,
      route: registration,
      methods: ['POST'],
      sound: { method: 'POST', target: registration, headers: [json], body: '{"client_name":"x"}' }
    },
    {
      ...client,
      route: `${registration}/:clientId`,
      methods: ['DELETE', 'GET', 'PUT'],
      sound: { method: 'PUT', target: `${registration}/web`, headers: [json], body: '{}' }
    },
    {
      ...client,
      route: '/.well-known/openid-configuration',
      methods: metadata,
      sound: get('/.well-known/openid-configuration'),
      cacheable: true
    },
    {
      ...client,
      route: '/.well-known/oauth-authorization-server',
      methods: metadata,
      sound: get('/.well-known/oauth-authorization-server'),
      cacheable: true
    },
    {
      ...client,
      route: endpoints.jwks,
      methods: ['GET', 'HEAD'],
      sound: get(endpoints.jwks),
      cacheable: true
    },
    {
      ...client,
      route: `${statusListPath}/:list`,
      methods: ['GET', 'HEAD'],
      sound: get(`${statusListPath}/1`),
      cacheable: true
    },
    {
      ...page,
      route: authorization,
      methods: ['GET', 'POST'],
      sound: get(`${authorization}?${authorizeQuery}`)
    },
    { ...page, route: `${authorization}/:uid`, sound: get(`${authorization}/some-interaction`) },
    {
      ...page,
      route: endpoints.code_verification,
      methods: ['GET', 'POST'],
      sound: post(endpoints.code_verification, 'user_code=BCDF-GHJK&xsrf=nothing')
    },
    {
      ...page,
      route: `${endpoints.code_verification}/:uid`,
      sound: get(`${endpoints.code_verification}/some-interaction`)
    },
    {
      ...page,
      route: endpoints.end_session,
      methods: ['GET', 'POST'],
      sound: get(`${endpoints.end_session}?client_id=web`)
    },
    {
      ...page,
      route: `${endpoints.end_session}/confirm`,
      methods: ['POST'],
      sound: post(`${endpoints.end_session}/confirm`, 'xsrf=nothing&logout=yes')
    },
    {
      ...page,
      route: `${endpoints.end_session}/success`,
      sound: get(`${endpoints.end_session}/success?client_id=web`)
    },
    {
      ...page,
      route: '/interaction/:uid',
      methods: ['GET', 'HEAD', 'POST'],
      sound: post('/interaction/some-interaction', 'prompt=login&csrf=x&login=a&password=b')
    },
    {
      ...page,
      route: '/sign-in',
      methods: ['GET', 'HEAD', 'POST'],
      sound: post('/sign-in', 'return_to=/device&csrf=x&login=a&password=b')
    },
    {
      ...page,
      route: '/sign-in/upstream/:id/callback',
      methods: ['GET', 'HEAD', 'POST'],
      sound: post('/sign-in/upstream/work/callback', 'code=x&state=y&iss=z')
    },
    {
      ...page,
      route: '/account/security/linked',
      methods: ['GET', 'HEAD', 'POST'],
      sound: post('/account/security/linked', 'csrf=x&act=link')
    },
    {
      ...page,
      route: '/account/security',
      methods: ['GET', 'HEAD'],
      sound: { method: 'GET', target: '/account/security', headers: [] }
    },
    {
      ...page,
      route: '/account/security/events',
      methods: ['GET', 'HEAD'],
      sound: { method: 'GET', target: '/account/security/events?before=1-1', headers: [] }
    },
    {
      ...page,
      route: '/account',
      methods: ['GET', 'HEAD', 'POST'],
      sound: post('/account', 'csrf=x&name=Ada&nickname=&locale=en&zoneinfo=')
    },
    {
      ...page,
      route: '/account/sessions',
      methods: ['GET', 'HEAD', 'POST'],
      sound: post('/account/sessions', 'csrf=x&end=others')
    },
    {
      ...page,
      route: '/account/data',
      methods: ['GET', 'HEAD', 'POST'],
      sound: post('/account/data', 'csrf=x')
    },
    {
      ...page,
      route: '/account/data/delete',
      methods: ['GET', 'HEAD', 'POST'],
      sound: post('/account/data/delete', 'csrf=x&word=delete')
    },
    {
      ...page,
      route: '/account/grants',
      methods: ['GET', 'HEAD', 'POST'],
      sound: post('/account/grants', 'csrf=x&client_id=web')
    },
    {
      ...page,
      route: '/account/security/totp',
      methods: ['GET', 'HEAD', 'POST'],
      sound: post('/account/security/totp', 'csrf=x&what=confirm&offer=y&code=123456')
    },
    {
      ...page,
      route: '/account/security/recovery-codes',
      methods: ['GET', 'HEAD', 'POST'],
      sound: post('/account/security/recovery-codes', 'csrf=x&what=renew')
    },
    {
      ...page,
      route: '/account/security/passkeys',
      methods: ['GET', 'HEAD', 'POST'],
      sound: post('/account/security/passkeys', 'csrf=x&action=add&passkey={}')
    },
    {
      ...page,
      route: '/.well-known/passkey-endpoints',
      methods: ['GET', 'HEAD'],
      sound: get('/.well-known/passkey-endpoints'),
      cacheable: true
    },
    {
      ...client,
      route: `${grantsPath}/:grantId`,
      methods: ['DELETE', 'GET', 'HEAD'],
      sound: { method: 'DELETE', target: `${grantsPath}/some-grant`, headers: [] }
    },
    {
      ...page,
      route: '/approve',
      methods: ['GET', 'HEAD', 'POST'],
      sound: post('/approve', 'csrf=x&request=x&approve=yes')
    },
    ...selfServiceEndpoints,
    {
      ...page,
      route: '/language',
      methods: ['POST'],
      sound: post('/language', 'lang=ko&return_to=/device')
    },
    {
      ...page,
      route: stylesheet,
      methods: ['GET', 'HEAD'],
      sound: get(stylesheet),
      cacheable: true
    },
    {
      ...page,
      route: '/livez',
      methods: ['GET', 'HEAD'],
      sound: get('/livez'),
      reader: 'client'
    },
    { ...page, route: '/readyz', methods: ['GET', 'HEAD'], sound: get('/readyz'), reader: 'client' }
  ]
}
