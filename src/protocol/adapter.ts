// The engine's storage adapter, one per model: reads answer from the unit of work where it knows already, writes are gathered there as
// evidence or effect. It refuses to store opaque access tokens: every access token is a JWT.

import { type Adapter, type AdapterPayload, Provider } from 'oidc-provider'
import { Fault } from '../lib/fault.ts'
import type { GrantStore, Payload } from '../store/grants.ts'
import type { ManagedGrantStore } from '../store/managed-grants.ts'
import {
  type AccessTokenAdapterDependencies,
  createAccessTokenAdapter
} from './access-token-adapter.ts'
import { type ArtifactAdapterDependencies, createArtifactAdapter } from './artifact-adapter.ts'
import { type GrantChange, widened } from './grant-change.ts'
import { isBound, type RefreshRequest, type RefreshTokens } from './refresh-tokens.ts'
import { claimsAsked } from './requested-claims.ts'
import type { ResourceCatalogue } from './resources.ts'
import type { SessionAdapter } from './session-adapter.ts'
import { noteEvidence, type UnitOfWork, type UnitOfWorkRunner } from './unit-of-work.ts'
import type { UserCodeGuesses } from './user-code-guesses.ts'

export interface AdapterDependencies
  extends ArtifactAdapterDependencies,
    AccessTokenAdapterDependencies {
  units: UnitOfWorkRunner
  grants: GrantStore
  managed: ManagedGrantStore
  sessions: SessionAdapter
  refreshTokens: RefreshTokens
  resources: Pick<ResourceCatalogue, 'listsStatus'>
  saveRegisteredClient(
    unit: UnitOfWork,
    clientId: string,
    metadata: Payload
  ): Promise<string | undefined>
  reapplyStatement(unit: UnitOfWork | undefined, properties: Payload): Promise<void>
  findInitialToken(unit: UnitOfWork, value: string): Promise<Payload | undefined>
  deleteRegisteredClient(clientId: string): Promise<void>
  guesses: UserCodeGuesses
  grantLifetimeSeconds: number
}

/** What a refresh token is looked up for, by the engine's name of the endpoint; nowhere else does a spent one count. */
const refreshPurposes: Record<string, RefreshRequest['purpose']> = {
  token: 'redeem',
  revocation: 'revoke'
}

