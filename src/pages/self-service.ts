// The pages with which people look after their account by themselves: signing up, a forgotten password, another password or address. Owns which of
// them are there: what needs mail is not, where none can be sent.

import type { FastifyInstance } from 'fastify'
import type { Account } from '../accounts/account.ts'
import type { PasswordChange } from '../accounts/change-password.ts'
import type { EmailChangeService } from '../accounts/email-change.ts'
import type { RecoveryService } from '../accounts/recovery.ts'
import type { SignUpService } from '../accounts/sign-up.ts'
import type { PersonSessions } from '../protocol/ports.ts'
import type { OutboxMail } from '../views/outbox.ts'
import type { AccountPageDependencies } from './account-page.ts'
import { changeEmailRoutes, emailSection } from './change-email.ts'
import { changePasswordRoutes, passwordSection } from './change-password.ts'
import { outboxRoutes } from './outbox.ts'
import type { OtherWay } from './password-screen.ts'
import { resetLink, resetPasswordRoutes } from './reset-password.ts'
import type { SecuritySection } from './security.ts'
import { signUpLink, signUpRoutes } from './sign-up.ts'

export interface SelfService {
  passwords: PasswordChange
  findAccount(accountId: string): Promise<Account | undefined>
  /** undefined: no mail can be sent */
  byMail: { recovery: RecoveryService; emails: EmailChangeService } | undefined
  /** undefined: nobody may make an account */
  signUp: { service: SignUpService; mode: 'open' | 'invitation' } | undefined
  /** undefined: mails leave by SMTP */
  outbox: (() => Promise<OutboxMail[]>) | undefined
}

export interface SelfServiceDependencies extends Omit<AccountPageDependencies, 'persons'> {
  persons: PersonSessions
  selfService?: SelfService | undefined
}

/** What stands on the sign-in page. */
export function selfServiceLinks({ byMail, signUp }: SelfService, basePath: string): OtherWay[] {
  return [
    ...(byMail === undefined ? [] : [resetLink(basePath)]),
    ...(signUp?.mode === 'open' ? [signUpLink(basePath)] : [])
  ]
}

/** What stands on the page of sign-in and security. */
export function selfServiceSections(own: SelfService, basePath: string): SecuritySection[] {
  return [
    ...(own.byMail === undefined ? [] : [emailSection(basePath, own.findAccount)]),
    passwordSection(basePath, own.passwords)
  ]
}

/** Fastify plugin; wants the form parser of `pages.ts` around it. */
export function selfServiceRoutes(
  app: FastifyInstance,
  deps: SelfServiceDependencies,
  done: () => void
) {
  const { selfService: own, ...page } = deps
  if (own !== undefined) {
    const { passwords, findAccount, byMail, signUp, outbox } = own
    app.register(changePasswordRoutes, { ...page, passwords })
    if (byMail !== undefined) {
      app.register(resetPasswordRoutes, { ...page, recovery: byMail.recovery })
      app.register(changeEmailRoutes, { ...page, emails: byMail.emails, findAccount })
    }
    if (signUp !== undefined) {
      app.register(signUpRoutes, { ...page, signUp: signUp.service, mode: signUp.mode })
    }
    if (outbox !== undefined) app.register(outboxRoutes, { ...page, list: outbox })
  }
  done()
}
