// The pages of an account about its second factors: an authenticator app (/account/security/totp) and recovery codes
// (/account/security/recovery-codes), and their sections on the page of sign-in and security. Refuses whoever did not sign in a moment ago
// with all that the account has (ASVS v5.0.0 §7.5.1).

import type { FastifyInstance } from 'fastify'
import type { RecoveryCodes } from '../accounts/recovery-codes.ts'
import type { Totp } from '../accounts/totp.ts'
import type { PersonSessions } from '../protocol/ports.ts'
import { accountPages } from '../views/account-layout.ts'
import {
  recoveryCodesOverview,
  renderCodesShown,
  renderRecoveryCodesPage,
  renderTotpPage,
  totpOverview
} from '../views/factor-pages.ts'
import type { Site } from '../views/layout.ts'
import type { CodeProblem } from '../views/second-factor.ts'
import {
  type AccountPageDependencies,
  type ActOutcome,
  accountPage,
  type Visit
} from './account-page.ts'
import { offerView } from './factor-screens.ts'
import type { SecuritySection } from './security.ts'

export interface FactorPagesDependencies extends AccountPageDependencies {
  persons: Pick<PersonSessions, 'find' | 'signIn' | 'signInForm'>
  totp: Totp
  recoveryCodes: RecoveryCodes
  /** whether the account has a second factor that recovery codes stand in for */
  hasFactor(accountId: string): Promise<boolean>
}

const paths = {
  totp: '/account/security/totp',
  recoveryCodes: '/account/security/recovery-codes'
} as const

const contextOf = ({ request }: Visit) => ({ address: request.ip, requestId: request.id })

/** Fastify plugin; wants the form parser of `pages.ts` around it. */
export function factorRoutes(
  app: FastifyInstance,
  deps: FactorPagesDependencies,
  done: () => void
) {
  const { totp, recoveryCodes, persons, site } = deps
  const security = site.basePath + accountPages.security

  // an offer is good for this session of this person
  const enrolmentOf = ({ person }: Visit) => ({
    accountId: person.accountId,
    place: `session ${person.session.uid}`
  })

  async function totpPage(visit: Visit, again?: { offer: string; problem: CodeProblem }) {
    const { accountId, csrf } = visit.person
    const { accountName } = visit.account
    const enrolment = enrolmentOf(visit)
    const kept = again && totp.offerAgain(enrolment, accountName, again.offer)
    return renderTotpPage(visit.frame, visit.account, {
      ...{ action: visit.action, csrf, security },
      enrolled: await totp.enrolled(accountId),
      offer: offerView(kept ?? totp.offer(enrolment, accountName)),
      problem: again?.problem
    })
  }

  /** Whoever has just shown a code has signed in with it as well, under a new session identifier. */
  async function strengthen({ request, reply, person }: Visit) {
    const amr = [...new Set([...person.session.amr, 'otp', 'mfa'])]
    await persons.signIn(request.raw, reply.raw, { accountId: person.accountId, amr })
  }

  accountPage(app, deps, {
    path: paths.totp,
    fields: ['what', 'offer', 'code'],
    guard: 'recent sign-in',
    show: visit => totpPage(visit),

    async act(visit, { what, offer, code }): Promise<ActOutcome> {
      const { accountId } = visit.person
      if (what === 'remove') {
        await totp.remove(accountId, contextOf(visit))
        return { to: accountPages.security }
      }
      if (what !== 'confirm') return { to: paths.totp }
      const back = async (problem: CodeProblem) => ({
        document: await totpPage(visit, { offer, problem }),
        status: 422
      })
      if (code.trim() === '') return back({ kind: 'missing' })
      const given = { sealed: offer, code }
      const outcome = await totp.confirm(enrolmentOf(visit), given, 'replace', contextOf(visit))
      if (!outcome.ok) return back({ kind: 'wrong' })
      await strengthen(visit)
      if (outcome.codes.length === 0) return { to: accountPages.security }
      const { codes } = outcome
      const page = { codes, security }
      return { document: renderCodesShown(visit.frame, visit.account, page), status: 200 }
    }
  })

  accountPage(app, deps, {
    path: paths.recoveryCodes,
    fields: ['what'],
    guard: 'recent sign-in',
    async show(visit) {
      const { accountId, csrf } = visit.person
      return renderRecoveryCodesPage(visit.frame, visit.account, {
        ...{ action: visit.action, csrf, security },
        left: (await deps.hasFactor(accountId)) ? await recoveryCodes.left(accountId) : undefined
      })
    },

    async act(visit, { what }): Promise<ActOutcome> {
      const { accountId } = visit.person
      if (what !== 'renew' || !(await deps.hasFactor(accountId))) return { to: paths.recoveryCodes }
      const codes = await recoveryCodes.renew(accountId, contextOf(visit))
      const page = { codes, security }
      return { document: renderCodesShown(visit.frame, visit.account, page), status: 200 }
    }
  })
  done()
}

/** What stands on the page of sign-in and security about an authenticator app. */
export function totpSection(deps: { totp: Pick<Totp, 'enrolled'>; site: Site }): SecuritySection {
  return async ({ frame, person }) =>
    totpOverview(frame, {
      enrolled: await deps.totp.enrolled(person.accountId),
      manage: deps.site.basePath + paths.totp
    })
}

/** The same about recovery codes. */
export function recoveryCodesSection(deps: {
  recoveryCodes: Pick<RecoveryCodes, 'left'>
  hasFactor(accountId: string): Promise<boolean>
  site: Site
}): SecuritySection {
  return async ({ frame, person: { accountId } }) =>
    recoveryCodesOverview(frame, {
      left: (await deps.hasFactor(accountId))
        ? await deps.recoveryCodes.left(accountId)
        : undefined,
      manage: deps.site.basePath + paths.recoveryCodes
    })
}
