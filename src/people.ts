// The second room of the composition root: what people need who sign in here, from their password to the pages of their account. Owns no
// behaviour of its own.

import { createAuthenticator } from './accounts/authenticate.ts'
import { createFactorAttempts } from './accounts/factor-attempts.ts'
import { createPasskeyChallenges } from './accounts/passkey-challenge.ts'
import { createPasskeys, type Passkeys, relyingPartyOf } from './accounts/passkeys.ts'
import { createRecoveryCodes, type RecoveryCodes } from './accounts/recovery-codes.ts'
import { createSignInSteps, type SecondFactor, usableKinds } from './accounts/sign-in-steps.ts'
import { createTotp } from './accounts/totp.ts'
import { appendAuditEvent } from './audit/record.ts'
import type { Config } from './config/schema.ts'
import { secretsByPurpose } from './keys/server-secrets.ts'
import { hmac } from './lib/secret.ts'
import type { Keys } from './ops/key-parts.ts'
import type { Accounts } from './ops/parts.ts'
import type { Assets } from './pages/assets.ts'
import { createFactorScreens, createTotpEnrolmentScreen } from './pages/factor-screens.ts'
import type { PagesDependencies } from './pages/pages.ts'
import { createPasskeyScreens } from './pages/passkey-screens.ts'
import { createPasskeySection } from './pages/passkeys.ts'
import { createPasswordScreen, type OtherWay } from './pages/password-screen.ts'
import type { SecuritySection } from './pages/security.ts'
import { createSignInFlow } from './pages/sign-in-flow.ts'
import type { PagePorts } from './protocol/page-ports.ts'
import type { ConnectedApps } from './protocol/ports.ts'
import { createAccountStore } from './store/accounts.ts'
import { type AttemptStore, createAttemptStore } from './store/attempts.ts'
import type { Database } from './store/database.ts'
import { createPasskeyStore } from './store/passkeys.ts'
import { createPendingSignInStore } from './store/pending-sign-ins.ts'
import { createReplayStore } from './store/replay.ts'
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
  const counterKey = hmac(keys.secrets.current('artifact').key, 'attempt counters')
  const authenticate = createAuthenticator({
    accounts: accountStore,
    attempts,
    hasher: accounts.hasher,
    queue: accounts.queue,
    record: event => appendAuditEvent(database, event),
    counterKey
  })
  const accountName = async (accountId: string) => {
    const account = await accountStore.findById(accountId)
    return account && (account.email ?? account.login)
  }

  // how a sign-in begins, and what it is asked for besides
  const others: OtherWay[] = []
  const factorParts = {
    ...{ database, now: options.now },
    seal: keys.seal,
    attempts: createFactorAttempts({ attempts, counterKey })
  }
  const recoveryCodes = createRecoveryCodes(factorParts)
  const passkeys = composePasskeys(options, { attempts, counterKey, recoveryCodes })
  const passkeyScreens =
    passkeys &&
    createPasskeyScreens({ passkeys, accountName, script: site.basePath + assets.passkeys })
  if (passkeyScreens !== undefined) others.push(passkeyScreens.button)
  const totp = createTotp({
    ...factorParts,
    recoveryCodes,
    issuer: config.product.name,
    hasOther: async accountId =>
      (await usableKinds(factors, accountId)).some(kind => kind === 'passkey')
  })
  // in the order in which they are offered
  const factors: SecondFactor[] = [
    ...(passkeys === undefined ? [] : [{ kind: 'passkey' as const, enrolled: passkeys.has }]),
    { kind: 'totp', enrolled: totp.enrolled },
    {
      kind: 'recovery_code',
      enrolled: async accountId => (await recoveryCodes.left(accountId)) > 0
    }
  ]
  const steps = createSignInSteps({
    pending: createPendingSignInStore({ sql: database }),
    factors,
    enrollable: passkeys === undefined ? ['totp'] : ['passkey', 'totp'],
    secondFactor: config.secondFactor
  })
  const password = createPasswordScreen({
    authenticate: async input => {
      const outcome = await authenticate(input)
      return outcome.ok ? { ok: true, accountId: outcome.account.id, amr: outcome.amr } : outcome
    },
    others
  })
  const ofFactors = { totp, recoveryCodes, accountName }
  const signIn = createSignInFlow({
    ...{ steps, issuer },
    first: [password, ...(passkeyScreens === undefined ? [] : [passkeyScreens.first])],
    second: {
      ...(passkeyScreens === undefined ? {} : { passkey: passkeyScreens.second }),
      ...createFactorScreens(ofFactors)
    },
    enrol: {
      ...(passkeyScreens === undefined ? {} : { passkey: passkeyScreens.enrol }),
      totp: createTotpEnrolmentScreen(ofFactors)
    }
  })

  // what stands on the page of sign-in and security
  const sections: SecuritySection[] = []
  if (passkeys !== undefined) sections.push(createPasskeySection(passkeys, site.basePath))

  return {
    ...options.ports,
    apps: options.apps,
    signIn,
    sections,
    passkeys,
    accountName,
    ...{ site, assets, issuer },
    resources: config.resources,
    detailTypes: config.authorizationDetails,
    now: options.now,
    secureCookies: issuer.startsWith('https:')
  }
}

/** Undefined where no browser would offer any. */
function composePasskeys(
  options: PeopleOptions,
  shared: { attempts: AttemptStore; counterKey: Buffer; recoveryCodes: RecoveryCodes }
): Passkeys | undefined {
  const { config, database, keys } = options
  const party = relyingPartyOf(config.issuer, config.product.name)
  const { keysOf } = secretsByPurpose(keys.secrets)
  return (
    party &&
    createPasskeys({
      party,
      passkeys: createPasskeyStore({ sql: database }),
      challenges: createPasskeyChallenges({
        keys: () => keysOf('csrf'),
        replay: createReplayStore({ sql: database }),
        now: options.now
      }),
      ...shared,
      record: event => appendAuditEvent(database, event)
    })
  )
}
