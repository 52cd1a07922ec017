// Mail, as server and command line use it: where mails go, what people do for themselves by mail, and who is let in by one. Puts together, and
// owns no behaviour of its own.

import type { Authenticator } from '../accounts/authenticate.ts'
import { createPasswordChange } from '../accounts/change-password.ts'
import { createEmailChange } from '../accounts/email-change.ts'
import type { HashQueue } from '../accounts/hash-queue.ts'
import { createMailLimits } from '../accounts/mail-limits.ts'
import type { CheckNewPassword } from '../accounts/new-password.ts'
import type { PasswordHasher } from '../accounts/password-hash.ts'
import { createRecovery } from '../accounts/recovery.ts'
import { createSignUp, type SignUpService } from '../accounts/sign-up.ts'
import { mailRoute, mailServerOf, signUpOf } from '../config/mail-route.ts'
import type { Config } from '../config/schema.ts'
import { Fault } from '../lib/fault.ts'
import type { Sealer } from '../lib/seal.ts'
import { createMailNotifier, type MailNotifier } from '../mail/notifier.ts'
import { readOutbox } from '../mail/outbox.ts'
import { createOutbox, createSmtp, sendNowhere } from '../mail/transport.ts'
import { createAccountStore } from '../store/accounts.ts'
import type { AttemptStore } from '../store/attempts.ts'
import type { Database } from '../store/database.ts'
import { endAccount } from '../store/ending.ts'

type Settled = Config & { issuer: string }

export function composeMails(config: Settled, database: Database, seal: Sealer): MailNotifier {
  const { issuer, product, mail } = config
  const server = mailServerOf(config)
  const send = {
    smtp: () => {
      if (server === undefined || mail.from === undefined) {
        throw new Fault('configuration_invalid', 'Mails need mail.smtp and mail.from.')
      }
      return createSmtp({ server, from: mail.from, issuer })
    },
    outbox: () => createOutbox({ database, seal }),
    nowhere: () => sendNowhere
  }[mailRoute(config)]()
  return createMailNotifier({ sql: database, seal, send, product: product.name, issuer })
}

interface SelfServiceOptions {
  config: Settled
  database: Database
  seal: Sealer
  hasher: PasswordHasher
  queue: HashQueue
  checkNewPassword: CheckNewPassword
  attempts: AttemptStore
  confirm: Authenticator['confirm']
  /** as for the counters of sign-in */
  counterKey: Buffer
}

/** What people do for themselves, as far as mail and the configuration let them. */
export function composeSelfService(options: SelfServiceOptions) {
  const { config, database, seal, attempts, counterKey } = options
  const route = mailRoute(config)
  const mode = signUpOf(config)
  const limits = createMailLimits({ attempts, counterKey })
  const parts = { ...options, limits, endAccount }
  const accounts = createAccountStore({ sql: database })
  return {
    passwords: createPasswordChange(parts),
    findAccount: (id: string) => accounts.findById(id),
    byMail:
      route === 'nowhere'
        ? undefined
        : { recovery: createRecovery(parts), emails: createEmailChange(parts) },
    signUp: mode === 'closed' ? undefined : { service: createSignUp({ ...parts, mode }), mode },
    outbox: route === 'outbox' ? () => readOutbox({ sql: database, seal }) : undefined
  }
}

/** For the command line, which invites: no stranger asks there. */
export function composeInvitations(
  options: Pick<
    SelfServiceOptions,
    'config' | 'database' | 'seal' | 'hasher' | 'queue' | 'checkNewPassword'
  >
): SignUpService | 'closed' | 'no mail' {
  if (mailRoute(options.config) === 'nowhere') return 'no mail'
  const mode = signUpOf(options.config)
  if (mode === 'closed') return 'closed'
  return createSignUp({ ...options, limits: { claim: async () => true }, mode })
}
