// The files that read a JWT, in this project and in the engine (oidc-provider), and the places of jwt-places.ts where each is reached; or why
// nothing that a stranger sends gets there; and the same by endpoint. A file that is missing here fails tokens.test.ts, an endpoint the compiler.

import type { endpoints } from '../../src/protocol/configuration.ts'

const clientAssertions = [
  'client assertion at the token endpoint',
  'client assertion at introspection',
  'client assertion at revocation',
  'client assertion at PAR',
  'client assertion at device authorization',
  'client assertion with a MAC'
]
const attestations = ['client attestation', 'proof of an attested key']
const requestObjects = [
  'request object at authorize',
  'request object at PAR',
  'encrypted request object',
  'request object at backchannel authentication'
]
const hints = [
  'id_token_hint at authorize',
  'id_token_hint at logout',
  'id_token_hint at backchannel authentication'
]
const proofs = ['DPoP proof at the token endpoint', 'DPoP proof at PAR']
const accessTokens = [
  'Bearer at userinfo',
  'form at userinfo',
  'Bearer at the Grant Management API',
  'introspection',
  'revocation',
  'subject_token',
  'actor_token'
]

export const readers: Readonly<Record<string, readonly string[] | { never: string }>> = {
  'src/clients/software-statement.ts': ['software statement'],
  'src/clients/trusted-issuers.ts': [
    'workload token',
    'JWT-SVID',
    'assertion of the JWT bearer grant'
  ],
  'src/demo/relying-party.ts': {
    never: 'is a relying party, and reads tokens of its issuer (test/demo)'
  },
  'src/browser-session/relying-party.ts': {
    never: 'is an app’s, and reads tokens of its issuer (test/browser-session)'
  },
  'src/federation/oauth-provider.ts': {
    never: 'asks for no ID token, and takes no word from one (test/federation/presets.test.ts)'
  },
  'src/federation/openid-provider.ts': ['ID token of an upstream'],
  'src/protocol/access-tokens.ts': accessTokens,
  'src/protocol/encrypted-requests.ts': requestObjects,
  'src/protocol/foreign-issuers.ts': { never: 'builds the reader of clients/trusted-issuers.ts' },
  'src/protocol/hints.ts': hints,
  'src/protocol/id-token-hints.ts': hints,
  'src/protocol/replay-detection.ts': { never: 'reads the time of a proof that was verified' },
  'src/browser-session/back-channel-logout.ts': {
    never: 'is an app’s: its own tests are test/browser-session/parts.test.ts'
  },
  'src/resource-server/dpop.ts': {
    never:
      'is an API’s: a proof comes with a token that was verified (test/resource-server/dpop.test.ts)'
  },
  'src/resource-server/introspection.ts': {
    never: 'reads answers of the issuer (test/resource-server/introspection.test.ts)'
  },
  'src/resource-server/presented.ts': ['verifier of an API'],
  'src/resource-server/status-list.ts': ['status list in an API'],
  'src/resource-server/verifier.ts': ['verifier of an API'],

  'oidc-provider/actions/authorization/claims.js': hints,
  'oidc-provider/actions/authorization/process_request_object.js': requestObjects,
  'oidc-provider/actions/authorization/pushed_authorization_requests.js': requestObjects,
  'oidc-provider/actions/credential.js': { never: 'verifiable credentials are off' },
  'oidc-provider/actions/end_session.js': hints,
  'oidc-provider/helpers/check_attest_binding.js': {
    never: 'reads the key of an attestation that was verified'
  },
  'oidc-provider/helpers/jwt.js': [...requestObjects, ...hints, ...clientAssertions],
  'oidc-provider/helpers/validate_dpop.js': proofs,
  'oidc-provider/models/id_token.js': hints,
  'oidc-provider/models/token_helpers.js': {
    never: 'reads the key of an attestation that was verified'
  },
  'oidc-provider/shared/attest_client_auth.js': attestations,
  'oidc-provider/shared/client_auth.js': [...clientAssertions, ...attestations],
  'oidc-provider/shared/jwt_client_auth.js': clientAssertions,
  'oidc-provider/shared/reject_structured_tokens.js': ['introspection', 'revocation']
}

/** What each endpoint reads; a new one that takes a JWT needs a place of its own in jwt-places.ts. */
export const atEndpoints = {
  authorization: ['request object at authorize', 'id_token_hint at authorize'],
  token: [
    'client assertion at the token endpoint',
    'client assertion with a MAC',
    ...attestations,
    'workload token',
    'JWT-SVID',
    'assertion of the JWT bearer grant',
    'subject_token',
    'actor_token',
    'DPoP proof at the token endpoint'
  ],
  userinfo: ['Bearer at userinfo', 'form at userinfo'],
  jwks: [],
  introspection: ['client assertion at introspection', 'introspection'],
  revocation: ['client assertion at revocation', 'revocation'],
  pushed_authorization_request: [
    'client assertion at PAR',
    'request object at PAR',
    'encrypted request object',
    'DPoP proof at PAR'
  ],
  registration: ['software statement'],
  backchannel_authentication: [
    'request object at backchannel authentication',
    'id_token_hint at backchannel authentication'
  ],
  device_authorization: ['client assertion at device authorization'],
  code_verification: [],
  end_session: ['id_token_hint at logout'],
  challenge: [],
  grants: ['Bearer at the Grant Management API']
} satisfies Record<keyof typeof endpoints | 'grants', readonly string[]>
