// The grant type token exchange (RFC 8693): a confidential client turns the access token of a person into one for another API, as far as
// the configuration lists it. Reads the request, which is taken for hostile, verifies the tokens as introspection does, and issues through
// the engine's own model. Refuses every kind of token but live access tokens of ours; gives no refresh token and no ID token.

import {
  type Client as EngineClient,
  errors,
  type Provider,
  type TokenEndpointGrantContext
} from 'oidc-provider'
import {
  buildTokenResponse,
  checkDpopReplay,
  checkDpopRequired,
  checkMtlsCert,
  validateDpop
} from 'oidc-provider/lib/helpers/grants.js'
import type { RegisteredClient } from '../clients/client.ts'
import { parseResource } from '../oauth/resource.ts'
import { parseScope } from '../oauth/scope.ts'
import { accessTokenType, jwtTokenType, tokenExchangeGrantType } from '../oauth/token-exchange.ts'
import type { AccessTokens, VerifiedAccessToken } from './access-tokens.ts'
import { isPublic } from './client-authentication.ts'
import { type ExchangePolicy, type ExchangeVerdict, judgeExchange } from './exchange-policy.ts'
import type { ResourceCatalogue } from './resources.ts'
import { noteEffect, noteEvidence, type UnitOfWork, type UnitOfWorkRunner } from './unit-of-work.ts'

// Facts of the engine (9.13.3) that this depends on, each held by test/protocol/exchange-facts.test.ts:
// - a registered grant type is run after client authentication, with its own parameters only, each once unless it is said to repeat;
// - an access token keeps an `exp` that it was given;
// - what lib/helpers/grants.js does, which its semantic versioning does not cover: proofs, certificates, the answer.

/** RFC 8693 §2.1. */
const parameters = [
  'subject_token',
  'subject_token_type',
  'actor_token',
  'actor_token_type',
  'requested_token_type',
  'audience',
  'resource',
  'scope'
] as const

type Parameters = Partial<Record<(typeof parameters)[number], string | string[]>>
type Context = TokenEndpointGrantContext<Parameters>

const tokenTypes: ReadonlySet<unknown> = new Set([accessTokenType, jwtTokenType])

export interface TokenExchangeDependencies {
  issuer: string
  policy: ExchangePolicy
  accessTokens: AccessTokens
  resources: Pick<ResourceCatalogue, 'infoForExchange' | 'introspectionClientOf'>
  units: Pick<UnitOfWorkRunner, 'current'>
  registeredOf(client: EngineClient): RegisteredClient
  now: () => Date
}

/** Registers the grant type, unless nobody may use it: what is not possible is not advertised. */
export function registerTokenExchange(provider: Provider, deps: TokenExchangeDependencies): void {
  if (!deps.policy.offered) return
  provider.registerGrantType<Parameters>(
    tokenExchangeGrantType,
    ctx => exchange(provider, deps, ctx),
    // known so that it is refused, and not passed over (authorization-details.ts)
    [...parameters, 'authorization_details'],
    // RFC 8693 §2.1 allows several of these; we name one target, and say so in the error that is meant for it
    ['audience', 'resource']
  )
}

/** RFC 8693 §2.2.2: "the value of the error parameter MUST be the invalid_request error code" */
function invalid(problem: string, detail?: string) {
  return new errors.InvalidRequest(problem, undefined, detail ?? problem)
}

async function exchange(
  provider: Provider,
  deps: TokenExchangeDependencies,
  ctx: Context
): Promise<void> {
  const { client } = ctx.oidc
  const unit = deps.units.current()
  if (unit === undefined) throw new Error('a token exchange outside a unit of work')
  // A client that anybody can be is nobody's delegate; templates.ts gives it no such grant type either.
  if (isPublic(client)) {
    throw new errors.UnauthorizedClient('token exchange needs a client that authenticates')
  }
  const request = readRequest(ctx.oidc.params)
  const info = deps.policy.allows(client.clientId, request.target)
    ? deps.resources.infoForExchange(request.target, deps.registeredOf(client))
    : undefined
  if (info === undefined) {
    throw new errors.InvalidTarget(
      'the resource is unknown, or this client may not exchange tokens for it'
    )
  }
  const dpop = await validateDpop(provider, ctx)
  checkDpopRequired(provider, ctx, dpop, errors.InvalidRequest)
  const certificate = checkMtlsCert(provider, ctx, errors.InvalidRequest)

  const subject = await verified(deps, unit, request, 'subject_token')
  const actor =
    request.actor_token === undefined
      ? undefined
      : await verified(deps, unit, request, 'actor_token')

  const token = new provider.AccessToken({
    client,
    accountId: String(subject.payload['accountId']),
    // the person's grant: when it ends, this token ends
    grantId: String(subject.payload['grantId']),
    gty: tokenExchangeGrantType,
    expiresWithSession: false,
    resourceServer: new provider.ResourceServer(request.target, info)
  })
  if (certificate !== undefined) token.setThumbprint('x5t', certificate)
  if (dpop !== undefined) token.setThumbprint('jkt', dpop.thumbprint)

  const now = Math.floor(deps.now().getTime() / 1000)
  const verdict = judgeExchange({
    entry: deps.policy.find(client.clientId, request.target, subject.audience),
    caller: client.clientId,
    issuer: deps.issuer,
    subject,
    actor,
    receives: audience => deps.resources.introspectionClientOf(audience) === client.clientId,
    proved: token,
    requested: request.scopes,
    available: info.scope.split(' ').filter(Boolean),
    lifetimeSeconds: info.accessTokenTTL,
    now
  })
  if (!verdict.ok) throw refusal(unit, { client, subject, target: request.target }, verdict)
  if (dpop !== undefined) {
    await checkDpopReplay(provider, ctx, dpop, client.clientId, errors.InvalidRequest)
  }

  const { act, via, exp, scopes } = verdict
  token.scope = scopes.join(' ')
  // never longer than the token that it came from
  token.exp = exp
  unit.exchanged = act === undefined ? { via } : { act, via }
  ctx.oidc.entity('AccessToken', token)
  const accessToken = await token.save()

  noteEffect(unit, {
    type: 'token.exchanged',
    accountId: token.accountId,
    clientId: client.clientId,
    data: {
      mode: verdict.mode,
      actor: verdict.actor,
      jti: token.jti,
      scope: scopes,
      resource: request.target,
      subjectJti: String(subject.payload['jti']),
      subjectClient: String(subject.payload['clientId']),
      from: subject.audience,
      actedBefore: subject.via.length > 0 ? [...subject.via] : undefined
    }
  })
  // RFC 8693 §2.2.1
  ctx.body = buildTokenResponse(provider, {
    accessToken,
    issuedTokenType: request.issuedTokenType,
    tokenType: token.tokenType,
    expiresIn: exp - now,
    scope: token.scope
  })
}

