// Signing in with other providers, composed: providers of the configuration, rows of people who are away, and what accounts hand in. Owns
// the addresses that the outside knows: one redirect URI a provider.

import { createIntroducedAccount } from '../accounts/from-upstream.ts'
import { foldLogin, parseEmail } from '../accounts/login-name.ts'
import type { SignInSteps } from '../accounts/sign-in-steps.ts'
import { appendAuditEvent } from '../audit/record.ts'
import type { Config } from '../config/schema.ts'
import { createAway } from '../federation/away.ts'
import { createLinking, type Linking, type OtherWayIn } from '../federation/linking.ts'
import { createUpstreamSignIn, type UpstreamSignIn } from '../federation/sign-in.ts'
import { createUpstreams, type Upstreams } from '../federation/upstreams.ts'
import type { Outbound } from '../lib/outbound.ts'
import type { Sealer } from '../lib/seal.ts'
import { createAddressBook } from '../store/addresses.ts'
import type { Database } from '../store/database.ts'
import { createUpstreamRequestStore } from '../store/upstream-requests.ts'

export interface Federation {
  upstreams: Upstreams
  signIn: UpstreamSignIn
  linking: Linking
}

/** Undefined where no provider is configured. */
export function composeFederation(deps: {
  config: Pick<Config, 'upstreams'> & { issuer: string }
  database: Database
  outbound: Pick<Outbound, 'send'>
  seal: Sealer
  steps: Pick<SignInSteps, 'save' | 'missing'>
  /** ways to sign in besides linked identities */
  otherWays: readonly OtherWayIn[]
  /** path of the page where identities are linked */
  linkPath: string
  log: { warn(data: object, message: string): void }
  now: () => Date
}): Federation | undefined {
  const { config, database, outbound, seal, steps, otherWays, linkPath, log, now } = deps
  if (config.upstreams.length === 0) return undefined
  const upstreams = createUpstreams({ configured: config.upstreams, outbound, now })
  const away = createAway({ rows: createUpstreamRequestStore({ sql: database }), seal })
  const addresses = createAddressBook({ sql: database })
  const signIn = createUpstreamSignIn({
    ...{ upstreams, away, database, linkPath, steps, log },
    redirectUri: id => `${config.issuer}/sign-in/upstream/${id}/callback`,
    readEmail(typed) {
      const parsed = parseEmail(typed)
      return parsed.ok ? parsed.email : undefined
    },
    async isKnown(email) {
      const folded = foldLogin(email)
      return folded.ok && addresses.isKnown(folded.login)
    },
    createAccount: createIntroducedAccount,
    record: event => appendAuditEvent(database, event),
    appendEvent: appendAuditEvent
  })
  const linking = createLinking({
    ...{ upstreams, away, database, signIn, otherWays },
    appendEvent: appendAuditEvent
  })
  return { upstreams, signIn, linking }
}
