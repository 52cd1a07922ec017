// A forgotten password: /reset-password asks who somebody is, and says the same to everybody; /reset-password/new, where the mail's link leads,
// sets another; /reset-password/done leads to the sign-in, which asks for every factor as before. Nobody is signed in by it.

import type { FastifyInstance } from 'fastify'
import type { RecoveryService } from '../accounts/recovery.ts'
import { wordsOf } from '../views/layout.ts'
import { html } from '../views/markup.ts'
import { type FormView, renderForm, renderNotice } from '../views/plain-pages.ts'
import {
  differ,
  newPasswordFields,
  newPasswordParts,
  passwordProblem,
  type Refused,
  statusOf
} from './new-password.ts'
import {
  donePage,
  type OpenPageDependencies,
  type OpenVisit,
  openPage,
  pathWith
} from './open-page.ts'
import type { OtherWay } from './password-screen.ts'

const askPath = '/reset-password'
const newPath = '/reset-password/new'
const donePath = '/reset-password/done'

export interface ResetDependencies extends OpenPageDependencies {
  recovery: RecoveryService
}

/** The link on the sign-in page. It leads back to it. */
export function resetLink(basePath: string): OtherWay {
  return place => {
    const to = pathWith(basePath + askPath, { return_to: place.address })
    return html`<p><a id="forgot-password" href="${to}">${wordsOf(place.frame).selfService.reset.ask}</a></p>`
  }
}

/** Fastify plugin; wants the form parser of `pages.ts` around it. */
export function resetPasswordRoutes(
  app: FastifyInstance,
  deps: ResetDependencies,
  done: () => void
) {
  const { recovery, site } = deps
  const at = (path: string) => site.basePath + path

  const ask = (visit: OpenVisit, problems: FormView['problems'] = []) => {
    const { login, selfService } = wordsOf(visit.frame)
    return renderForm(visit.frame, {
      title: selfService.reset.title,
      lead: [selfService.reset.lead],
      action: visit.action,
      hidden: visit.hidden,
      fields: [{ id: 'login', label: login.identifier, autocomplete: 'username' }],
      submit: selfService.reset.submit,
      problems
    })
  }

  openPage(app, deps, {
    path: askPath,
    fields: ['login'],
    show: async visit => ({ document: ask(visit), status: 200 }),
    async act(visit, { login }) {
      const { checkMail, signUp, reset } = wordsOf(visit.frame).selfService
      if (login.trim() === '') {
        return { document: ask(visit, [{ field: 'login', text: reset.missing }]), status: 422 }
      }
      const { request, locale, returnTo } = visit
      await recovery.request(login, { address: request.ip, locale, returnTo })
      const paragraphs = [reset.sent(login), signUp.sentHint]
      return { document: renderNotice(visit.frame, { title: checkMail, paragraphs }), status: 200 }
    }
  })

  const dead = (visit: OpenVisit) => {
    const { linkDead, linkDeadText, reset } = wordsOf(visit.frame).selfService
    const to = pathWith(at(askPath), { return_to: visit.returnTo })
    const link = { to, text: reset.title }
    const view = { title: linkDead, paragraphs: [linkDeadText], link }
    return { document: renderNotice(visit.frame, view), status: 404 }
  }

  const choose = (visit: OpenVisit, login: string, refused?: Refused) => {
    const { frame } = visit
    const { reset: words } = wordsOf(frame).selfService
    return renderForm(frame, {
      title: words.newTitle,
      lead: [words.newLead(login)],
      action: visit.action,
      hidden: visit.hidden,
      fields: newPasswordParts(frame, { username: login, refused }),
      submit: words.newSubmit,
      problems: refused === undefined ? [] : [passwordProblem(frame, refused)]
    })
  }

  openPage(app, deps, {
    path: newPath,
    fields: newPasswordFields,
    async show(visit) {
      const link = await recovery.find(visit.token)
      if (link?.login === undefined) return dead(visit)
      return { document: choose(visit, link.login), status: 200 }
    },
    async act(visit, fields) {
      const { request, token } = visit
      const link = await recovery.find(token)
      if (link?.login === undefined) return dead(visit)
      const different = differ(fields)
      if (different !== undefined) {
        return { document: choose(visit, link.login, different), status: 422 }
      }
      const asked = { address: request.ip, requestId: request.id }
      const outcome = await recovery.finish(token, fields.password, asked)
      if (outcome.ok) return { to: pathWith(at(donePath), { return_to: visit.returnTo }) }
      const { reason } = outcome
      if (reason === 'link_dead') return dead(visit)
      return { document: choose(visit, link.login, reason), status: statusOf(reason) }
    }
  })

  donePage(app, deps, donePath, ({ reset }) => reset)
  done()
}
