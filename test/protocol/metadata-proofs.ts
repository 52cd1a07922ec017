// What discovery may say, member by member: the test that shows each value of it at work, the values that others know, and how one of them that
// is not advertised is refused. metadata-honesty.test.ts holds this table to the documents, and tries every value that is missing in them.

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
const signing = [
  ...[
    'none',
    'HS256',
    'HS384',
    'HS512',
    'RS1',
    'RS256',
    'RS384',
    'RS512',
    'PS256',
    'PS384',
    'PS512'
  ],
  ...['ES256', 'ES384', 'ES512', 'ES256K', 'EdDSA', 'Ed25519', 'Ed448', 'ML-DSA-44', 'es256', 'x']
]
const keyManagement = [
  ...['RSA1_5', 'RSA-OAEP', 'RSA-OAEP-256', 'RSA-OAEP-384', 'RSA-OAEP-512', 'dir', 'none'],
  ...[
    'ECDH-ES',
    'ECDH-ES+A128KW',
    'ECDH-ES+A192KW',
    'ECDH-ES+A256KW',
    'A128KW',
    'A192KW',
    'A256KW'
  ],
  ...['A128GCMKW', 'A192GCMKW', 'A256GCMKW', 'PBES2-HS256+A128KW', 'PBES2-HS512+A256KW']
]
const content = [
  ...[
    'A128CBC-HS256',
    'A192CBC-HS384',
    'A256CBC-HS512',
    'A128GCM',
    'A192GCM',
    'A256GCM',
    'none',
    'x'
  ]
]
const signed = 'test/protocol/signed-responses.test.ts'
const encryption: Test = [
  'test/protocol/encrypted-responses.test.ts',
  'each advertised way of encryption is taken for each kind of message, signed inside (Core §10.2, RFC 9701 §5, JARM §2.2)'
]
const encryptionOf = (message: string): [string, Proof][] => [
  [
    `${message}_encryption_alg_values_supported`,
    { works: encryption, known: keyManagement, askedBy: `${message}_encrypted_response_alg` }
  ],
  [
    `${message}_encryption_enc_values_supported`,
    { works: encryption, known: content, askedBy: `${message}_encrypted_response_enc` }
  ]
]
const requests: Test = [
  'test/protocol/request-objects.test.ts',
  'each advertised algorithm of request objects is taken, by value and pushed (RFC 9101 §5, RFC 9126 §3)'
]
const encryptedRequests: Test = [
  'test/protocol/encrypted-requests.test.ts',
  'each advertised way of encrypting a request is taken, by value and pushed (RFC 9101 §6.1)'
]
const logoutNotices = 'test/protocol/logout-notices.test.ts'
const unsupported = discovery('what is said to be unsupported is (Discovery §3)')
const attestation = { never: 'attestation-based client authentication is off' }

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
        ...['spiffe_jwt', 'client_x509', 'x']
      ],
      askedBy: 'token_endpoint_auth_method'
    }
  ],
  [
    'token_endpoint_auth_signing_alg_values_supported',
    {
      works: [
        'test/protocol/client-authentication.test.ts',
        'each advertised algorithm of assertions is taken (RFC 7523 §3)'
      ],
      known: signing,
      askedBy: 'token_endpoint_auth_signing_alg'
    }
  ],
  [
    'id_token_signing_alg_values_supported',
    {
      works: [
        'test/protocol/id-token.test.ts',
        'each advertised algorithm signs for who registered it (Core §15.1, Registration §2)'
      ],
      known: signing,
      askedBy: 'id_token_signed_response_alg'
    }
  ],
  [
    'userinfo_signing_alg_values_supported',
    {
      works: [
        signed,
        'each advertised algorithm signs userinfo for who registered it (Core §5.3.2, Registration §2)'
      ],
      known: signing,
      askedBy: 'userinfo_signed_response_alg'
    }
  ],
  [
    'introspection_signing_alg_values_supported',
    {
      works: [
        signed,
        'each advertised algorithm signs introspection for who registered it, and asks for it (RFC 9701 §4, §5)'
      ],
      known: signing,
      askedBy: 'introspection_signed_response_alg'
    }
  ],
  [
    'authorization_signing_alg_values_supported',
    {
      works: [
        signed,
        'each advertised algorithm signs authorization responses, in each mode (JARM §2.1, §2.3)'
      ],
      known: signing,
      askedBy: 'authorization_signed_response_alg'
    }
  ],
  [
    'request_object_signing_alg_values_supported',
    { works: requests, known: signing, askedBy: 'request_object_signing_alg' }
  ],
  [
    'request_object_encryption_alg_values_supported',
    { works: encryptedRequests, known: keyManagement, askedBy: 'request_object_encryption_alg' }
  ],
  [
    'request_object_encryption_enc_values_supported',
    { works: encryptedRequests, known: content, askedBy: 'request_object_encryption_enc' }
  ],
  ...['id_token', 'userinfo', 'introspection', 'authorization'].flatMap(encryptionOf),
  [
    'dpop_signing_alg_values_supported',
    {
      works: [
        'test/protocol/dpop.test.ts',
        'each advertised algorithm of proofs is taken (RFC 9449 §5.1)'
      ],
      known: signing,
      askedBy: 'proof'
    }
  ],
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
      known: ['urn:mintmark:acr:password', 'phr', 'phrh', '0', 'urn:mace:incommon:iap:silver'],
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
  // what the engine could say besides
  ['require_pushed_authorization_requests', { works: { never: 'nobody is made to push' } }],
  ['require_signed_request_object', { works: { never: 'it is a member of single clients' } }],
  ['challenge_endpoint', { works: attestation }],
  ['client_attestation_signing_alg_values_supported', { works: attestation }],
  ['client_attestation_pop_signing_alg_values_supported', { works: attestation }],
  ['client_attestation_pop_methods_supported', { works: attestation }],
  ...[
    'backchannel_authentication_endpoint',
    'backchannel_token_delivery_modes_supported',
    'backchannel_user_code_parameter_supported',
    'backchannel_authentication_request_signing_alg_values_supported'
  ].map((name): [string, Proof] => [name, { works: { never: 'CIBA is off' } }]),
  [
    'authorization_details_types_supported',
    { works: { never: 'rich authorization requests are off' } }
  ]
])

/** Parameters whose values discovery does not list here, and values that have no meaning: each is refused or changes nothing. */
export const unlisted = {
  prompt: ['create', 'none login', 'x'],
  display: ['popup', 'x']
} as const
