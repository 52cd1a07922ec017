// The part of metadata-proofs.ts about algorithms: of signatures and of encryption, by who signs and who encrypts.

import type { Proof, Test } from './metadata-proofs.ts'

export const signing = [
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

/** What discovery says of algorithms. */
export const joseProofs: [string, Proof][] = [
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
  ]
]
