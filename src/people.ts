// The second room of the composition root: what people need who sign in here, from their password to the pages of their account. Owns no
// behaviour of its own.

import { createAuthenticator } from './accounts/authenticate.ts'
import { createDecoys } from './accounts/decoys.ts'
import { createFactorAttempts } from './accounts/factor-attempts.ts'
import { importedDecoy } from './accounts/imported-hash.ts'
import { createKnownDevices } from './accounts/known-devices.ts'
import { createPasswordCheck } from './accounts/password-check.ts'
import { createRecoveryCodes } from './accounts/recovery-codes.ts'
import { createSignInCounters } from './accounts/sign-in-counters.ts'
import { createSignInSteps, type SecondFactor, usableKinds } from './accounts/sign-in-steps.ts'
import { createTotp } from './accounts/totp.ts'
import { appendAuditEvent } from './audit/record.ts'
import type { Config } from './config/schema.ts'
import { hmac } from './lib/secret.ts'
import type { Keys } from './ops/key-parts.ts'
import type { Accounts } from './ops/parts.ts'
import type { Assets } from './pages/assets.ts'
import { createChooser, createChooserWay } from './pages/chooser.ts'
import { rememberDevice } from './pages/device-cookie.ts'
import { recoveryCodesSection, totpSection } from './pages/factor-pages.ts'
import { createFactorScreens, createTotpEnrolmentScreen } from './pages/factor-screens.ts'
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
  const secureCookies = issuer.startsWith('https:')
  const devices = createKnownDevices({ database })
  const counterKey = hmac(keys.secrets.current('artifact').key, 'attempt counters')
  const counters = createSignInCounters({ attempts, devices, counterKey })
  const { authenticate } = createAuthenticator({
    accounts: accountStore,
    counters,
    passwords: createPasswordCheck({
      accounts: accountStore,
      ...{ hasher: accounts.hasher, queue: accounts.queue },
      decoys: createDecoys({
        usual: accounts.hasher.decoy(),
        imported: importedDecoy,
        kinds: accountStore.countHashes,
        key: counterKey,
        now: () => options.now().getTime()
      })
    }),
    record: event => appendAuditEvent(database, event)
  })
  const accountName = async (accountId: string) => {
    const account = await accountStore.findById(accountId)
    return account && (account.email ?? account.login)
  }

  // how a sign-in begins, and what it is asked for besides
  const { persons } = options.ports
  const chooser = createChooser({ persons, accountName })
  const others: OtherWay[] = [createChooserWay({ persons })]
  const factorParts = {
    ...{ database, now: options.now },
    seal: keys.seal,
    attempts: createFactorAttempts({ attempts, counterKey })
  }
  const recoveryCodes = createRecoveryCodes(factorParts)
  const totp = createTotp({
    ...factorParts,
    recoveryCodes,
    issuer: config.product.name,
    hasOther: async accountId =>
      (await usableKinds(factors, accountId)).some(kind => kind === 'passkey')
  })
  // in the order in which they are offered
  const factors: SecondFactor[] = [
    { kind: 'totp', enrolled: totp.enrolled },
    {
      kind: 'recovery_code',
      enrolled: async accountId => (await recoveryCodes.left(accountId)) > 0
    }
  ]
  const steps = createSignInSteps({
    pending: createPendingSignInStore({ sql: database }),
    factors,
    enrollable: ['totp'],
    secondFactor: config.secondFactor
  })
  const password = createPasswordScreen({
    authenticate: async input => {
      const outcome = await authenticate(input)
      return outcome.ok ? { ok: true, accountId: outcome.account.id, amr: outcome.amr } : outcome
    },
    others,
    secureCookies
  })
  const hasFactor = async (accountId: string) => (await usableKinds(factors, accountId)).length > 0
  const ofFactors = { totp, recoveryCodes, accountName, hasFactor, site }
  const signIn = createSignInFlow({
    ...{ steps, issuer },
    first: [password],
    second: createFactorScreens(ofFactors),
    enrol: { totp: createTotpEnrolmentScreen(ofFactors) },
    signedIn: (place, { accountId }) =>
      rememberDevice(devices, secureCookies, place, {
        accountId,
        clientId: place.client?.clientId
      })
  })

  // what stands on the page of sign-in and security
  const sections: SecuritySection[] = [totpSection(ofFactors), recoveryCodesSection(ofFactors)]

  return {
    ...options.ports,
    apps: options.apps,
    signIn,
    sections,
    wantsMore: async (accountId, amr) =>
      (await steps.missing({ accountId, amr: [...amr] }, {})) !== 'nothing',
    ...ofFactors,
    chooser,
    ...{ assets, issuer },
    resources: config.resources,
    detailTypes: config.authorizationDetails,
    now: options.now,
    secureCookies
  }
}
