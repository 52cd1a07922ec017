// The switch for runs of the OpenID Foundation's conformance suite: what its plans need and nobody else may have. Owns the keys; how
// they go together with clients and accounts is rules-conformance.ts, the run's own database and its end are ops/conformance.ts.

import Type from 'typebox'
import { closedObject } from './vocabulary.ts'

export const conformanceSchema = closedObject(
  {
    enabled: Type.Boolean({
      default: false,
      description:
        'For conformance runs only: in a database of its own, for 24 hours, with a notice on every page. `mintmark conformance-config --server` prints a configuration for it.'
    }),
    responseTypes: Type.Array(
      Type.Enum([
        'id_token',
        'id_token token',
        'code id_token',
        'code token',
        'code id_token token',
        'none'
      ]),
      {
        default: [],
        description:
          'Response types besides `code`; they exist only here, for clients with `conformance` `relaxed`.'
      }
    ),
    registration: Type.Enum(['token', 'open'], {
      default: 'token',
      description:
        'Whether a client that registers itself needs an initial access token; `open`: nobody does, as the plan of Dynamic OPs has it. Such clients are `relaxed`.'
    })
  },
  { default: {} }
)

/** How a client takes part in a run. */
export const conformanceParts = ['relaxed', 'strict'] as const
