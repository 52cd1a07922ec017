// A person's answers to backchannel requests (OpenID Connect CIBA Core §8), as the page `/approve` uses them. Each answer is one unit of work: the
// request is settled once, an approval makes a grant of its own, and the client that wants a ping is owed one from the same transaction.
// Refuses somebody else's requests, a second answer, and a sign-in that is older than the client takes.

import { randomUUID } from 'node:crypto'
import type { Provider } from 'oidc-provider'
import type { RegisteredClient } from '../clients/client.ts'
import type { Sealer } from '../lib/seal.ts'
import { digest } from '../lib/secret.ts'
import { isOpenidScope } from '../oauth/scope.ts'
import type { BackchannelRequestStore, WaitingRequest } from '../store/backchannel-requests.ts'
import type { ConsentedScopes } from '../store/consents.ts'
import { Refused } from '../store/database.ts'
import type { Payload } from '../store/grants.ts'
import { pingContext, pingStatement } from '../store/ping-notices.ts'
import type { SessionStore } from '../store/sessions.ts'
import type { AuthenticationContexts } from './authentication-context.ts'
import type { ClientSource } from './client.ts'
import { requestedAccess, shownClient } from './engine-pages.ts'
import type { Approvals, SignedInPerson } from './ports.ts'
import type { RequestFactsBook } from './request-facts.ts'
import { claimsAsked, scopesOfClaims } from './requested-claims.ts'
import type { ResourceCatalogue } from './resources.ts'
import { noteEffect, type UnitOfWork, type UnitOfWorkRunner } from './unit-of-work.ts'

type EngineRequest = InstanceType<Provider['BackchannelAuthenticationRequest']> & {
  errorDescription?: string
}

