// What an access token says about where its status stands: the `status` claim of draft-ietf-oauth-status-list §6, for resources that ask for
// it. The index is the grant's, or the client's for a machine token, and came with the read of it; only for what was made before its
// resource asked is it taken now. A token whose grant has ended meanwhile is refused.

import { errors, Provider } from 'oidc-provider'
import type { RegisteredClient } from '../clients/client.ts'
import type { StatusEntry, StatusListStore } from '../store/status-lists.ts'
import type { ResourceCatalogue } from './resources.ts'
import type { UnitOfWorkRunner } from './unit-of-work.ts'

/** Where lists are, under the issuer. */
export const statusListPath = '/status-lists'

export function statusListUri(issuer: string, list: number): string {
  return `${issuer}${statusListPath}/${list}`
}

export interface StatusClaim {
  status_list: { idx: number; uri: string }
}

export interface StatusClaims {
  /**
   * Undefined where the resource did not ask for it.
   * @throws InvalidGrant, InvalidClient when what the token stands on has ended
   * @throws Fault `store_unavailable`
   */
  claimFor(
    audience: string,
    token: { grantId: string | undefined; client: RegisteredClient }
  ): Promise<StatusClaim | undefined>
}

export function createStatusClaims(deps: {
  issuer: string
  resources: Pick<ResourceCatalogue, 'listsStatus'>
  units: Pick<UnitOfWorkRunner, 'current'>
  lists: Pick<StatusListStore, 'assignToGrant'>
  clients: { assignStatus(clientId: string): Promise<StatusEntry | undefined> }
}): StatusClaims {
  async function ofGrant(grantId: string): Promise<StatusEntry | undefined> {
    const known = deps.units.current()?.grants.get(grantId)?.status
    const entry = known ?? (await deps.lists.assignToGrant(grantId))
    // a token straight from the authorization endpoint (conformance mode) comes before its grant is written, and has none
    if (entry === undefined && Provider.ctx?.oidc?.route === 'token') {
      throw new errors.InvalidGrant('grant has ended')
    }
    return entry
  }

  async function ofClient({ clientId, status }: RegisteredClient): Promise<StatusEntry> {
    const entry = status ?? (await deps.clients.assignStatus(clientId))
    if (entry === undefined) throw new errors.InvalidClient('client is disabled')
    return entry
  }

  return {
    async claimFor(audience, { grantId, client }) {
      if (!deps.resources.listsStatus(audience)) return undefined
      const entry = grantId === undefined ? await ofClient(client) : await ofGrant(grantId)
      if (entry === undefined) return undefined
      return { status_list: { idx: entry.idx, uri: statusListUri(deps.issuer, entry.list) } }
    }
  }
}
