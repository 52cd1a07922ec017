// Sign-in and security: GET /account/security, the page from which a person manages how they sign in. Owns the page; each section
// (password, passkeys …) is made where its subject lives, and its forms go to addresses of their own.

import type { FastifyInstance } from 'fastify'
import { accountPages, renderAccountPage } from '../views/account-layout.ts'
import { wordsOf } from '../views/layout.ts'
import type { Child } from '../views/markup.ts'
import { type AccountPageDependencies, accountPage, type Visit } from './account-page.ts'

/** One section of the page: it begins with an `<h2>`. */
export type SecuritySection = (visit: Visit) => Child | Promise<Child>

export interface SecurityDependencies extends AccountPageDependencies {
  /** in the order in which they stand */
  sections: readonly SecuritySection[]
}

/** Fastify plugin. */
export function securityRoutes(app: FastifyInstance, deps: SecurityDependencies, done: () => void) {
  accountPage(app, deps, {
    path: accountPages.security,
    fields: [],
    guard: 'signed in',
    async show(visit) {
      const body = await Promise.all(deps.sections.map(section => section(visit)))
      const { title } = wordsOf(visit.frame).security
      return renderAccountPage(visit.frame, visit.account, { current: 'security', title, body })
    }
  })
  done()
}
