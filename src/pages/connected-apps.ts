// The apps that may use an account: GET and POST /account/grants. Whoever is not signed in is sent to sign in first, and comes back. Refuses
// forms that are not of this session and this person, so that no other site can take anything away.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ConnectedApps, PersonSessions } from '../protocol/ports.ts'
import type { ResourceView } from '../views/client.ts'
import { renderConnectedApps } from '../views/connected-apps.ts'
import type { Site } from '../views/layout.ts'
import { renderErrorPage } from './error-page.ts'
import { fromOurOwnPage, readFields } from './form-guard.ts'
import { pageHeaders } from './headers.ts'
import { toSignIn } from './sign-in.ts'
import { frameOf, hintsOf } from './site.ts'

export interface ConnectedAppsDependencies {
  persons: Pick<PersonSessions, 'find'>
  apps: ConnectedApps
  /** how a person knows their account: e-mail, login or name */
  accountName(accountId: string): Promise<string | undefined>
  site: Site
  issuer: string
  resources: readonly ResourceView[]
}

export const connectedAppsPath = '/account/grants'

/** Fastify plugin; wants the form parser of `pages.ts` around it. */
export function connectedAppsRoutes(
  app: FastifyInstance,
  deps: ConnectedAppsDependencies,
  done: () => void
) {
  const { persons, apps, site, issuer } = deps
  const path = site.basePath + connectedAppsPath

  app.get(connectedAppsPath, async (request, reply) => {
    const person = await persons.find(request.raw, reply.raw)
    if (person === undefined) return toSignIn(reply, { site, issuer }, connectedAppsPath)
    const { accountId, csrf } = person
    return reply
      .headers(pageHeaders('own', issuer))
      .type('text/html; charset=utf-8')
      .send(
        renderConnectedApps(frameOf(site, hintsOf(request.headers), path), {
          action: path,
          csrf,
          accountName: (await deps.accountName(accountId)) ?? accountId,
          signOut: `${site.basePath}/logout`,
          apps: await apps.list(accountId),
          resources: deps.resources
        })
      )
  })

  app.post(connectedAppsPath, async (request, reply) => {
    if (!fromOurOwnPage(request.headers, issuer)) return refuse(request, reply)
    const fields = readFields(request.body, ['csrf', 'client_id'])
    if (fields === undefined || !/^[!-~]+$/.test(fields.client_id)) {
      const page = { site, issuer, request, reply }
      return renderErrorPage(page, { status: 400, error: 'invalid_form' })
    }
    const person = await persons.find(request.raw, reply.raw)
    if (person === undefined) return toSignIn(reply, { site, issuer }, connectedAppsPath)
    if (!person.verifyCsrf(fields.csrf)) return refuse(request, reply)
    const asked = { requestId: request.id, address: request.ip }
    await apps.remove(person.accountId, fields.client_id, asked)
    return reply.headers(pageHeaders('own', issuer)).redirect(path, 303)
  })

  done()

  function refuse(request: FastifyRequest, reply: FastifyReply) {
    request.log.warn({ reason: 'cross_site_or_csrf' }, 'form refused')
    return renderErrorPage(
      { site, issuer, request, reply },
      { status: 403, error: 'form_expired', tryAgain: path }
    )
  }
}
