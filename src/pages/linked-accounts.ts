// Identities at other providers, on the account's own pages: a section that lists them, and GET and POST /account/security/linked, where one is
// linked or unlinked by somebody who signed in a moment ago. An identity is linked only by pressing a button that names it and the account.

import type { FastifyInstance } from 'fastify'
import type { Linking } from '../federation/linking.ts'
import type { UpstreamSignIn } from '../federation/sign-in.ts'
import type { Upstream } from '../federation/upstreams.ts'
import {
  renderLinkedAccounts,
  renderLinkedSection,
  renderUpstreamProblem
} from '../views/upstream.ts'
import {
  type AccountPageDependencies,
  type ActOutcome,
  accountPage,
  type Visit
} from './account-page.ts'
import type { SecuritySection } from './security.ts'
import type { UpstreamCookie } from './upstream-cookie.ts'

export const linkedPath = '/account/security/linked'

export interface LinkedAccountsDependencies extends AccountPageDependencies {
  linked:
    | {
        list: readonly Pick<Upstream, 'id' | 'name'>[]
        linking: Linking
        begin: UpstreamSignIn['begin']
        cookie: UpstreamCookie
      }
    | undefined
}

const done = ['linked', 'unlinked', 'declined'] as const
const fields = ['act', 'decline', 'upstream', 'identity'] as const

/** Names one identity in a form. */
const nameOfIdentity = ({ issuer, subject }: { issuer: string; subject: string }) =>
  JSON.stringify([issuer, subject])

function identityOf(written: string): { issuer: string; subject: string } {
  try {
    const [issuer, subject] = JSON.parse(written)
    return { issuer: String(issuer), subject: String(subject) }
  } catch {
    return { issuer: '', subject: '' }
  }
}

export function createLinkedSection(linking: Linking): SecuritySection {
  return async visit =>
    renderLinkedSection(visit.frame, {
      identities: await linking.list(visit.person.accountId),
      manage: visit.frame.site.basePath + linkedPath
    })
}

/** Fastify plugin; wants the form parser of `pages.ts` around it. */
export function linkedAccountsRoutes(
  app: FastifyInstance,
  deps: LinkedAccountsDependencies,
  ready: () => void
) {
  const { linked } = deps
  if (linked === undefined) return ready()
  const { linking, cookie, list } = linked

  async function show(
    visit: Visit,
    outcome: { done?: unknown; failed?: 'gone' | 'taken' | 'last' } = {}
  ) {
    const { accountId } = visit.person
    const identities = await linking.list(accountId)
    return renderLinkedAccounts(visit.frame, visit.account, {
      action: visit.action,
      csrf: visit.person.csrf,
      offer: await linking.offered(accountId, cookie.read(visit.request)),
      identities: identities.map(one => ({ ...one, key: nameOfIdentity(one) })),
      list,
      done: done.find(one => one === outcome.done),
      failed: outcome.failed
    })
  }

  async function failed(visit: Visit, reason: 'gone' | 'taken' | 'last'): Promise<ActOutcome> {
    return { document: await show(visit, { failed: reason }), status: 409 }
  }

  accountPage(app, deps, {
    path: linkedPath,
    fields,
    guard: 'recent sign-in',
    // a form on it leads to a provider
    headers: 'onward',
    show: visit => show(visit, visit.request.query as { done?: unknown }),

    async act(visit, { act, decline, upstream: id, identity }) {
      const { request, person } = visit
      if (decline !== '') {
        await linking.decline(cookie.read(request))
        return { to: `${linkedPath}?done=declined` }
      }
      const { accountId } = person
      const asked = { address: request.ip, requestId: request.id }
      switch (act) {
        case 'begin': {
          const upstream = list.find(one => one.id === id)
          if (upstream === undefined) return failed(visit, 'gone')
          const begun = await linked.begin(id, cookie.keep(request, visit.reply), {
            ...{ flow: undefined, accountId, address: visit.action },
            freshness: 'any'
          })
          if (begun.ok) return { elsewhere: begun.to }
          const page = { problem: 'unavailable' as const, name: upstream.name, link: undefined }
          const document = renderUpstreamProblem(visit.frame, { ...page, otherWays: visit.action })
          return { document, status: 503 }
        }
        case 'link': {
          const outcome = await linking.link(accountId, cookie.read(request), asked)
          if (!outcome.ok) return failed(visit, outcome.reason)
          return outcome.to === undefined
            ? { to: `${linkedPath}?done=linked` }
            : { elsewhere: outcome.to }
        }
        case 'unlink': {
          const outcome = await linking.unlink(accountId, identityOf(identity), asked)
          return outcome.ok ? { to: `${linkedPath}?done=unlinked` } : failed(visit, outcome.reason)
        }
        default:
          return { to: linkedPath }
      }
    }
  })
  ready()
}
