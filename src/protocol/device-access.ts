// What a device asks for, in the order in which a page shows it: from the parameters that it sent, since nobody has signed in yet when the code
// is compared. Refuses nothing: scopes that a resource does not have are left out.

import type { KoaContextWithOIDC } from 'oidc-provider'
import type { RegisteredClient } from '../clients/client.ts'
import type { AuthorizationDetail } from '../oauth/authorization-details.ts'
import { isOpenidScope } from '../oauth/scope.ts'
import type { DetailCatalogue } from './authorization-details.ts'
import { requestedAccess } from './engine-pages.ts'
import type { RequestedAccess } from './ports.ts'
import type { ResourceCatalogue } from './resources.ts'

export function deviceAccess(
  ctx: KoaContextWithOIDC,
  deps: {
    resources: Pick<ResourceCatalogue, 'infoFor'>
    details: Pick<DetailCatalogue, 'asked'>
    registeredOf(client: NonNullable<KoaContextWithOIDC['oidc']['client']>): RegisteredClient
  }
): { requested: RequestedAccess[]; requestedDetails: AuthorizationDetail[] } {
  const { client, entities } = ctx.oidc
  const params = (entities.DeviceCode as { params?: Record<string, unknown> } | undefined)?.params
  const scopes = String(params?.['scope'] ?? '')
    .split(' ')
    .filter(Boolean)
  const named = [params?.['resource']].flat().filter(name => typeof name === 'string')
  const byResource =
    client === undefined
      ? []
      : named.map(identifier => ({
          identifier,
          scopes: deps.resources.infoFor(identifier, deps.registeredOf(client)).scope.split(' ')
        }))
  return {
    requested: requestedAccess(scopes, isOpenidScope, byResource),
    requestedDetails: deps.details.asked(params)
  }
}
