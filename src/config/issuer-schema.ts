// The part of the schema that says whose tokens are believed besides our own: issuers of workload identities (RFC 7523 §2.2), as a
// Kubernetes cluster, a CI service, a SPIFFE trust domain. Trusting an issuer opens nothing by itself: clients name its subjects.

import Type, { type Static } from 'typebox'
import { closedObject, durationSchema } from './vocabulary.ts'

export const foreignAlgorithms = [
  'RS256',
  'PS256',
  'ES256',
  'EdDSA',
  'RS384',
  'RS512',
  'PS384',
  'PS512',
  'ES384',
  'ES512'
] as const

export const trustedIssuerSchema = closedObject({
  issuer: Type.String({
    minLength: 1,
    maxLength: 500,
    description:
      'The `iss` of its tokens, to the letter; or a SPIFFE trust domain, as in `spiffe://example.org`, for JWT-SVIDs.'
  }),
  jwksUri: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        'Where its keys are (of a trust domain: its bundle). Left out: found by its metadata, `/.well-known/openid-configuration` or `/.well-known/oauth-authorization-server`.'
    })
  ),
  algorithms: Type.Array(Type.Enum(foreignAlgorithms), {
    default: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    description: 'Signatures that are taken.'
  }),
  maxLifetime: durationSchema({
    description: 'A token that lives longer, from `iat` to `exp`, is refused.',
    default: '24h',
    minimum: '1m',
    maximum: '7d'
  }),
  attests: Type.Boolean({
    default: false,
    description:
      'Whether it attests for clients that name it as their `attester`. Attestations follow a draft (12), and may change with it.'
  })
})

export type WrittenTrustedIssuer = Static<typeof trustedIssuerSchema>

export const workloadIdentitySchema = Type.Array(
  closedObject({
    issuer: Type.String({
      minLength: 1,
      description: 'The `issuer` of an entry in `trustedIssuers`.'
    }),
    subject: Type.String({
      minLength: 1,
      maxLength: 500,
      description:
        'Its `sub`, to the letter; a `*` at the end, after `/` or `:` and at least two parts, stands for anything.'
    }),
    audience: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'The one `aud` of its tokens. Left out: the issuer identifier of this server.'
      })
    ),
    claims: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description: 'Claims that must be there with just these texts.'
      })
    )
  }),
  {
    description:
      'Ours: tokens of other issuers that authenticate this client in place of a key of its own; any one entry suffices.'
  }
)

export const assertionGrantsSchema = Type.Array(
  closedObject({
    issuer: Type.String({
      minLength: 1,
      description: 'The `issuer` of an entry in `trustedIssuers`.'
    }),
    subjects: Type.Record(Type.String(), Type.String(), {
      description:
        'For each `sub` of that issuer, the login or id of the account that it stands for.'
    }),
    scope: Type.String({
      minLength: 1,
      description: 'Space-separated scopes of resources that may be had so at most.'
    })
  }),
  {
    description:
      'Ours: for whom it may get tokens by an assertion (RFC 7523 §2.1); needs the JWT bearer grant among `grant_types`.'
  }
)
