// The passkeys of an account: GET and POST /account/security/passkeys, their section on the page above it, and where password managers find
// them (W3C, A Well-Known URL for Passkey Endpoints). Owns the way from its forms to the port. Refuses whoever has not signed in a moment
// ago: a passkey that a stranger adds would stay when the password is changed.

import type { FastifyInstance } from 'fastify'
import { longestPasskeyName, type Passkeys } from '../accounts/passkeys.ts'
import { accountPages } from '../views/account-layout.ts'
import { wordsOf } from '../views/layout.ts'
import {
  type PasskeysProblem,
  passkeySection,
  renderPasskeyCodes,
  renderPasskeys
} from '../views/passkeys.ts'
import {
  type AccountPageDependencies,
  type ActOutcome,
  accountPage,
  type Visit
} from './account-page.ts'
import type { Assets } from './assets.ts'
import { registrationProblem } from './passkey-screens.ts'
import type { SecuritySection } from './security.ts'

export interface PasskeysDependencies extends AccountPageDependencies {
  /** undefined where no browser would offer any (an issuer without a host name) */
  passkeys: Passkeys | undefined
  assets: Pick<Assets, 'passkeys'>
}

const path = `${accountPages.security}/passkeys`

/** Fastify plugin; wants the form parser of `pages.ts` around it. */
export function passkeysRoutes(app: FastifyInstance, deps: PasskeysDependencies, done: () => void) {
  const { passkeys, site, issuer } = deps
  if (passkeys === undefined) return done()

  const show = async (visit: Visit, problem?: PasskeysProblem) => {
    const { accountId, session, csrf } = visit.person
    const { accountName } = visit.account
    const [list, options] = await Promise.all([
      passkeys.list(accountId),
      passkeys.registrationOptions(session.uid, { accountId, accountName })
    ])
    return renderPasskeys(visit.frame, {
      ...visit.account,
      action: visit.action,
      csrf,
      passkeys: list,
      options,
      script: site.basePath + deps.assets.passkeys,
      signal: {
        method: 'signalAllAcceptedCredentials',
        options: await passkeys.accepted(accountId, list)
      },
      longestName: longestPasskeyName,
      problem
    })
  }

  accountPage(app, deps, {
    path,
    fields: ['action', 'id', 'name', 'passkey'],
    guard: 'recent sign-in',
    show: visit => show(visit),

    async act(visit, { action, id, name, passkey }): Promise<ActOutcome> {
      const { accountId, session } = visit.person
      const asked = { address: visit.request.ip, requestId: visit.request.id }
      const back = async (problem: PasskeysProblem, status = 422): Promise<ActOutcome> => ({
        document: await show(visit, problem),
        status
      })
      switch (action) {
        case 'add': {
          const otherwise = wordsOf(visit.frame).passkeys.unnamed
          const request = { ...asked, accountId, answer: passkey, flow: session.uid, otherwise }
          const added = await passkeys.register(request, 'another')
          if (!added.ok) return back({ kind: registrationProblem(added.reason) })
          if (added.codes.length === 0) return { to: path }
          // to manage factors one must have used one by now: the list above needs no more than this sign-in
          const onward = site.basePath + accountPages.security
          const codes = { codes: added.codes, onward }
          return {
            document: renderPasskeyCodes(visit.frame, { ...visit.account, ...codes }),
            status: 200
          }
        }
        case 'rename': {
          const renamed = await passkeys.rename(accountId, { id, name }, asked)
          return renamed === 'no name' ? back({ kind: 'noName', id }) : { to: path }
        }
        case 'remove': {
          const removed = await passkeys.remove(accountId, id, asked)
          return removed === 'last' ? back({ kind: 'last' }) : { to: path }
        }
        default:
          return { document: await show(visit), status: 400 }
      }
    }
  })

  // "enroll: a string containing a URL … to create a passkey", "manage: … to view/manage" (§4.2)
  const page = issuer.replace(/\/$/, '') + path
  app.get('/.well-known/passkey-endpoints', (_, reply) =>
    reply.header('cache-control', 'public, max-age=3600').send({ enroll: page, manage: page })
  )
  done()
}

/** On the page of sign-in and security. */
export function createPasskeySection(
  passkeys: Pick<Passkeys, 'list'>,
  basePath: string
): SecuritySection {
  return async ({ frame, person }) =>
    passkeySection(frame, {
      passkeys: await passkeys.list(person.accountId),
      manage: basePath + path
    })
}
