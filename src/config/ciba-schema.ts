// The part of the schema about backchannel authentication (OpenID Connect CIBA): whether clients may ask a person who is not at a browser of
// theirs, and how long they may wait for the answer.

import Type from 'typebox'
import { closedObject, durationSchema } from './vocabulary.ts'

export const cibaSchema = closedObject(
  {
    enabled: Type.Boolean({
      default: false,
      description:
        'Backchannel authentication (OpenID Connect CIBA, poll and ping) for clients with that grant type, with the page `/approve`.'
    }),
    lifetime: durationSchema({
      description:
        'How long a person may take to answer; a client may ask for less by `requested_expiry`.',
      default: '5m',
      minimum: '1m',
      maximum: '30m'
    }),
    interval: durationSchema({
      description: 'How long a client waits between two polls.',
      default: '5s',
      minimum: '1s',
      maximum: '60s'
    })
  },
  { default: {} }
)
