// The part of the schema that says who may exchange a token for one of an API (RFC 8693). Owns the shape of an entry; what entries mean
// together is rules-exchange.ts, and what is done with them protocol/exchange-policy.ts.

import Type from 'typebox'
import { closedObject, scopeToken } from './vocabulary.ts'

const named = Type.String({ minLength: 1 })

export const exchangeSchema = closedObject({
  client: Type.String({
    minLength: 1,
    description:
      'The confidential client that may exchange; `urn:ietf:params:oauth:grant-type:token-exchange` is among its `grant_types`. May also be one that the command line made.'
  }),
  from: Type.Array(named, {
    minItems: 1,
    description:
      'Resources whose access tokens it may exchange. It is their `introspectionClient`, or somebody whom they hand their tokens to.'
  }),
  mode: Type.Enum(['delegation', 'impersonation'], {
    default: 'delegation',
    description:
      '`delegation`: the new token says who acts for the person (`act`). `impersonation`: only the audit trail knows.'
  }),
  scopes: Type.Record(scopeToken, Type.Array(scopeToken, { minItems: 1 }), {
    additionalProperties: false,
    minProperties: 1,
    description:
      'For each scope of the token that is exchanged: the scopes of this resource that it opens. What is not listed opens nothing.'
  }),
  actors: Type.Array(named, {
    default: [],
    description:
      'Machine clients that may be the actor, by an `actor_token` that `client` got from them, besides `client` itself.'
  })
})
