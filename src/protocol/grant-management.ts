// Grant Management for OAuth 2.0 (OpenID FAPI WG, draft -03), the part of it in authorization and token requests: what a client may say of a
// grant, whose grant it must be, what a merged one holds, and `grant_id` in the answer. The API at the grants themselves is
// grants-endpoint.ts. Refuses public clients (§5.1), and whatever was changed since the person saw it.

import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import { type ManagedGrantStore, newManagedGrantId } from '../store/managed-grants.ts'
import { isPublic } from './client-authentication.ts'
import { type GrantAction, type GrantChange, grantActions, narrowedTo } from './grant-change.ts'
import { noteEffect, type UnitOfWork } from './unit-of-work.ts'

type Engine = KoaContextWithOIDC['oidc']
type EngineClient = Parameters<typeof isPublic>[0] & { clientId: string }

/** The requests that lead to a page of ours, where a person sees what is changed. */
const carriers: readonly string[] = ['authorization', 'pushed_authorization_request']

function isAction(value: unknown): value is GrantAction {
  return grantActions.some(action => action === value)
}

/** §5.4: one answer for a grant that is unknown, ended, another client's or another person's. */
function invalidGrantId() {
  return new errors.CustomOIDCProviderError(
    'invalid_grant_id',
    'grant_id is unknown, revoked or expired, or was not given to this client by the person who is signed in'
  )
}

export interface GrantManagement {
  /** The engine's `extraParams`: what is looked at before a person is asked for anything. */
  parameters: Record<
    string,
    (ctx: KoaContextWithOIDC, value: unknown, client: EngineClient) => Promise<void>
  >
  /**
   * What the request changes, once somebody is signed in. Undefined: it is an authorization as any other.
   * @throws CustomOIDCProviderError `invalid_grant_id`
   */
  changeOf(oidc: Engine, accountId: string): Promise<GrantChange | undefined>
  /** The answer to a token request: `grant_id`, and from a code the change itself, with the tokens or not at all. */
  complete(ctx: KoaContextWithOIDC, unit: UnitOfWork): void
}

export function createGrantManagement(deps: {
  enabled: boolean
  actionRequired: boolean
  managed: Pick<ManagedGrantStore, 'find' | 'claimStatements'>
  /** Scopes that a client may have at a resource now; those of the account at the issuer. None: it may not name it. */
  available(identifier: string | undefined, client: EngineClient): ReadonlySet<string>
  /** keeps a failure of the store, for a 503 in place of the engine's 500 */
  guarded<T>(work: () => Promise<T>): Promise<T>
}): GrantManagement {
  const { managed } = deps
  const find = (id: string, clientId: string) => deps.guarded(() => managed.find(id, clientId))

  async function checkAction(ctx: KoaContextWithOIDC, action: unknown, client: EngineClient) {
    const { params, route } = ctx.oidc
    const id = params?.['grant_id']
    const carries = carriers.includes(route)
    if (action === undefined) {
      // §5.4: "grant_id is provided and the action is not specified", or "the action is required […] but not specified"
      if (id !== undefined) {
        throw new errors.InvalidRequest(
          'grant_id goes with grant_management_action merge or replace'
        )
      }
      if (deps.actionRequired && carries) {
        throw new errors.InvalidRequest(
          `grant_management_action is required: ${grantActions.join(', ')}`
        )
      }
      return
    }
    if (!isAction(action)) {
      throw new errors.InvalidRequest(
        `grant_management_action must be one of ${grantActions.join(', ')}`
      )
    }
    // §5.1: "Grant management is restricted to confidential only clients due to security reasons."
    if (isPublic(client)) {
      throw new errors.UnauthorizedClient('grant management is for confidential clients')
    }
    // tokens come with the claim of the grant, from the token endpoint alone
    if (!carries || params?.['response_type'] !== 'code') {
      throw new errors.InvalidRequest(
        'grant_management_action goes with response_type code at the authorization endpoint'
      )
    }
    if (action === 'create') {
      if (id === undefined) return
      throw new errors.InvalidRequest('grant_id does not go with grant_management_action create')
    }
    if (typeof id !== 'string' || id === '') {
      throw new errors.InvalidRequest(`grant_management_action ${action} needs a grant_id`)
    }
    if ((await find(id, client.clientId)) === undefined) throw invalidGrantId()
  }

  return {
    parameters: deps.enabled
      ? { grant_management_action: checkAction, grant_id: async () => undefined }
      : {},

    async changeOf({ params, client }, accountId) {
      const action = params?.['grant_management_action']
      if (!deps.enabled || !isAction(action) || client === undefined) return undefined
      if (action === 'create') return { action, id: newManagedGrantId() }
      const base = await find(String(params?.['grant_id']), client.clientId)
      // §5.4: "unknown, invalid or logged in user doesn't match a resource owner"
      if (base === undefined || base.accountId !== accountId) throw invalidGrantId()
      const content = narrowedTo(base.content, name => deps.available(name, client))
      return { action, id: base.id, base: { ...base, content } }
    },

    complete(ctx, unit) {
      if (ctx.oidc?.route !== 'token' || ctx.status !== 200) return
      const grantId = ctx.oidc.entities.Grant?.jti
      const grant = grantId === undefined ? undefined : unit.grants.get(grantId)
      if (grant?.managedId === undefined) return
      if (ctx.oidc.params?.['grant_type'] === 'authorization_code') {
        unit.effects.push(...managed.claimStatements(grant.managedId, grant.id))
        noteEffect(unit, {
          type: 'managed_grant.claimed',
          accountId: grant.accountId,
          clientId: grant.clientId,
          data: { grant: grant.managedId, grantId: grant.id }
        })
      }
      // §5.5: "The AS must return a grant_id if the grant_management_action request parameter is provided"
      ctx.body = { ...(ctx.body as object), grant_id: grant.managedId }
    }
  }
}