export function createAdapterFactory(deps: AdapterDependencies): (model: string) => Adapter {
  const { units, grants } = deps
  const artifact = createArtifactAdapter(deps)
  const accessToken = createAccessTokenAdapter(deps)
  const epoch = () => Math.floor(deps.now().getTime() / 1000)

  function unit(): UnitOfWork {
    const current = units.current()
    if (current === undefined)
      throw new Fault('internal', 'The engine was called outside a unit of work.')
    return current
  }

  /** A failure of the store reaches the engine as any other error, which makes a 500 of it: it is kept, for a 503. */
  async function guarded<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    const current = unit()
    try {
      return await work(current)
    } catch (error) {
      if (error instanceof Fault) current.fault ??= error
      throw error
    }
  }

  function saveGrant(
    current: UnitOfWork,
    id: string,
    payload: Payload,
    ttl = deps.grantLifetimeSeconds
  ) {
    const openid = payload['openid'] as { scope?: string } | undefined
    const audiences = Object.keys((payload['resources'] ?? {}) as object)
    const accountId = String(payload['accountId'])
    const clientId = String(payload['clientId'])
    const change = current.grantChange
    if (change?.action === 'create') {
      current.effects.push(deps.managed.createStatement({ id: change.id, accountId, clientId }))
    }
    current.effects.push(
      grants.saveStatement({
        ...{ id, accountId, clientId },
        sessionUid: Provider.ctx?.oidc?.session?.uid ?? current.approval?.sessionUid,
        offline: openid?.scope?.split(' ').includes('offline_access') ?? false,
        payload: grantPayload(payload, change, current.approval?.claims),
        managed: change && { id: change.id, base: change.base?.revision ?? 0 },
        // no longer than what hangs on it can live
        lifetimeSeconds: Math.min(
          ttl,
          deps.grantLifetimeSeconds,
          current.grantSeconds ?? Number.POSITIVE_INFINITY
        ),
        status: audiences.some(deps.resources.listsStatus) ? 'listed' : 'unlisted',
        documentDigest: deps.documents.ofRequest()
      })
    )
  }

  async function findGrant(current: UnitOfWork, id: string) {
    const known = current.grants.has(id)
    const grant = known ? current.grants.get(id) : await grants.find(id)
    if (!known) current.grants.set(id, grant)
    if (grant === undefined) return undefined
    const exp = epoch() + Math.ceil(grant.remainingSeconds)
    return { ...grant.payload, jti: id, kind: 'Grant', exp } as AdapterPayload
  }

  function revokeGrant(current: UnitOfWork, id: string) {
    const key = `revoked:${id}`
    if (current.revokesAccessToken || current.written.has(key)) return
    current.written.set(key, true)
    const grant = current.grants.get(id)
    current.evidence.push(...grants.revokeStatements(id))
    noteEvidence(current, {
      type: 'grant.revoked',
      accountId: grant?.accountId,
      clientId: grant?.clientId,
      data: { grantId: id, reason: Provider.ctx?.oidc?.route ?? 'unknown' }
    })
  }

  function refreshRequest() {
    const oidc = Provider.ctx?.oidc
    return {
      purpose: refreshPurposes[oidc?.route ?? ''] ?? 'introspect',
      clientId: oidc?.client?.clientId ?? '',
      publicClient: oidc?.client?.clientAuthMethod === 'none'
    }
  }

  const common = (kind: string): Adapter => ({
    upsert: (id, payload, ttl) =>
      guarded(async current => artifact.save(current, kind, id, payload as Payload, ttl)),
    find: id => guarded(current => artifact.find(current, kind, id)),
    findByUid: async () => undefined,
    findByUserCode: async () => undefined,
    consume: id => guarded(async current => artifact.consume(current, kind, id)),
    destroy: id => guarded(async current => artifact.destroy(current, kind, id)),
    revokeByGrantId: id => guarded(async current => revokeGrant(current, id))
  })

  const special: Record<string, Partial<Adapter>> = {
    Session: deps.sessions.adapter(guarded),
    Grant: {
      upsert: (id, payload, ttl) =>
        guarded(async current => saveGrant(current, id, payload as Payload, ttl)),
      find: id => guarded(current => findGrant(current, id)),
      destroy: id => guarded(async current => revokeGrant(current, id))
    },
    RefreshToken: {
      upsert: (id, payload) =>
        guarded(async current => deps.refreshTokens.save(current, id, payload as Payload)),
      find: id =>
        guarded(async current => {
          const request = refreshRequest()
          current.publicClient = request.publicClient
          const payload = await deps.refreshTokens.find(current, id, request)
          // The engine looks at scope and more before it looks at reuse (grants/refresh_token.js): whoever presents a token that no key
          // protects must not choose what comes first.
          if (payload?.['consumed'] !== undefined && !isBound(payload)) {
            deps.refreshTokens.revoke(current, id)
            revokeGrant(current, String(payload['grantId']))
          }
          return payload as AdapterPayload | undefined
        }),
      // the rotation is one statement, gathered when the successor is saved
      consume: async () => undefined,
      destroy: id => guarded(async current => deps.refreshTokens.revoke(current, id))
    },
    AccessToken: {
      upsert: neverStored,
      find: id => guarded(current => accessToken.find(current, 'AccessToken', id)),
      destroy: id =>
        guarded(async current => {
          current.revokesAccessToken = true
          await accessToken.deny(current, id)
        })
    },
    ClientCredentials: {
      upsert: neverStored,
      find: id => guarded(current => accessToken.find(current, 'ClientCredentials', id)),
      destroy: id => guarded(current => accessToken.deny(current, id))
    },
    AuthorizationCode: {
      upsert: (id, payload, ttl) =>
        guarded(async current => {
          const saved = widened(payload as Payload, current.grantChange)
          artifact.save(current, 'AuthorizationCode', id, saved, ttl)
        })
    },
    DeviceCode: {
      findByUserCode: code =>
        guarded(current =>
          deps.guesses.look(current, code, () => artifact.findByUserCode(current, code))
        )
    },
    BackchannelAuthenticationRequest: {
      // no id of the engine's: where the row is, for the person's answer (backchannel-approvals.ts)
      findByUid: place => {
        const [bucket, id = ''] = place.split('.')
        const key = { bucket: Number(bucket), id: Buffer.from(id, 'hex') }
        return guarded(current =>
          artifact.findByPlace(current, 'BackchannelAuthenticationRequest', key)
        )
      }
    },
    InitialAccessToken: {
      find: id =>
        guarded(
          async current => (await deps.findInitialToken(current, id)) as AdapterPayload | undefined
        )
    },
    Client: {
      upsert: (id, payload) =>
        guarded(async current => {
          current.issuedSecret = await deps.saveRegisteredClient(current, id, payload as Payload)
        }),
      // Client.find is ours (client.ts): the engine never asks here
      find: async () => undefined,
      destroy: id => guarded(() => deps.deleteRegisteredClient(id))
    }
  }

  return model => ({ ...common(model), ...special[model] })
}

/** With it the claims that were asked of userinfo one by one: an access token that is no row cannot say. */
function grantPayload(
  payload: Payload,
  change: GrantChange | undefined,
  approved: unknown
): Payload {
  const { jti: _, exp: __, ...stored } = payload
  const before = change?.action === 'merge' ? (change.base.content.userinfo ?? []) : []
  const asked = claimsAsked(Provider.ctx?.oidc?.params?.['claims'] ?? approved, ['userinfo'])
  const userinfo = [...new Set([...before, ...asked])]
  return userinfo.length > 0 ? { ...stored, userinfo } : stored
}

async function neverStored(): Promise<undefined> {
  throw new Fault('internal', 'An access token without an audience was about to be stored.')
}
