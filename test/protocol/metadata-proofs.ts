// What discovery may say, member by member: the test that shows each value of it at work, the values that others know, and how one of them that
// is not advertised is refused. metadata-honesty.test.ts holds this table to the documents, and tries every value that is missing in them.

import { joseProofs, signing } from './metadata-jose.ts'

export type Test = readonly [file: string, title: string]

export interface Proof {
  /** shows what is advertised at work; a member that no configuration here switches on says why */
  works: Test | { never: string }
  /** values that are registered or in use elsewhere */
  known?: readonly string[]
  /** the client's member that asks for a value, or how else it is asked for (metadata-honesty.test.ts) */
  askedBy?: string
}

const discovery = (title: string): Test => ['test/protocol/discovery.test.ts', title]
const endpoint: Proof = {
  works: discovery('every endpoint is at the issuer, and is there (RFC 8414 §2)')
}
const requests: Test = [
  'test/protocol/request-objects.test.ts',
  'each advertised algorithm of request objects is taken, by value and pushed (RFC 9101 §5, RFC 9126 §3)'
]
const logoutNotices = 'test/protocol/logout-notices.test.ts'
const unsupported = discovery('what is said to be unsupported is (Discovery §3)')
const attestation: Test = [
  'test/protocol/client-attestation.test.ts',
  'an attested instance authenticates, after a challenge (§8)'
]
/** The same, with what is refused: it needs a client of its operator's. */
const backchannel: Test = [
  'test/protocol/ciba.test.ts',
  'what discovery says of it is so, algorithm by algorithm (CIBA Core §4)'
]
/** What is refused is tried there, too: it needs an attester. */
const attesting: Proof = {
  works: [
    'test/protocol/client-attestation.test.ts',
    'each advertised algorithm signs attestations and proofs, and no other does'
  ],
  known: signing
}

