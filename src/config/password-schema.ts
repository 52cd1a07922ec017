// What may become a password, as far as an operator decides it. Owns the look-up among stolen ones, which is off by default: nothing of a
// password leaves the server unless told so.

import Type from 'typebox'
import { closedObject } from './vocabulary.ts'

export const passwordSchema = closedObject(
  {
    breachCheck: Type.Optional(
      closedObject({
        url: Type.String({
          pattern: '^https?://[^?#]+$',
          description:
            'Refuses new passwords that are known from thefts elsewhere: where to ask for them, in the form of Have I Been Pwned (`https://api.pwnedpasswords.com/range/`). Five digits of a SHA-1 are sent; without an answer the password is accepted.'
        })
      })
    )
  },
  { default: {} }
)
