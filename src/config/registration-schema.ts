// The part of the schema about clients that register themselves (RFC 7591): whether they may, whose word about their software counts, and when
// those that nobody uses leave.

import Type from 'typebox'
import { closedObject, durationSchema } from './vocabulary.ts'

const signer = closedObject({
  issuer: Type.String({ minLength: 1, description: '`iss` of its statements.' }),
  jwks: closedObject(
    { keys: Type.Array(Type.Record(Type.String(), Type.Unknown()), { minItems: 1, maxItems: 10 }) },
    { description: 'Its public keys (RFC 7517 §5).' }
  )
})

export const registrationSchema = closedObject(
  {
    enabled: Type.Boolean({
      default: false,
      description: 'Dynamic registration (RFC 7591), behind an initial access token.'
    }),
    softwareStatements: Type.Array(signer, {
      default: [],
      description:
        'Who may say what a client’s software is, by a signed statement (RFC 7591 §2.3): its claims stand in place of what the client says.'
    }),
    requireSoftwareStatement: Type.Boolean({
      default: false,
      description: 'Registers nobody without such a statement.'
    }),
    reapUnused: durationSchema({
      description:
        'Deletes a client that registered itself and that nobody has used for so long: no token, no grant, no consent.',
      default: '30d',
      minimum: '1d',
      maximum: '365d'
    })
  },
  { default: {} }
)
