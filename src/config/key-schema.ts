// The schema of the key schedule: how often keys change, how long they are published before they sign, how long verifiers may keep them.
// What the three may not say together is in rules-server.ts.

import { closedObject, durationSchema } from './vocabulary.ts'

export const keySchema = closedObject(
  {
    rotationInterval: durationSchema({
      description: 'How long a key signs before a new one follows it.',
      default: '90d',
      minimum: '10s',
      maximum: '3650d'
    }),
    publishAhead: durationSchema({
      description:
        'How long a new key is published before it signs; at least twice `keys.cacheLifetime`.',
      default: '1d',
      minimum: '4s',
      maximum: '90d'
    }),
    cacheLifetime: durationSchema({
      description:
        'How long whoever verifies tokens may keep the published keys (`Cache-Control: max-age`).',
      default: '5m',
      minimum: '2s',
      maximum: '1d'
    })
  },
  { default: {} }
)