export const proofs: ReadonlyMap<string, Proof> = new Map<string, Proof>([
  ['issuer', { works: endpoint.works }],
  ...[
    'authorization_endpoint',
    'token_endpoint',
    'userinfo_endpoint',
    'jwks_uri',
    'introspection_endpoint',
    'revocation_endpoint',
    'device_authorization_endpoint',
    'pushed_authorization_request_endpoint',
    'end_session_endpoint'
  ].map((name): [string, Proof] => [name, endpoint]),
  [
    'registration_endpoint',
    {
      works: [
        'test/protocol/registration.test.ts',
        'a client registers, signs somebody in, and has its secret in no column (RFC 7591 §3.2.1)'
      ]
    }
  ],
  [
    'mtls_endpoint_aliases',
    {
      works: [
        'test/protocol/mutual-tls.test.ts',
        'discovery says what is on, and where (RFC 8705 §3.3, §5)'
      ]
    }
  ],
  [
    'grant_types_supported',
    {
      works: discovery('each advertised grant type works, and no other is known (RFC 8414 §2)'),
      known: [
        ...['password', 'implicit', 'authorization_code', 'refresh_token', 'client_credentials'],
        'urn:ietf:params:oauth:grant-type:device_code',
        'urn:ietf:params:oauth:grant-type:token-exchange',
        'urn:ietf:params:oauth:grant-type:jwt-bearer',
        'urn:ietf:params:oauth:grant-type:saml2-bearer',
        'urn:ietf:params:oauth:grant-type:uma-ticket',
        'urn:ietf:params:oauth:grant-type:pre-authorized_code',
        'urn:openid:params:grant-type:ciba'
      ],
      askedBy: 'grant type'
    }
  ],
  [
    'response_types_supported',
    {
      works: [
        'test/protocol/authorization-code.test.ts',
        'openid-client accepts code, PKCE, nonce and iss (RFC 6749 §4.1, RFC 7636, RFC 9207 §2.4)'
      ],
      known: [
        ...['code', 'token', 'id_token', 'none', 'code token', 'code id_token', 'id_token token'],
        ...['code id_token token', 'device', 'vp_token']
      ],
      askedBy: 'response type'
    }
  ],
  [
    'response_modes_supported',
    {
      works: discovery('each advertised response mode works, and no other is known (RFC 8414 §2)'),
      known: [
        ...['query', 'fragment', 'form_post', 'web_message', 'jwt', 'query.jwt', 'fragment.jwt'],
        ...['form_post.jwt', 'web_message.jwt', 'direct_post', 'direct_post.jwt', 'cookie']
      ],
      askedBy: 'response mode'
    }
  ],
  [
    'token_endpoint_auth_methods_supported',
    {
      works: [
        'test/protocol/client-authentication.test.ts',
        'openid-client authenticates by each advertised method (RFC 6749 §2.3.1, RFC 7523 §2.2)'
      ],
      known: [
        ...['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt'],
        ...['none', 'tls_client_auth', 'self_signed_tls_client_auth', 'attest_jwt_client_auth'],
        'attest_jwt_client_auth_dpop',
        ...['spiffe_jwt', 'client_x509', 'x']
      ],
      askedBy: 'token_endpoint_auth_method'
    }
  ],
  ...joseProofs,
  [
    'subject_types_supported',
    {
      works: [
        'test/protocol/pairwise.test.ts',
        'different sectors see different subjects, one sector sees one (Core §8.1)'
      ],
      known: ['public', 'pairwise', 'transient', 'ephemeral'],
      askedBy: 'subject_type'
    }
  ],
  [
    'scopes_supported',
    {
      works: discovery(
        'each advertised scope is granted, and no other without a resource (RFC 8414 §2)'
      ),
      known: [
        'openid',
        'profile',
        'email',
        'address',
        'phone',
        'offline_access',
        'groups',
        'roles'
      ],
      askedBy: 'scope'
    }
  ],
  [
    'claims_supported',
    {
      works: [
        'test/protocol/claims-parameter.test.ts',
        'a client gets no claim of a scope that it may not ask for (Core §5.5)'
      ],
      known: ['sub', 'name', 'email', 'groups', 'roles', 'password', 'accountId', '__proto__'],
      askedBy: 'claim'
    }
  ],
  [
    'claim_types_supported',
    {
      works: [
        'test/protocol/userinfo.test.ts',
        'userinfo tells the claims of the granted scopes and the sub of the ID token (Core §5.3)'
      ]
    }
  ],
  [
    'claims_parameter_supported',
    {
      works: [
        'test/protocol/claims-parameter.test.ts',
        'a client gets no claim of a scope that it may not ask for (Core §5.5)'
      ]
    }
  ],
  [
    'acr_values_supported',
    {
      works: [
        'test/protocol/authentication-context.test.ts',
        'access tokens say when and how strongly the person signed in, the same over refreshes (RFC 9068 §2.2.1)'
      ],
      known: [
        'urn:mintmark:acr:password',
        'urn:mintmark:acr:multi-factor',
        'phr',
        'phrh',
        '0',
        'urn:mace:incommon:iap:silver'
      ],
      askedBy: 'acr'
    }
  ],
  [
    'code_challenge_methods_supported',
    {
      works: [
        'test/protocol/authorization-code.test.ts',
        'openid-client accepts code, PKCE, nonce and iss (RFC 6749 §4.1, RFC 7636, RFC 9207 §2.4)'
      ],
      known: ['S256', 'plain', 'S512', 's256'],
      askedBy: 'PKCE method'
    }
  ],
  [
    'ui_locales_supported',
    {
      works: discovery(
        'each advertised language of the pages is one that they speak (Discovery §3)'
      ),
      known: ['en', 'ko', 'de', 'xx'],
      askedBy: 'language'
    }
  ],
  [
    'authorization_response_iss_parameter_supported',
    {
      works: [
        'test/protocol/authorization-code.test.ts',
        'openid-client accepts code, PKCE, nonce and iss (RFC 6749 §4.1, RFC 7636, RFC 9207 §2.4)'
      ]
    }
  ],
  ['request_parameter_supported', { works: requests }],
  ['request_uri_parameter_supported', { works: unsupported }],
  [
    'backchannel_logout_supported',
    { works: [logoutNotices, 'who signed in at a relying party is signed out there (§2.4, §2.5)'] }
  ],
  [
    'backchannel_logout_session_supported',
    {
      works: [
        logoutNotices,
        'five tabs at once, one sign-out: everybody is told, with the right sid (D-24)'
      ]
    }
  ],
  [
    'client_id_metadata_document_supported',
    {
      works: [
        'test/protocol/client-documents.test.ts',
        'a person is told the host, always asked, and gets tokens for the API'
      ]
    }
  ],
  [
    'protected_resources',
    {
      works: [
        'test/protocol/client-documents.test.ts',
        'an API that does not list documents is closed to them (RFC 8707 §2)'
      ]
    }
  ],
  [
    'tls_client_certificate_bound_access_tokens',
    {
      works: [
        'test/protocol/bound-to-certificate.test.ts',
        'userinfo takes a bound token with its certificate only, 401 otherwise (RFC 8705 §3)'
      ]
    }
  ],
  ...['grant_management_endpoint', 'grant_management_actions_supported'].map(
    (name): [string, Proof] => [
      name,
      {
        works: [
          'test/protocol/grant-management.test.ts',
          'openid-client creates, queries and revokes a grant, by discovery alone (FAPI GM §5, §6)'
        ],
        ...(name.endsWith('_supported')
          ? { known: ['create', 'merge', 'replace', 'query', 'revoke', 'update', 'x'] }
          : {})
      }
    ]
  ),
  // what the engine could say besides
  ['grant_management_action_required', { works: { never: 'no server here demands an action' } }],
  ['require_pushed_authorization_requests', { works: { never: 'nobody is made to push' } }],
  ['require_signed_request_object', { works: { never: 'it is a member of single clients' } }],
  ['challenge_endpoint', { works: attestation }],
  ['client_attestation_signing_alg_values_supported', attesting],
  ['client_attestation_pop_signing_alg_values_supported', attesting],
  [
    'client_attestation_pop_methods_supported',
    { works: { never: 'an attestation is no signal beside another method' } }
  ],
  ['backchannel_client_notification_endpoint', { works: { never: 'it is a member of clients' } }],
  ['backchannel_authentication_endpoint', { works: backchannel }],
  ['backchannel_user_code_parameter_supported', { works: backchannel }],
  [
    'backchannel_token_delivery_modes_supported',
    { works: backchannel, known: ['poll', 'ping', 'push'] }
  ],
  [
    'backchannel_authentication_request_signing_alg_values_supported',
    { works: backchannel, known: signing }
  ],
  [
    'authorization_details_types_supported',
    {
      works: [
        'test/protocol/authorization-details.test.ts',
        'what no type allows is invalid_authorization_details (RFC 9396 §5)'
      ],
      known: ['payment_initiation', 'x']
    }
  ]
])

/** Parameters whose values discovery does not list here, and values that have no meaning: each is refused or changes nothing. */
export const unlisted = {
  prompt: ['create', 'none login', 'x'],
  display: ['popup', 'x']
} as const
