// /account/security/password: another password for who is signed in, and /.well-known/change-password, where password managers look for it (W3C
// "A Well-Known URL for Changing Passwords"). Whoever signs out elsewhere stays signed in here, in a session that is new.

import type { FastifyInstance } from 'fastify'
import type { PasswordChange } from '../accounts/change-password.ts'
import type { PersonSessions } from '../protocol/ports.ts'
import { accountPages, renderAccountPage } from '../views/account-layout.ts'
import { type Problem, problemSummary } from '../views/form.ts'
import { wordsOf } from '../views/layout.ts'
import { html } from '../views/markup.ts'
import { forManagers } from '../views/password-field.ts'
import { formOf } from '../views/plain-pages.ts'
import { type AccountPageDependencies, accountPage, type Visit } from './account-page.ts'
import { deviceIn } from './device-cookie.ts'
import { pageHeaders } from './headers.ts'
import {
  differ,
  newPasswordFields,
  newPasswordParts,
  passwordProblem,
  statusOf
} from './new-password.ts'
import type { SecuritySection } from './security.ts'

const path = '/account/security/password'

interface Shown {
  problems?: readonly Problem[]
  /** why the new password was */
  refused?: string | undefined
  /** of the box: `yes` is ticked */
  elsewhere?: string
}

export interface ChangePasswordDependencies extends AccountPageDependencies {
  persons: Pick<PersonSessions, 'find' | 'signInForm' | 'signIn'>
  passwords: PasswordChange
}

export function passwordSection(basePath: string, passwords: PasswordChange): SecuritySection {
  return async ({ frame, person }) => {
    const { passwordPage: words } = wordsOf(frame).selfService
    const there = await passwords.hasPassword(person.accountId)
    return html`<h2>${words.section}</h2>
<p><a id="change-password" href="${basePath + path}">${there ? words.change : words.set}</a></p>`
  }
}

/** Fastify plugin; wants the form parser of `pages.ts` around it. */
export function changePasswordRoutes(
  app: FastifyInstance,
  deps: ChangePasswordDependencies,
  done: () => void
) {
  const { passwords, persons, site, issuer } = deps

  app.get('/.well-known/change-password', (_request, reply) =>
    reply.headers(pageHeaders('own', issuer)).redirect(site.basePath + path, 303)
  )

  async function show(visit: Visit, { problems = [], refused, elsewhere = 'yes' }: Shown = {}) {
    const words = wordsOf(visit.frame)
    const page = words.selfService.passwordPage
    const there = await passwords.hasPassword(visit.person.accountId)
    return renderAccountPage(visit.frame, visit.account, {
      current: 'security',
      title: page.title,
      outcome: problems.length === 0 ? undefined : 'failed',
      problems: problemSummary(words, problems),
      body: formOf({
        action: visit.action,
        hidden: { csrf: visit.person.csrf },
        fields: [
          // in front of both passwords: a browser takes what stands between them for two forms
          forManagers(visit.frame, 'current', visit.account.accountName),
          ...(there
            ? [
                {
                  id: 'current',
                  label: page.current,
                  type: 'password' as const,
                  autocomplete: 'current-password'
                }
              ]
            : []),
          ...newPasswordParts(visit.frame, {
            contextWords: [visit.account.accountName],
            refused
          }),
          html`<p><label><input type="checkbox" name="elsewhere" value="yes"${elsewhere === 'yes' && html` checked`}> ${page.elsewhere}</label></p>`
        ],
        submit: page.submit,
        problems
      })
    })
  }

  accountPage(app, deps, {
    path,
    fields: ['current', ...newPasswordFields, 'elsewhere'],
    guard: 'recent sign-in',
    show: visit => show(visit),
    async act(visit, fields) {
      const { selfService: words } = wordsOf(visit.frame)
      const { person, request, reply } = visit
      const again = async (problem: Problem, status: number, refused?: string) => ({
        document: await show(visit, { problems: [problem], refused, elsewhere: fields.elsewhere }),
        status
      })
      const different = differ(fields)
      if (different !== undefined) return again(passwordProblem(visit.frame, different), 422)
      const elsewhere = fields.elsewhere === 'yes' ? 'sign out' : 'stay signed in'
      const outcome = await passwords.change(
        person.accountId,
        { current: fields.current, password: fields.password, elsewhere },
        {
          ...{ address: request.ip, requestId: request.id },
          device: deviceIn(request, issuer.startsWith('https:'))
        }
      )
      if (outcome.ok) {
        const { accountId, session } = person
        // every session has ended, this one too: whoever sits here has just shown who they are
        if (elsewhere === 'sign out') {
          await persons.signIn(request.raw, reply.raw, { accountId, amr: [...session.amr] })
        }
        return { to: accountPages.security }
      }
      if (outcome.reason === 'throttled') {
        reply.header('retry-after', outcome.retryAfterSeconds)
        return again({ text: wordsOf(visit.frame).login.throttled(outcome.retryAfterSeconds) }, 429)
      }
      if (outcome.reason === 'password_mismatch') {
        const { currentMissing, currentWrong } = words.passwordPage
        const text = fields.current === '' ? currentMissing : currentWrong
        return again({ field: 'current', text }, 422)
      }
      // deleted a moment ago: the next page says so
      const { reason } = outcome
      if (reason === 'not_found') return { to: accountPages.security }
      return again(passwordProblem(visit.frame, reason), statusOf(reason), reason)
    }
  })
  done()
}
