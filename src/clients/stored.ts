// From rows to clients: the one place where what the database holds is taken for what the policy let through.
// Owns no rule of its own.

import type { StoredClient } from '../store/clients.ts'
import type { ClientMetadata, RegisteredClient } from './client.ts'

/** The store is written by our own policy only, so its metadata is of the policy's type. */
export function registered(stored: StoredClient): RegisteredClient {
  return { ...stored, metadata: stored.metadata as ClientMetadata }
}

/** Text that is the same for equal values, whatever the order of members: jsonb does not keep it. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_member, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part
  )
}
