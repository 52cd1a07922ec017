// What the engine tells while it works, turned into outcome, audit trail and log. Its events come before the commit, so nothing here is
// told as done: audit rows are gathered with the rest, and refusals are logged, since they happen whatever is written.

import type { EventEmitter } from 'node:events'
import type { errors, KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { AuditBatch } from '../audit/batch.ts'
import { isPassing } from '../lib/fault.ts'
import { tokenExchangeGrantType } from '../oauth/token-exchange.ts'
import type { RequestFactsBook } from './request-facts.ts'
import { noteEffect, noteEvidence, type UnitOfWorkRunner } from './unit-of-work.ts'

export interface EventDependencies {
  units: Pick<UnitOfWorkRunner, 'current'>
  requests: RequestFactsBook
  audit: Pick<AuditBatch, 'add'>
  log: {
    info(data: object, message: string): void
    error(data: object, message: string): void
  }
}

const refusals = [
  ['grant.error', 'token'],
  ['authorization.error', 'authorization'],
  ['introspection.error', 'introspection'],
  ['revocation.error', 'revocation'],
  ['userinfo.error', 'userinfo'],
  ['pushed_authorization_request.error', 'pushed authorization request'],
  ['device_authorization.error', 'device authorization'],
  ['backchannel_authentication.error', 'backchannel authentication']
] as const

/** Listens to one provider. */
export function attachEvents(
  provider: Provider,
  { units, requests, audit, log }: EventDependencies
): void {
  const requestId = (ctx: KoaContextWithOIDC) => requests.of(ctx.req).requestId

  provider.on('authorization.success', ctx => {
    const unit = units.current()
    if (unit === undefined) return
    // Authorize and the device page answer 303 and 200 to refusals, too: this alone says that effects may be written.
    unit.outcome = 'commit'
    const { client, session, route } = ctx.oidc
    const grantId = session?.grantIdFor(client?.clientId ?? '') ?? ''
    const about = { accountId: session?.accountId, clientId: client?.clientId }
    noteEffect(
      unit,
      route === 'authorization' || route === 'resume'
        ? { ...about, type: 'code.issued', data: { grantId } }
        : { ...about, type: 'device.approved', data: { grantId } }
    )
  })

  provider.on('grant.success', ctx => {
    const { client, entities, params } = ctx.oidc
    const unit = units.current()
    const token = entities.AccessToken ?? entities.ClientCredentials
    const grantType = params?.['grant_type']
    if (unit === undefined || token === undefined || typeof grantType !== 'string') return
    // a rotation is one write of one row; its trace is the family's row itself
    if (grantType === 'refresh_token') return
    // told with who acts for whom (token-exchange.ts)
    if (grantType === tokenExchangeGrantType) return
    const issued = {
      type: 'token.issued',
      clientId: client?.clientId,
      accountId: entities.Account?.accountId,
      data: {
        grantType,
        jti: token.jti,
        scope: [...token.scopes],
        resource: typeof token.aud === 'string' ? token.aud : undefined,
        ...(unit.assertion?.ok === true
          ? {
              assertionIssuer: unit.assertion.issuer,
              assertionSubject: unit.assertion.subject
            }
          : {})
      }
    } as const
    if (grantType === 'client_credentials') audit.add({ ...unit.request, ...issued })
    else noteEffect(unit, issued)
  })

  provider.on('end_session.success', ctx => {
    const unit = units.current()
    const { client, session } = ctx.oidc
    if (unit === undefined || session?.accountId === undefined) return
    noteEvidence(unit, {
      type: 'sign_out',
      accountId: session.accountId,
      clientId: client?.clientId,
      data: { by: client === undefined ? 'account' : 'client' }
    })
  })

  provider.on('grant.error', (_ctx, error) => {
    const unit = units.current()
    const judged = unit?.refreshToken
    if (unit === undefined || judged === undefined) return
    // RFC 9449 §5, RFC 8705 §4: the token is bound to a key that was not shown; the family is untouched
    const detail = error.error_detail ?? ''
    const isCertificate = /x5t|mutual TLS/.test(detail)
    if (!isCertificate && !/jkt|DPoP/.test(detail)) return
    const reason = isCertificate ? 'another certificate' : 'another key'
    noteEvidence(unit, {
      type: 'refresh.client_mismatch',
      clientId: judged.row.clientId,
      accountId: unit.grants.get(judged.row.grantId)?.accountId,
      data: { familyId: judged.row.id, generation: judged.token.generation, reason }
    })
  })

  provider.on('server_error', (ctx, error) => {
    const unit = units.current()
    if (unit !== undefined) unit.fault ??= error
    // told by who answers it with 503, once (provider.ts)
    if (isPassing(error)) return
    log.error({ err: error, requestId: requestId(ctx) }, 'the engine failed')
  })

  const emitter: EventEmitter = provider
  // Connection errors of a client that went away; without a listener they are printed.
  emitter.on('error', () => undefined)
  for (const [event, what] of refusals) {
    emitter.on(event, (ctx: KoaContextWithOIDC, error: errors.OIDCProviderError) =>
      log.info(
        {
          requestId: requestId(ctx),
          clientId: ctx.oidc.client?.clientId,
          refusal: error.error,
          reason: error.error_detail ?? error.error_description
        },
        `refused: ${what}`
      )
    )
  }
}
