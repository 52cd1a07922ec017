// The rule about levels of authentication (OpenID Connect Core §2 `acr`): each has a name of its own, since tokens and requests say the name
// only. Refuses two of one name; an empty list is fine.

import type { Check } from './rule.ts'

export const acrLevelsAreDistinct: Check = ({ acr }) =>
  acr.flatMap(({ value }, index) =>
    acr.findIndex(level => level.value === value) === index
      ? []
      : [
          {
            path: `acr[${index}].value`,
            problem: 'is the same as that of a level before it',
            fix: 'Remove one of the two, or give it another.'
          }
        ]
  )
