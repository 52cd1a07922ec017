// The second room of the composition root: what people need who sign in here, from their password to the pages of their account. Owns no
// behaviour of its own.

import { createAuthenticator } from './accounts/authenticate.ts'
import { createSignInSteps, type SecondFactor } from './accounts/sign-in-steps.ts'
import { appendAuditEvent } from './audit/record.ts'
import type { Config } from './config/schema.ts'
import { hmac } from './lib/secret.ts'
import type { Keys } from './ops/key-parts.ts'
import type { Accounts } from './ops/parts.ts'
import type { Assets } from './pages/assets.ts'
import { createChooser, createChooserWay } from './pages/chooser.ts'
import type { PagesDependencies } from './pages/pages.ts'
import { createPasswordScreen, type OtherWay } from './pages/password-screen.ts'
import type { SecuritySection } from './pages/security.ts'
import { createSignInFlow } from './pages/sign-in-flow.ts'
import type { PagePorts } from './protocol/page-ports.ts'
import type { ConnectedApps } from './protocol/ports.ts'
import { createAccountStore } from './store/accounts.ts'
import { createAttemptStore } from './store/attempts.ts'
import type { Database } from './store/database.ts'
import { createPendingSignInStore } from './store/pending-sign-ins.ts'
import type { Site } from './views/layout.ts'

export interface PeopleOptions {
  config: Config & { issuer: string }
  database: Database
  accounts: Accounts
  keys: Keys
  site: Site
  assets: Assets
  ports: PagePorts
  apps: ConnectedApps
  now: () => Date
}

/** Everything that the pages of people are given. */
export function composePeople(options: PeopleOptions): PagesDependencies {
  const { config, database, accounts, keys, site, assets } = options
  const { issuer } = config
  const accountStore = createAccountStore({ sql: database })
  const attempts = createAttemptStore({ sql: database })
  const authenticate = createAuthenticator({
    accounts: accountStore,
    attempts,
    hasher: accounts.hasher,
    queue: accounts.queue,
    record: event => appendAuditEvent(database, event),
    counterKey: hmac(keys.secrets.current('artifact').key, 'attempt counters')
  })

  const { persons } = options.ports
  async function accountName(accountId: string) {
    const account = await accountStore.findById(accountId)
    return account && (account.email ?? account.login)
  }

  // how a sign-in begins, and what it is asked for besides
  const chooser = createChooser({ persons, accountName })
  const others: OtherWay[] = [createChooserWay({ persons })]
  const factors: SecondFactor[] = []
  const steps = createSignInSteps({
    pending: createPendingSignInStore({ sql: database }),
    factors
  })
  const password = createPasswordScreen({
    authenticate: async input => {
      const outcome = await authenticate(input)
      return outcome.ok ? { ok: true, accountId: outcome.account.id, amr: outcome.amr } : outcome
    },
    others
  })
  const signIn = createSignInFlow({ steps, issuer, first: [password], second: {} })

  // what stands on the page of sign-in and security
  const sections: SecuritySection[] = []

  return {
    ...options.ports,
    apps: options.apps,
    signIn,
    sections,
    ...{ accountName, chooser },
    ...{ site, assets, issuer },
    resources: config.resources,
    detailTypes: config.authorizationDetails,
    now: options.now,
    secureCookies: issuer.startsWith('https:')
  }
}
