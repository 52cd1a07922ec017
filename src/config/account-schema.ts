// What people may do with their own accounts. Owns the time in which a deleted account can be kept.
// Refuses a grace of less than an hour: who did not ask for it must have time to hear of it.

import { closedObject, durationSchema } from './vocabulary.ts'

export const accountDeletionSchema = closedObject(
  {
    grace: durationSchema({
      description:
        'How long an account stays that its owner has deleted: whoever signs in meanwhile may keep it, and can do nothing else.',
      default: '14d',
      minimum: '1h',
      maximum: '90d'
    })
  },
  { default: {} }
)
