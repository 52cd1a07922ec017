// The part of the schema about Grant Management for OAuth 2.0: whether clients may look after the grants that people gave them, and whether
// they must.

import Type from 'typebox'
import { closedObject } from './vocabulary.ts'

export const grantManagementSchema = closedObject(
  {
    enabled: Type.Boolean({
      default: false,
      description:
        'Confidential clients may name grants by `grant_id`, change them by `grant_management_action`, query and revoke them at `/oauth/grants`.'
    }),
    actionRequired: Type.Boolean({
      default: false,
      description:
        'Every authorization request must have a `grant_management_action`; public clients, which may have none, cannot sign anybody in then.'
    })
  },
  { default: {} }
)
