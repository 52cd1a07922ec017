// The plans of the OpenID Foundation's conformance suite (gitlab.com/openid/conformance-suite) that this server is held to: their names
// there, the variants that we run, and what each needs of the server. A variant of a newer suite is added here and nowhere else.

/** Which of the run's clients a plan uses (clients.ts). */
export type Cast =
  | 'none'
  | 'basic'
  | 'registered'
  | 'fapi'
  | 'mtls'
  | 'signing'
  | 'ciba-poll'
  | 'ciba-ping'

export interface Plan {
  /** what `--plan` takes */
  name: string
  /** the suite's name of it */
  suite: string
  variant: Readonly<Record<string, string>>
  cast: Cast
  /** besides `code` */
  responseTypes: readonly string[]
  /** how it tells an authorization request that has been refused */
  strictness: 'one end' | 'any end'
}

const implicit = ['id_token', 'id_token token']
const hybrid = ['code id_token', 'code token', 'code id_token token']
const staticClients = { server_metadata: 'discovery', client_registration: 'static_client' }
const fapi = {
  fapi_profile: 'plain_fapi',
  authorization_request_type: 'simple',
  openid: 'openid_connect'
}

function core(name: string, suite: string, responseTypes: readonly string[] = []): Plan {
  return {
    name,
    suite: `oidcc-${suite}-certification-test-plan`,
    variant: staticClients,
    cast: 'basic',
    responseTypes,
    strictness: 'one end'
  }
}

function fapi2(name: string, suite: string, cast: Cast, variant: Plan['variant']): Plan {
  return {
    name,
    suite: `fapi2-${suite}-final-test-plan`,
    variant: { ...variant, ...fapi },
    cast,
    responseTypes: [],
    strictness: 'any end'
  }
}

function ciba(mode: 'poll' | 'ping'): Plan {
  return {
    name: `ciba-${mode}`,
    suite: 'fapi-ciba-id1-test-plan',
    variant: {
      client_auth_type: 'private_key_jwt',
      ciba_mode: mode,
      fapi_ciba_profile: 'plain_fapi',
      client_registration: 'static_client'
    },
    cast: `ciba-${mode}`,
    responseTypes: [],
    strictness: 'any end'
  }
}

const logout = { client_registration: 'static_client', response_type: 'code' }

export const plans: readonly Plan[] = [
  core('basic', 'basic'),
  { ...core('config', 'config'), variant: {}, cast: 'none' },
  {
    ...core('dynamic', 'dynamic', implicit),
    variant: { response_type: 'code' },
    cast: 'registered'
  },
  core('form-post-basic', 'formpost-basic'),
  core('form-post-implicit', 'formpost-implicit', implicit),
  core('form-post-hybrid', 'formpost-hybrid', hybrid),
  core('implicit', 'implicit', implicit),
  core('hybrid', 'hybrid', hybrid),
  { ...core('rp-initiated-logout', 'rp-initiated-logout'), variant: logout },
  { ...core('back-channel-logout', 'backchannel-rp-initiated-logout'), variant: logout },
  fapi2('fapi2-security-profile', 'security-profile', 'fapi', {
    client_auth_type: 'private_key_jwt',
    sender_constrain: 'dpop'
  }),
  fapi2('fapi2-security-profile-mtls', 'security-profile', 'mtls', {
    client_auth_type: 'mtls',
    sender_constrain: 'mtls'
  }),
  fapi2('fapi2-message-signing', 'message-signing', 'signing', {
    client_auth_type: 'private_key_jwt',
    sender_constrain: 'dpop',
    fapi_request_method: 'signed_non_repudiation',
    fapi_response_mode: 'jarm'
  }),
  ciba('poll'),
  ciba('ping')
]

/** As the suite's `run-test-plan.py` takes it: the plan's name, and each variant in brackets. */
export function planExpression({ suite, variant }: Plan): string {
  return (
    suite +
    Object.entries(variant)
      .map(([name, value]) => `[${name}=${value}]`)
      .join('')
  )
}
