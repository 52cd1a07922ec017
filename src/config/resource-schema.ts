// The part of the schema that says what an API is: its identifier, its scopes, who may ask for its access tokens, and what those look
// like. Owns what a resource leaves open, too, as far as the whole server decides it.

import Type from 'typebox'
import { documentClients } from './client-document-schema.ts'
import { exchangeSchema } from './exchange-schema.ts'
import { closedObject, durationSchema, scopeToken } from './vocabulary.ts'

/** Entry of a resource's `clients` that stands for every client with `first_party: true`. */
export const firstPartyClients = '*first_party*'

export const tokenLifetime = (fallback?: string) =>
  durationSchema({
    description: 'How long an access token is good for.',
    ...(fallback === undefined ? {} : { default: fallback }),
    minimum: '10s',
    maximum: '1h'
  })
export const accessTokenAlgorithms = ['ES256', 'RS256', 'EdDSA'] as const
export const locale = Type.String({ pattern: '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$' })
const closed = { additionalProperties: false }

export const resourceSchema = closedObject({
  identifier: Type.String({
    minLength: 1,
    description:
      'Absolute URI without fragment (RFC 8707 §2); the audience of its access tokens. Never the issuer.'
  }),
  name: Type.Optional(
    Type.Union(
      [
        Type.String({ minLength: 1 }),
        Type.Record(locale, Type.String({ minLength: 1 }), { ...closed, minProperties: 1 })
      ],
      { description: 'Shown to people: one text, or a text per language.' }
    )
  ),
  scopes: Type.Record(scopeToken, Type.Record(locale, Type.String({ minLength: 1 }), closed), {
    ...closed,
    default: {},
    description: 'Its scopes, each with a description per language. No OpenID scopes.'
  }),
  optionalScopes: Type.Array(scopeToken, {
    default: [],
    description:
      'Those of its scopes that a person may leave out on the consent page, and still use the app.'
  }),
  accessTokens: closedObject(
    {
      lifetime: Type.Optional(tokenLifetime()),
      algorithm: Type.Optional(
        Type.Enum(accessTokenAlgorithms, {
          description: 'Signature; `accessTokens.algorithm` when left out.'
        })
      ),
      typ: Type.Enum(['at+jwt', 'JWT'], {
        default: 'at+jwt',
        description: '`JWT` only for libraries that refuse `at+jwt` (RFC 9068 §2.1).'
      })
    },
    { default: {}, description: 'What its access tokens look like.' }
  ),
  statusList: Type.Boolean({
    default: false,
    description:
      'Its access tokens name a list in which it can see, without asking for each token, that their grant was revoked (Token Status List).'
  }),
  clients: Type.Array(Type.String({ minLength: 1 }), {
    default: [firstPartyClients],
    description: `Who may ask for tokens: client ids, \`${firstPartyClients}\` for every first-party client, \`${documentClients}\` for every client that is a metadata document. Ids may also be of clients that the command line made.`
  }),
  introspectionClient: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'The confidential client that is this resource server; it may introspect them.'
    })
  ),
  exchange: Type.Array(exchangeSchema, {
    default: [],
    description:
      'Who may exchange a token for one of this resource (RFC 8693), each with what may come of it. Nobody else may.'
  })
})