interface ExchangeRequest {
  subject_token: string
  actor_token: string | undefined
  target: string
  scopes: string[] | undefined
  issuedTokenType: string
}

/** Every parameter that comes once is a text that is not empty, or absent: the engine sees to that. */
function readRequest(params: Parameters): ExchangeRequest {
  const text = (name: keyof Parameters) => {
    const value = params[name]
    return typeof value === 'string' ? value : undefined
  }
  const subjectToken = text('subject_token')
  const actorToken = text('actor_token')
  if (subjectToken === undefined) throw invalid('subject_token is missing')
  if (!tokenTypes.has(params.subject_token_type)) {
    throw invalid(`subject_token_type must be ${accessTokenType}, or ${jwtTokenType}`)
  }
  // RFC 8693 §2.1: actor_token_type "is REQUIRED when the actor_token parameter is present in the request but MUST NOT be included otherwise"
  if (actorToken === undefined && params.actor_token_type !== undefined) {
    throw invalid('actor_token_type comes without actor_token')
  }
  if (actorToken !== undefined && !tokenTypes.has(params.actor_token_type)) {
    throw invalid(`actor_token_type must be ${accessTokenType}, or ${jwtTokenType}`)
  }
  const requestedType = params.requested_token_type ?? accessTokenType
  if (typeof requestedType !== 'string' || !tokenTypes.has(requestedType)) {
    throw invalid(`requested_token_type must be ${accessTokenType}, or ${jwtTokenType}`)
  }
  const scope = text('scope')
  return {
    subject_token: subjectToken,
    actor_token: actorToken,
    target: targetOf(params),
    scopes: scope === undefined ? undefined : scopesOf(scope),
    issuedTokenType: requestedType
  }
}

/** One resource, by either name: a token is for one audience. */
function targetOf({ audience, resource }: Parameters): string {
  const named = new Set([audience ?? [], resource ?? []].flat())
  const [target] = named
  if (target === undefined) throw invalid('name the API that the new token is for, by resource')
  if (named.size > 1) throw new errors.InvalidTarget('a token is for one resource: name one')
  if (!parseResource(target).ok) {
    throw new errors.InvalidTarget('resource must be an absolute URI without fragment')
  }
  return target
}

function scopesOf(scope: string): string[] {
  const parsed = parseScope(scope)
  if (parsed.ok) return parsed.scopes
  throw new errors.InvalidScope('scope must be names with one space between them', scope)
}

/** A live access token of ours, or the refusal. What it opens does not matter yet. */
async function verified(
  deps: TokenExchangeDependencies,
  unit: UnitOfWork,
  request: ExchangeRequest,
  name: 'subject_token' | 'actor_token'
): Promise<VerifiedAccessToken> {
  const token = await deps.accessTokens.verify(unit, request[name] ?? '')
  if (token !== undefined) return token
  throw invalid(
    `${name} is not a live access token of this server: it is unknown, expired, revoked or of another kind`
  )
}

/** A genuine token in the wrong hands is worth a line in the audit trail; noise is not. */
function refusal(
  unit: UnitOfWork,
  about: { client: EngineClient; subject: VerifiedAccessToken; target: string },
  { error, problem, scope }: Extract<ExchangeVerdict, { ok: false }>
) {
  const accountId = about.subject.payload['accountId']
  noteEvidence(unit, {
    type: 'token.refused',
    clientId: about.client.clientId,
    ...(typeof accountId === 'string' ? { accountId } : {}),
    data: { grantType: tokenExchangeGrantType, error, reason: problem }
  })
  const detail = `${about.subject.audience} to ${about.target}: ${problem}`
  return error === 'invalid_scope'
    ? new errors.InvalidScope(problem, scope ?? '', detail)
    : invalid(problem, detail)
}