/** A request and its client, both alive. */
interface Asked {
  waiting: WaitingRequest
  request: EngineRequest
  params: Record<string, unknown>
  client: RegisteredClient
  scopes: ConsentedScopes
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const text = (value: unknown) => (typeof value === 'string' ? value : undefined)

export function createApprovals(deps: {
  /** the engine as it is now: it is swapped when keys rotate */
  provider(): Provider
  issuer: string
  requests: BackchannelRequestStore
  clients: Pick<ClientSource, 'find'>
  resources: Pick<ResourceCatalogue, 'infoFor'>
  sessions: Pick<SessionStore, 'clientStatement'>
  contexts: Pick<AuthenticationContexts, 'reached' | 'lacksFactor' | 'mayReach'>
  sessionSeconds: number
  units: UnitOfWorkRunner
  facts: RequestFactsBook
  seal: Sealer
  now: () => Date
}): Approvals {
  const { issuer, requests, units } = deps

  /** Undefined: over, or its client is gone. In a unit of work. */
  async function open(waiting: WaitingRequest): Promise<Asked | undefined> {
    const Model = deps.provider().BackchannelAuthenticationRequest
    const { adapter } = Model as unknown as {
      adapter: { findByUid(place: string): Promise<object> }
    }
    const payload = await adapter.findByUid(`${waiting.bucket}.${waiting.artifact.toString('hex')}`)
    const client = await deps.clients.find(waiting.clientId)
    if (payload === undefined || client === undefined) return undefined
    const request = new Model(payload as never) as EngineRequest
    if (request.accountId !== waiting.accountId || request.clientId !== client.clientId)
      return undefined
    const params = (request.params ?? {}) as Record<string, unknown>
    const scopes = scopesOf(request, params, client)
    return scopes && { waiting, request, params, client, scopes }
  }

  /** What it asks for, as far as its resources allow. Undefined: the client may not come to one of them any more. */
  function scopesOf(
    request: EngineRequest,
    params: Record<string, unknown>,
    client: RegisteredClient
  ): ConsentedScopes | undefined {
    const asked = [...request.scopes]
    const resources: Record<string, string[]> = {}
    try {
      // a sign-in opens userinfo as well, with an access token of its own for the issuer's audience (provider.ts)
      for (const identifier of new Set([...[request.resource ?? []].flat(), issuer])) {
        const allowed = deps.resources.infoFor(identifier, client).scope.split(' ')
        resources[identifier] = asked.filter(scope => allowed.includes(scope))
      }
    } catch {
      return undefined
    }
    const single = scopesOfClaims(claimsAsked(params['claims']))
    return { openid: [...new Set([...asked.filter(isOpenidScope), ...single])], resources }
  }

  const levelsOf = (params: Record<string, unknown>) =>
    (text(params['acr_values']) ?? '').split(' ').filter(Boolean)

  /**
   * Core §3.1.2.1 `max_age`, or the client's `default_max_age`; a second factor that is demanded, or that would reach a level that is asked
   * for (CIBA Core §7.1 `acr_values`).
   */
  function judge(
    { signedInAt, session: { amr } }: SignedInPerson,
    { params, client }: Pick<Asked, 'params' | 'client'>
  ) {
    const most =
      params['max_age'] === undefined ? Number.POSITIVE_INFINITY : Number(params['max_age'])
    const seconds = (deps.now().getTime() - signedInAt.getTime()) / 1_000
    if (seconds > most) return 'too old'
    const stronger = deps.contexts.mayReach([...amr, 'otp', 'mfa'], levelsOf(params))
    const lacksLevel = stronger && !deps.contexts.mayReach(amr, levelsOf(params))
    return lacksLevel || deps.contexts.lacksFactor(amr, client) ? 'too weak' : 'enough'
  }

  async function approve(unit: UnitOfWork, person: SignedInPerson, asked: Asked) {
    const provider = deps.provider()
    const { waiting, request, params, client, scopes } = asked
    const { accountId } = person
    const { clientId } = client
    // of a grant that is saved outside the engine's own requests, it is told here (adapter.ts)
    unit.approval = { sessionUid: person.session.uid, claims: params['claims'] }
    const grant = new provider.Grant({ accountId, clientId })
    if (scopes.openid.length > 0) grant.addOIDCScope(scopes.openid.join(' '))
    const claims = claimsAsked(params['claims'])
    if (claims.length > 0) grant.addOIDCClaims(claims)
    for (const [identifier, allowed] of Object.entries(scopes.resources)) {
      if (allowed.length > 0) grant.addResourceScope(identifier, allowed.join(' '))
    }
    const grantId = await grant.save()
    const { uid, amr } = person.session
    // what is made of a session and a client when an app signs in (engine-sessions.ts)
    const sid = digest('sid', uid, clientId).toString('base64url')
    const lifetimeSeconds = deps.sessionSeconds
    unit.effects.push(
      deps.sessions.clientStatement({ uid, clientId, sid, grantId, lifetimeSeconds })
    )
    Object.assign(request, {
      grantId,
      resource: Object.keys(scopes.resources),
      acr: deps.contexts.reached(amr, levelsOf(params)),
      amr: [...amr],
      authTime: Math.floor(person.signedInAt.getTime() / 1_000),
      sessionUid: uid,
      expiresWithSession: false,
      ...(client.metadata.backchannel_logout_session_required === true ? { sid } : {})
    })
    await request.save()
    unit.effects.push(requests.approveStatement(waiting.id))
    const scope = [...request.scopes]
    noteEffect(unit, {
      type: 'backchannel.approved',
      accountId,
      clientId,
      data: { grantId, scope }
    })
  }

  async function decline(unit: UnitOfWork, asked: Asked) {
    const { waiting, request } = asked
    const { accountId, clientId } = waiting
    request.error = 'access_denied'
    request.errorDescription = 'the person declined the request'
    await request.save()
    unit.effects.push(requests.declineStatement(waiting.id))
    noteEffect(unit, { type: 'backchannel.declined', accountId, clientId, data: {} })
  }

  /** CIBA Core §10.2: the client is told that there is an answer, and fetches it. */
  function ping(unit: UnitOfWork, { waiting, request, params, client }: Asked) {
    const token = text(params['client_notification_token'])
    if (client.metadata.backchannel_token_delivery_mode !== 'ping' || token === undefined) return
    const id = randomUUID()
    const secret = JSON.stringify({ requestId: request.jti, token } satisfies Payload)
    const { accountId, clientId, remainingSeconds: lifetimeSeconds } = waiting
    const sealed = deps.seal.seal(secret, pingContext(id))
    unit.effects.push(pingStatement({ id, clientId, accountId, sealed, lifetimeSeconds }))
  }

  return {
    pending: (req, person) =>
      units.run(deps.facts.of(req), async () => {
        const shown: Awaited<ReturnType<Approvals['pending']>> = []
        for (const waiting of await requests.waiting(person.accountId)) {
          const asked = await open(waiting)
          if (asked === undefined) continue
          const { params, client, scopes } = asked
          const byResource = Object.entries(scopes.resources).map(([identifier, allowed]) => ({
            identifier,
            scopes: allowed
          }))
          const all = [...new Set([...scopes.openid, ...Object.values(scopes.resources).flat()])]
          shown.push({
            id: waiting.id,
            client: shownClient(client),
            requested: requestedAccess(all, isOpenidScope, byResource),
            lasts: scopes.openid.includes('offline_access') ? 'offline' : 'until sign-out',
            bindingMessage: text(params['binding_message']),
            address: waiting.address,
            startedAt: waiting.createdAt,
            remainingSeconds: waiting.remainingSeconds,
            signIn: judge(person, asked)
          })
        }
        return shown
      }),

    decide: (req, person, id, decision) =>
      units.run(deps.facts.of(req), async unit => {
        const waiting = uuid.test(id) ? await requests.find(person.accountId, id) : undefined
        const asked = waiting && (await open(waiting))
        if (asked === undefined) return 'over'
        const signIn = judge(person, asked)
        if (decision === 'approve' && signIn !== 'enough') return signIn
        if (decision === 'approve') await approve(unit, person, asked)
        else await decline(unit, asked)
        ping(unit, asked)
        try {
          await units.send(unit, 'with effects')
        } catch (error) {
          // answered in another window, or signed out meanwhile
          if (error instanceof Refused) return 'over'
          throw error
        }
        return 'done'
      })
  }
}
