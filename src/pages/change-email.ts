// /account/security/email: another address for who is signed in, and /confirm-email, where the mail's link leads. The link's page asks before it
// changes anything, and needs no session: it proves a mailbox, on whichever device the mail is read. It signs nobody in.

import type { FastifyInstance } from 'fastify'
import type { Account } from '../accounts/account.ts'
import type { EmailChangeService } from '../accounts/email-change.ts'
import { renderAccountPage } from '../views/account-layout.ts'
import { type Problem, problemSummary } from '../views/form.ts'
import { wordsOf } from '../views/layout.ts'
import { html } from '../views/markup.ts'
import { formOf, renderForm, renderNotice } from '../views/plain-pages.ts'
import { type AccountPageDependencies, accountPage, type Visit } from './account-page.ts'
import { type OpenPageDependencies, type OpenVisit, openPage } from './open-page.ts'
import type { SecuritySection } from './security.ts'

const path = '/account/security/email'
const confirmPath = '/confirm-email'

type FindAccount = (accountId: string) => Promise<Account | undefined>

export interface ChangeEmailDependencies extends AccountPageDependencies {
  persons: AccountPageDependencies['persons'] & OpenPageDependencies['persons']
  emails: EmailChangeService
  findAccount: FindAccount
}

export function emailSection(basePath: string, findAccount: FindAccount): SecuritySection {
  return async ({ frame, person }) => {
    const { emailPage: words } = wordsOf(frame).selfService
    const account = await findAccount(person.accountId)
    return html`<h2>${words.section}</h2>
<p>${account?.email === undefined ? words.none : html`<bdi>${account.email}</bdi>. ${account.emailVerified && words.verified}`}</p>
<p><a id="change-email" href="${basePath + path}">${words.change}</a></p>`
  }
}

/** Fastify plugin; wants the form parser of `pages.ts` around it. */
export function changeEmailRoutes(
  app: FastifyInstance,
  deps: ChangeEmailDependencies,
  done: () => void
) {
  const { emails, site } = deps

  async function show(visit: Visit, given: { email?: string; problems?: Problem[] } = {}) {
    const words = wordsOf(visit.frame)
    const page = words.selfService.emailPage
    const account = await deps.findAccount(visit.person.accountId)
    const { problems = [] } = given
    const state = account?.emailVerified ? page.verified : page.unverified
    return renderAccountPage(visit.frame, visit.account, {
      current: 'security',
      title: page.title,
      outcome: problems.length === 0 ? undefined : 'failed',
      problems: problemSummary(words, problems),
      body: html`<p>${account?.email === undefined ? page.none : `${page.current(account.email)} ${state}`}</p>
${formOf({
  action: visit.action,
  hidden: { csrf: visit.person.csrf },
  fields: [
    { id: 'email', label: page.email, hint: page.hint, autocomplete: 'email', value: given.email }
  ],
  submit: page.submit,
  problems
})}`
    })
  }

  accountPage(app, deps, {
    path,
    fields: ['email'],
    guard: 'recent sign-in',
    show: visit => show(visit),
    async act(visit, { email }) {
      const words = wordsOf(visit.frame).selfService
      const { person, request, frame } = visit
      const asked = { address: request.ip, locale: frame.locale, returnTo: '' }
      if (!(await emails.request(person.accountId, email, asked))) {
        const problems = [{ field: 'email', text: words.signUp.emailWrong }]
        return { document: await show(visit, { email, problems }), status: 422 }
      }
      const body = html`<p>${words.emailPage.sent(email)}</p>
<p>${words.signUp.sentHint}</p>`
      return {
        document: renderAccountPage(frame, visit.account, {
          current: 'security',
          title: words.checkMail,
          body
        }),
        status: 200
      }
    }
  })

  const dead = (visit: OpenVisit) => {
    const { linkDead, linkDeadText, emailPage } = wordsOf(visit.frame).selfService
    const link = { to: site.basePath + path, text: emailPage.change }
    const view = { title: linkDead, paragraphs: [linkDeadText], link }
    return { document: renderNotice(visit.frame, view), status: 404 }
  }

  openPage(app, deps, {
    path: confirmPath,
    fields: [],
    async show(visit) {
      const link = await emails.find(visit.token)
      if (link?.email === undefined) return dead(visit)
      const { emailPage: words } = wordsOf(visit.frame).selfService
      return {
        document: renderForm(visit.frame, {
          title: words.confirmTitle,
          lead: [words.confirmLead(link.email), words.confirmAccount(link.login ?? '')],
          action: visit.action,
          hidden: visit.hidden,
          fields: [],
          submit: words.confirmSubmit
        }),
        status: 200
      }
    },
    async act(visit) {
      const { request, token, frame } = visit
      const outcome = await emails.confirm(token, { address: request.ip, requestId: request.id })
      const { emailPage: words, toSignIn } = wordsOf(frame).selfService
      if (outcome.ok) {
        const view = {
          title: words.doneTitle,
          paragraphs: [words.done(outcome.email)],
          link: { to: `${site.basePath}/account/security`, text: wordsOf(frame).security.title }
        }
        return { document: renderNotice(frame, view), status: 200 }
      }
      if (outcome.reason === 'link_dead') return dead(visit)
      const link = { to: `${site.basePath}/sign-in`, text: toSignIn }
      const view = { title: words.title, paragraphs: [words.taken], link }
      return { document: renderNotice(frame, view), status: 409 }
    }
  })
  done()
}
