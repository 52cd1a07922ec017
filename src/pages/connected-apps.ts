// The apps that may use an account: GET and POST /account/grants. Owns the way from its form to the port.
// Refuses client ids that are none.

import type { FastifyInstance } from 'fastify'
import type { ConnectedApps } from '../protocol/ports.ts'
import { accountPages } from '../views/account-layout.ts'
import type { ResourceView } from '../views/client.ts'
import { renderConnectedApps } from '../views/connected-apps.ts'
import { type AccountPageDependencies, accountPage, type Visit } from './account-page.ts'

export interface ConnectedAppsDependencies extends AccountPageDependencies {
  apps: ConnectedApps
  resources: readonly ResourceView[]
}

/** Fastify plugin; wants the form parser of `pages.ts` around it. */
export function connectedAppsRoutes(
  app: FastifyInstance,
  deps: ConnectedAppsDependencies,
  done: () => void
) {
  const { apps } = deps

  async function show(visit: Visit) {
    return renderConnectedApps(visit.frame, {
      ...visit.account,
      action: visit.action,
      csrf: visit.person.csrf,
      apps: await apps.list(visit.person.accountId),
      resources: deps.resources
    })
  }

  accountPage(app, deps, {
    path: accountPages.apps,
    fields: ['client_id', 'all'],
    guard: 'signed in',
    show,
    async act(visit, { client_id: clientId, all }) {
      const asked = { requestId: visit.request.id, address: visit.request.ip }
      if (all === 'yes') {
        await apps.removeAll(visit.person.accountId, asked)
        return { to: accountPages.apps }
      }
      if (!/^[!-~]+$/.test(clientId)) return { document: await show(visit), status: 400 }
      await apps.remove(visit.person.accountId, clientId, asked)
      return { to: accountPages.apps }
    }
  })
  done()
}
