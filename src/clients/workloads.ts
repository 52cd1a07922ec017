// The clients that tokens of other issuers may stand for (workload-identity.ts), all of them: such a token names its subject and not always
// its client. Kept while the change feed is heard; else the database is asked.

import { createCache } from '../lib/cache.ts'
import type { ClientStore } from '../store/clients.ts'
import type { RegisteredClient } from './client.ts'
import { registered } from './stored.ts'

export interface Workloads {
  /** Those that are not disabled. @throws Fault `store_unavailable` */
  list(): Promise<readonly RegisteredClient[]>
  /** A client has changed. */
  forget(): void
}

export function createWorkloads(deps: {
  rows: Pick<ClientStore, 'listWorkloads'>
  feed: { confirmed(): boolean; onGap(listener: () => void): void }
  /** milliseconds */
  now: () => number
}): Workloads {
  const { rows, feed, now } = deps
  const remembered = createCache<readonly RegisteredClient[]>({ max: 1, now })
  // keeps nothing; its single flight is all that is wanted
  const asked = createCache<readonly RegisteredClient[]>({ max: 0, now })
  const load = async () => (await rows.listWorkloads()).map(registered)

  feed.onGap(() => remembered.clear())

  return {
    list: () => (feed.confirmed() ? remembered : asked).get('all', load),
    forget() {
      remembered.clear()
      asked.clear()
    }
  }
}
