// The clients of a conformance run, by plan: as this server's configuration declares them, and as the suite's configuration knows them. Both
// come from one table, so that they cannot differ. Members of profiles are RFC 9126's, RFC 9449's, RFC 8705's, RFC 9101's and CIBA §4's.

import type { Credentials } from './credentials.ts'
import type { Cast, Plan } from './plans.ts'

/** Where the suite listens, and under which name. */
export interface Place {
  issuer: string
  /** an origin */
  suite: string
  alias: string
}

/** The person of the run; every standard claim is there, since the scopes' modules look for each. */
export const person = {
  login: 'suite@example.com',
  name: 'Ada Lovelace',
  email: 'suite@example.com',
  email_verified: true,
  locale: 'en',
  claims: {
    given_name: 'Ada',
    family_name: 'Lovelace',
    middle_name: 'King',
    nickname: 'Ada',
    profile: 'https://example.com/ada',
    picture: 'https://example.com/ada.png',
    website: 'https://example.com',
    gender: 'female',
    birthdate: '1815-12-10',
    zoneinfo: 'Europe/London',
    phone_number: '+1 (425) 555-1212',
    phone_number_verified: true,
    address: {
      formatted: '12 St James’s Square\nLondon\nSW1Y 4JH\nUnited Kingdom',
      street_address: '12 St James’s Square',
      locality: 'London',
      region: 'England',
      postal_code: 'SW1Y 4JH',
      country: 'United Kingdom'
    }
  }
}

/** Where the suite's pages for this run are. */
export function suitePath({ suite, alias }: Place, path: string): string {
  return `${suite}/test/a/${alias}/${path}`
}

type Members = Record<string, unknown>

/** client_ids, by what plays the first and the second client; `post` authenticates by the body. */
export const clientIds: Record<Cast, { first?: string; second?: string; post?: string }> = {
  none: {},
  registered: {},
  basic: { first: 'suite-one', second: 'suite-two', post: 'suite-post' },
  fapi: { first: 'fapi-one', second: 'fapi-two' },
  mtls: { first: 'mtls-one', second: 'mtls-two' },
  signing: { first: 'signing-one', second: 'signing-two' },
  'ciba-poll': { first: 'poll-one', second: 'poll-two' },
  'ciba-ping': { first: 'ping-one', second: 'ping-two' }
}

function shared(clientId: string): Members {
  return { client_id: clientId, type: 'web', client_name: `Conformance suite, ${clientId}` }
}

/** The second client of the FAPI plans is called back with a query of its own. */
function callbacks(place: Place): string[] {
  const callback = suitePath(place, 'callback')
  return [callback, `${callback}?dummy1=lorem&dummy2=ipsum`]
}

function basic(clientId: string, place: Place, given: Given): Members {
  const { credentials, responseTypes, backChannel } = given
  const implicit = responseTypes.some(type => /token/.test(type))
  return {
    ...shared(clientId),
    client_secret: credentials.secret(clientId),
    token_endpoint_auth_method: /post$/.test(clientId)
      ? 'client_secret_post'
      : 'client_secret_basic',
    redirect_uris: callbacks(place),
    post_logout_redirect_uris: [suitePath(place, 'post_logout_redirect')],
    grant_types: ['authorization_code', 'refresh_token', ...(implicit ? ['implicit'] : [])],
    response_types: ['code', ...responseTypes],
    ...(backChannel
      ? {
          backchannel_logout_uri: suitePath(place, 'backchannel_logout'),
          backchannel_logout_session_required: true
        }
      : {}),
    conformance: 'relaxed'
  }
}

function financial(clientId: string, place: Place, { credentials }: Given): Members {
  return {
    ...shared(clientId),
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'PS256',
    jwks: { keys: [credentials.publicKey(clientId)] },
    redirect_uris: callbacks(place),
    require_pushed_authorization_requests: true,
    dpop_bound_access_tokens: true,
    id_token_signed_response_alg: 'ES256',
    refresh_tokens: 'always',
    profile: 'fapi2',
    conformance: 'strict'
  }
}

function x5c(clientId: string, credentials: Credentials): Members {
  const { cert } = credentials.certificate(clientId)
  return { x5c: [cert.replace(/-----[A-Z ]+-----|\n/g, '')] }
}

/** By a certificate instead of an assertion and a proof. */
function byCertificate(clientId: string, place: Place, given: Given): Members {
  const { credentials } = given
  const { token_endpoint_auth_signing_alg, dpop_bound_access_tokens, ...members } = financial(
    clientId,
    place,
    given
  )
  return {
    ...members,
    token_endpoint_auth_method: 'self_signed_tls_client_auth',
    jwks: { keys: [{ ...credentials.publicKey(clientId), ...x5c(clientId, credentials) }] },
    tls_client_certificate_bound_access_tokens: true
  }
}

function signing(clientId: string, place: Place, given: Given): Members {
  return {
    ...financial(clientId, place, given),
    profile: 'fapi2-message-signing',
    require_signed_request_object: true,
    request_object_signing_alg: 'PS256',
    authorization_signed_response_alg: 'ES256'
  }
}

/** CIBA §4. Its plan wants tokens that are bound to a certificate, however the client authenticates. */
function decoupled(mode: 'poll' | 'ping'): Declaration {
  return (clientId, place, { credentials }) => ({
    ...shared(clientId),
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'PS256',
    jwks: { keys: [credentials.publicKey(clientId)] },
    grant_types: ['urn:openid:params:grant-type:ciba', 'refresh_token'],
    backchannel_token_delivery_mode: mode,
    ...(mode === 'ping'
      ? {
          backchannel_client_notification_endpoint: suitePath(place, 'ciba-notification-endpoint')
        }
      : {}),
    backchannel_authentication_request_signing_alg: 'PS256',
    tls_client_certificate_bound_access_tokens: true,
    id_token_signed_response_alg: 'ES256',
    refresh_tokens: 'always',
    // its plan signs assertions for the endpoint
    conformance: 'relaxed'
  })
}

interface Given {
  credentials: Credentials
  responseTypes: readonly string[]
  backChannel: boolean
}

type Declaration = (clientId: string, place: Place, given: Given) => Members

const declared: Record<Cast, Declaration> = {
  none: shared,
  registered: shared,
  basic,
  fapi: financial,
  mtls: byCertificate,
  signing,
  'ciba-poll': decoupled('poll'),
  'ciba-ping': decoupled('ping')
}

/** The clients of these plans, as the configuration file of this server has them. */
export function declaredClients(
  chosen: readonly Plan[],
  place: Place,
  credentials: Credentials
): Members[] {
  const given: Given = {
    credentials,
    responseTypes: [...new Set(chosen.flatMap(plan => plan.responseTypes))],
    backChannel: chosen.some(({ name }) => name === 'back-channel-logout')
  }
  const casts = [...new Set(chosen.map(({ cast }) => cast))]
  return casts.flatMap(cast =>
    Object.values(clientIds[cast]).map(clientId => declared[cast](clientId, place, given))
  )
}

/** One client, as the suite's configuration has it. */
export function suiteClient(
  cast: Cast,
  clientId: string,
  credentials: Credentials
): Record<string, unknown> {
  if (cast === 'basic') {
    return { client_id: clientId, client_secret: credentials.secret(clientId) }
  }
  const hint = { hint_type: 'login_hint', hint_value: person.login }
  return {
    client_id: clientId,
    scope: 'openid',
    jwks: { keys: [credentials.key(clientId)] },
    ...(cast.startsWith('ciba') ? hint : {})
  }
}
