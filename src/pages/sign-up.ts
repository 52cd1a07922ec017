// Signing up: /sign-up asks for an address, and says the same to everybody; /sign-up/finish, where the mail's link leads, makes the account;
// /sign-up/done leads to where the person came from, to sign in. Nobody is signed in by it.

import type { FastifyInstance } from 'fastify'
import type { SignUpService } from '../accounts/sign-up.ts'
import { wordsOf } from '../views/layout.ts'
import { html } from '../views/markup.ts'
import { renderForm, renderNotice } from '../views/plain-pages.ts'
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

export const signUpPath = '/sign-up'
const finishPath = '/sign-up/finish'
const donePath = '/sign-up/done'

export interface SignUpDependencies extends OpenPageDependencies {
  signUp: SignUpService
  /** `invitation`: only who has a link gets in */
  mode: 'open' | 'invitation'
}

/** The link on the sign-in page. It leads back to it. */
export function signUpLink(basePath: string): OtherWay {
  return place => {
    const to = pathWith(basePath + signUpPath, { return_to: place.address })
    return html`<p><a id="sign-up" href="${to}">${wordsOf(place.frame).selfService.signUp.ask}</a></p>`
  }
}

/** Fastify plugin; wants the form parser of `pages.ts` around it. */
export function signUpRoutes(app: FastifyInstance, deps: SignUpDependencies, done: () => void) {
  const { signUp, site } = deps
  const at = (path: string) => site.basePath + path

  if (deps.mode === 'open') {
    const ask = (visit: OpenVisit, given: { email?: string; wrong?: true } = {}) => {
      const { signUp: words } = wordsOf(visit.frame).selfService
      return renderForm(visit.frame, {
        title: words.title,
        lead: [words.lead(site.product.name)],
        action: visit.action,
        hidden: visit.hidden,
        fields: [{ id: 'email', label: words.email, autocomplete: 'email', value: given.email }],
        submit: words.submit,
        problems: given.wrong ? [{ field: 'email', text: words.emailWrong }] : []
      })
    }
    openPage(app, deps, {
      path: signUpPath,
      fields: ['email'],
      show: async visit => ({ document: ask(visit), status: 200 }),
      async act(visit, { email }) {
        const { request, locale, returnTo } = visit
        const asked = { address: request.ip, locale, returnTo }
        if (!(await signUp.request(email, asked))) {
          return { document: ask(visit, { email, wrong: true }), status: 422 }
        }
        const { checkMail, signUp: words } = wordsOf(visit.frame).selfService
        const paragraphs = [words.sent(email), words.sentHint]
        return {
          document: renderNotice(visit.frame, { title: checkMail, paragraphs }),
          status: 200
        }
      }
    })
  }

  const dead = (visit: OpenVisit) => {
    const { linkDead, linkDeadText, signUp: words } = wordsOf(visit.frame).selfService
    const to = pathWith(at(signUpPath), { return_to: visit.returnTo })
    const link = deps.mode === 'open' ? { to, text: words.title } : undefined
    const view = { title: linkDead, paragraphs: [linkDeadText], link }
    return { document: renderNotice(visit.frame, view), status: 404 }
  }

  openPage(app, deps, {
    path: finishPath,
    fields: ['name', ...newPasswordFields],
    async show(visit) {
      const link = await signUp.find(visit.token)
      if (link?.email === undefined) return dead(visit)
      return { document: finish(visit, link.email), status: 200 }
    },
    async act(visit, fields) {
      const { request, locale, token } = visit
      const link = await signUp.find(token)
      if (link?.email === undefined) return dead(visit)
      const { selfService: words } = wordsOf(visit.frame)
      const again = (refused: Refused | 'name_malformed') => ({
        document: finish(visit, link.email ?? '', { name: fields.name, refused }),
        status: statusOf(refused)
      })
      const different = differ(fields)
      if (different !== undefined) return again(different)
      const given = { name: fields.name, password: fields.password, locale }
      const asked = { address: request.ip, requestId: request.id }
      const outcome = await signUp.finish(token, given, asked)
      if (outcome.ok) return { to: pathWith(at(donePath), { return_to: visit.returnTo }) }
      const { reason } = outcome
      if (reason === 'link_dead') return dead(visit)
      if (reason === 'taken') {
        const view = {
          title: words.signUp.title,
          paragraphs: [words.signUp.taken],
          link: { to: visit.returnTo || at('/sign-in'), text: words.toSignIn }
        }
        return { document: renderNotice(visit.frame, view), status: 409 }
      }
      return again(reason)
    }
  })

  donePage(app, deps, donePath, ({ signUp }) => signUp)

  done()

  function finish(
    visit: OpenVisit,
    email: string,
    given: { name?: string; refused?: Refused | 'name_malformed' } = {}
  ) {
    const { frame } = visit
    const { signUp: words } = wordsOf(frame).selfService
    const { name, refused } = given
    const problems =
      refused === undefined
        ? []
        : refused === 'name_malformed'
          ? [{ field: 'name', text: words.nameWrong }]
          : [passwordProblem(frame, refused)]
    return renderForm(frame, {
      title: words.finishTitle,
      lead: [words.finishLead(email)],
      action: visit.action,
      hidden: visit.hidden,
      fields: [
        {
          id: 'name',
          label: words.name,
          hint: words.nameHint,
          autocomplete: 'name',
          value: name,
          presence: 'optional'
        },
        ...newPasswordParts(frame, { username: email, refused })
      ],
      submit: words.finish,
      problems
    })
  }
}
