// How strongly people sign in, as the operator names it (OpenID Connect Core §2 `acr`, RFC 8176 `amr`). Owns the levels'
// form; which level a sign-in reaches is protocol/authentication-context.ts.

import Type from 'typebox'
import { closedObject } from './vocabulary.ts'

// they stand in `acr_values`, separated by blanks
const name = '^[!-~]{1,255}$'

export const acrSchema = Type.Array(
  closedObject({
    value: Type.String({ pattern: name, description: 'What `acr` says.' }),
    amr: Type.Array(Type.String({ pattern: name }), {
      description:
        'The methods that it takes, all of them (RFC 8176): `pwd` is a password; `otp` a code of an authenticator app or a recovery code; `hwk` a passkey of one device, `swk` one that is synced, `user` that it asked who is there; `mfa` more than one factor.'
    })
  }),
  {
    default: [
      { value: 'urn:mintmark:acr:password', amr: ['pwd'] },
      { value: 'urn:mintmark:acr:multi-factor', amr: ['mfa'] }
    ],
    maxItems: 20,
    description:
      'Levels of authentication, from the weakest to the strongest; a token says the strongest that the sign-in reached, or of those that the client asks for the first. Empty: no token has an `acr`.'
  }
)
