// The apps that a person has allowed something, as the page of the account shows them, and taking it back: tokens, grants and what was
// remembered of a consent end together, on every process.

import type { ClientRegistry } from '../clients/registry.ts'
import { createGrantAdministration } from '../grants/administer.ts'
import { isOpenidScope } from '../oauth/scope.ts'
import { type ConnectedApp, createConnectedAppStore } from '../store/connected-apps.ts'
import type { Database } from '../store/database.ts'
import { requestedAccess, shownClient } from './engine-pages.ts'
import type { ConnectedApps, ShownApp } from './ports.ts'

export function createConnectedApps(deps: {
  database: Database
  /** rows only: nobody's metadata document is fetched for a list */
  clients: Pick<ClientRegistry, 'find'>
}): ConnectedApps {
  const { database, clients } = deps
  const apps = createConnectedAppStore({ sql: database })
  const grants = createGrantAdministration({ database })

  async function shown(app: ConnectedApp): Promise<ShownApp> {
    const { clientId, openid, resources, ...facts } = app
    const row = await clients.find(clientId)
    const byResource = Object.entries(resources).map(([identifier, scopes]) => ({
      identifier,
      scopes
    }))
    const scopes = new Set([...openid, ...byResource.flatMap(each => each.scopes)])
    return {
      client:
        row === undefined
          ? // switched off meanwhile: what was remembered can be taken back all the same
            {
              ...{ clientId, name: clientId, redirectHost: '' },
              unverifiable: true,
              firstParty: false
            }
          : shownClient(row),
      access: requestedAccess([...scopes], isOpenidScope, byResource),
      details: facts.details,
      lasts: facts.offline ? 'offline' : 'until sign-out',
      endsAt: facts.endsAt,
      firstAllowedAt: facts.firstAllowedAt,
      lastUsedAt: facts.lastUsedAt
    }
  }

  return {
    list: async accountId => Promise.all((await apps.list(accountId)).map(shown)),

    async remove(accountId, clientId, asked) {
      await grants.revokeAll({ accountId, clientId }, 'account', asked)
    },

    async removeAll(accountId, asked) {
      await grants.revokeAll({ accountId }, 'account', asked)
    },

    async nameOf(clientId) {
      const row = await clients.find(clientId)
      return row === undefined ? clientId : shownClient(row).name
    }
  }
}
