// The second room of the composition root: what people need who sign in here, from their password to the pages of their account. Owns no
// behaviour of its own.

import { createAuthenticator } from './accounts/authenticate.ts'
import { createDecoys } from './accounts/decoys.ts'
import { createFactorAttempts } from './accounts/factor-attempts.ts'
import { importedDecoy } from './accounts/imported-hash.ts'
import { createKnownDevices } from './accounts/known-devices.ts'
import { createPasskeyChallenges } from './accounts/passkey-challenge.ts'
import { createPasskeys, type Passkeys, relyingPartyOf } from './accounts/passkeys.ts'
import { createPasswordCheck } from './accounts/password-check.ts'
import { createRecoveryCodes, type RecoveryCodes } from './accounts/recovery-codes.ts'
import { createSignInCounters } from './accounts/sign-in-counters.ts'
import { createSignInSteps, type SecondFactor, usableKinds } from './accounts/sign-in-steps.ts'
import { createTotp } from './accounts/totp.ts'
import { appendAuditEvent } from './audit/record.ts'
import type { Config } from './config/schema.ts'
import { awaySeconds } from './federation/away.ts'
import type { OtherWayIn } from './federation/linking.ts'
import { secretsByPurpose } from './keys/server-secrets.ts'
import type { Outbound } from './lib/outbound.ts'
import { hmac } from './lib/secret.ts'
import { composeFederation } from './ops/federation.ts'
import type { Keys } from './ops/key-parts.ts'
import { composeSelfService } from './ops/mail-parts.ts'
import type { Accounts } from './ops/parts.ts'
import { composeOwnAccount } from './own-account.ts'
import type { Assets } from './pages/assets.ts'
import { createChooser, createChooserWay } from './pages/chooser.ts'
import { rememberDevice } from './pages/device-cookie.ts'
import { recoveryCodesSection, totpSection } from './pages/factor-pages.ts'
import { createFactorScreens, createTotpEnrolmentScreen } from './pages/factor-screens.ts'
import { createKeepAccountScreen } from './pages/keep-account.ts'
import { createLinkedSection, linkedPath } from './pages/linked-accounts.ts'
import type { PagesDependencies } from './pages/pages.ts'
import { createPasskeyScreens } from './pages/passkey-screens.ts'
import { createPasskeySection } from './pages/passkeys.ts'
import { createPasswordScreen, type OtherWay } from './pages/password-screen.ts'
import type { SecuritySection } from './pages/security.ts'
import { selfServiceLinks, selfServiceSections } from './pages/self-service.ts'
import { createSignInFlow, type SignInScreen } from './pages/sign-in-flow.ts'
import { createUpstreamCookie } from './pages/upstream-cookie.ts'
import { createUpstreamScreen, upstreamButtons } from './pages/upstream-screen.ts'
import type { PagePorts } from './protocol/page-ports.ts'
import type { ConnectedApps } from './protocol/ports.ts'
import { createAccountStore } from './store/accounts.ts'
import { type AttemptStore, createAttemptStore } from './store/attempts.ts'
import type { Database } from './store/database.ts'
import { createLinkedIdentityStore } from './store/linked-identities.ts'
import { createPasskeyStore, hasPasskey } from './store/passkeys.ts'
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
  outbound: Outbound
  log: { warn(data: object, message: string): void }
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
  const { authenticate, confirm } = createAuthenticator({
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

  const selfService = composeSelfService({
    ...{ config, database, attempts, counterKey, confirm, seal: keys.seal },
    ...accounts
  })

  // how a sign-in begins, and what it is asked for besides
  const { persons } = options.ports
  const chooser = createChooser({ persons, accountName })
  const others: OtherWay[] = [
    createChooserWay({ persons }),
    ...selfServiceLinks(selfService, site.basePath)
  ]
  const factorParts = {
    ...{ database, now: options.now },
    seal: keys.seal,
    attempts: createFactorAttempts({ attempts, counterKey })
  }
  const recoveryCodes = createRecoveryCodes(factorParts)
  const hasPassword: OtherWayIn = (sql, id) => createAccountStore({ sql }).hasPassword(id)
  // one whose provider is switched off opens nothing
  const hasIdentity: OtherWayIn = async (sql, id) =>
    (await createLinkedIdentityStore({ sql }).list(id)).some(
      ({ upstream }) => federation?.upstreams.find(upstream) !== undefined
    )
  const passkeys = composePasskeys(options, {
    ...{ attempts, counterKey, recoveryCodes },
    otherWays: [hasPassword, hasIdentity]
  })
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
    ...(passkeys === undefined
      ? []
      : [{ kind: 'passkey' as const, enrolled: passkeys.has, methods: passkeys.methods }]),
    { kind: 'totp', enrolled: totp.enrolled },
    {
      kind: 'recovery_code',
      enrolled: async accountId => (await recoveryCodes.left(accountId)) > 0
    }
  ]
  const steps = createSignInSteps({
    pending: createPendingSignInStore({ sql: database }),
    factors,
    // an app in front: its page works without script
    enrollable: passkeys === undefined ? ['totp'] : ['totp', 'passkey'],
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
  const first: SignInScreen[] = [
    password,
    ...(passkeyScreens === undefined ? [] : [passkeyScreens.first])
  ]

  // accounts elsewhere
  const otherWays: OtherWayIn[] = [hasPassword, ...(passkeys === undefined ? [] : [hasPasskey])]
  const federation = composeFederation({
    ...{ config, database, steps, otherWays, outbound: options.outbound, log: options.log },
    ...{ seal: keys.seal, linkPath: site.basePath + linkedPath, now: options.now }
  })
  const providers = federation?.upstreams.list ?? []
  const cookie = createUpstreamCookie({
    secure: issuer.startsWith('https:'),
    answers: providers.some(({ responseMode }) => responseMode === 'form_post')
      ? 'cross-site'
      : 'same-site',
    lifetimeSeconds: 2 * awaySeconds
  })
  if (federation !== undefined) {
    const { begin } = federation.signIn
    others.push(upstreamButtons(providers))
    first.push(createUpstreamScreen({ list: providers, cookie, begin, page: password }))
  }

  const hasFactor = async (accountId: string) => (await usableKinds(factors, accountId)).length > 0
  const ofFactors = { totp, recoveryCodes, accountName, hasFactor, site }
  const ownAccount = composeOwnAccount(options)
  const signIn = createSignInFlow({
    ...{ steps, issuer, first },
    second: {
      ...(passkeyScreens === undefined ? {} : { passkey: passkeyScreens.second }),
      ...createFactorScreens(ofFactors)
    },
    enrol: {
      ...(passkeyScreens === undefined ? {} : { passkey: passkeyScreens.enrol }),
      totp: createTotpEnrolmentScreen(ofFactors)
    },
    record: (type, { request, client }, { accountId, amr, upstream }) =>
      appendAuditEvent(database, {
        ...{ type, accountId, clientId: client?.clientId },
        ...{ address: request.ip, requestId: request.id },
        data: { amr, upstream }
      }),
    signedIn: (place, { accountId }) =>
      rememberDevice(devices, secureCookies, place, {
        accountId,
        clientId: place.client?.clientId
      }),
    last: createKeepAccountScreen({ deletion: ownAccount.deletion, accountName })
  })

  // what stands on the page of sign-in and security
  const sections: SecuritySection[] = [
    ...selfServiceSections(selfService, site.basePath),
    ...(passkeys === undefined ? [] : [createPasskeySection(passkeys, site.basePath)]),
    totpSection(ofFactors),
    recoveryCodesSection(ofFactors)
  ]
  if (federation !== undefined) sections.push(createLinkedSection(federation.linking))
  sections.push(ownAccount.events.section)

  return {
    ...options.ports,
    apps: options.apps,
    signIn,
    signInHeaders: federation === undefined ? 'own' : 'onward',
    ...{ sections, ownAccount, selfService, passkeys },
    linked: federation && {
      ...{ list: providers, linking: federation.linking, cookie },
      begin: federation.signIn.begin
    },
    upstreams: {
      finish: federation?.signIn.finish,
      nameOf: id => federation?.upstreams.find(id)?.name,
      ...{ cookie, linkPath: linkedPath }
    },
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

/** Undefined where no browser would offer any. */
function composePasskeys(
  options: PeopleOptions,
  shared: {
    attempts: AttemptStore
    counterKey: Buffer
    recoveryCodes: RecoveryCodes
    otherWays: readonly OtherWayIn[]
  }
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
