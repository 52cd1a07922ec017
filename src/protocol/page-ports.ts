// What pages are given of the protocol (ports.ts), built over one engine that is swapped when keys rotate: interactions of a client's sign-in,
// sessions for pages without a client, and answers to backchannel requests. Owns no behaviour of its own.

import type { Provider } from 'oidc-provider'
import type { Config } from '../config/schema.ts'
import type { Sealer } from '../lib/seal.ts'
import type { BackchannelRequestStore } from '../store/backchannel-requests.ts'
import type { GrantStore } from '../store/grants.ts'
import type { ManagedGrantStore } from '../store/managed-grants.ts'
import type { SessionStore } from '../store/sessions.ts'
import { createAuthenticationContexts } from './authentication-context.ts'
import type { DetailCatalogue } from './authorization-details.ts'
import { createApprovals } from './backchannel-approvals.ts'
import type { BrowserAccounts } from './browser-accounts.ts'
import type { ClientSource } from './client.ts'
import { createInteractions } from './interactions.ts'
import { createPersonSessions } from './person-sessions.ts'
import type { Approvals, Interactions, PersonSessions } from './ports.ts'
import type { RequestFactsBook } from './request-facts.ts'
import type { ResourceCatalogue } from './resources.ts'
import type { SessionAdapter } from './session-adapter.ts'
import { createSessionChanges } from './session-changes.ts'
import type { UnitOfWorkRunner } from './unit-of-work.ts'

export interface PagePorts {
  interactions: Interactions
  persons: PersonSessions
  /** undefined where no client may ask so */
  approvals: Approvals | undefined
}

export function createPagePorts(deps: {
  config: Config & { issuer: string }
  provider(): Provider
  clients: Pick<ClientSource, 'find'>
  resources: ResourceCatalogue
  details: DetailCatalogue
  grants: GrantStore
  managed: ManagedGrantStore
  sessions: SessionAdapter
  browserAccounts: BrowserAccounts
  sessionStore: SessionStore
  backchannelRequests: BackchannelRequestStore
  units: UnitOfWorkRunner
  requests: RequestFactsBook
  csrfKeys: () => Buffer[]
  seal: Sealer
  now: () => Date
}): PagePorts {
  const { config } = deps
  const { issuer } = config
  const secure = issuer.startsWith('https:')
  const accounts = deps.browserAccounts
  const changes = createSessionChanges({ ...deps, accounts, lifetimes: config.sessions, secure })
  return {
    interactions: createInteractions({ ...deps, changes, issuer }),
    persons: createPersonSessions({ ...deps, changes, issuer }),
    approvals: config.ciba.enabled
      ? createApprovals({
          ...{ ...deps, issuer },
          requests: deps.backchannelRequests,
          sessions: deps.sessionStore,
          contexts: createAuthenticationContexts(config),
          sessionSeconds: config.sessions.absoluteSeconds,
          facts: deps.requests
        })
      : undefined
  }
}
