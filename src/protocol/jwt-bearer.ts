// The JWT bearer grant (RFC 7523 §2.1): an assertion that a trusted issuer made about a person, for an access token of that person at an
// API. Hostile input: whoever holds such an assertion and a client's credentials acts for somebody who is not there. So the assertion is
// for this server alone, lives five minutes at most, is good once, and counts only where the client's own list names its subject. No
// refresh token and no ID token: whoever wants more asks the issuer again. Each token has a grant, which revocation reaches.

import { errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider'
import {
  buildTokenResponse,
  checkDpopReplay,
  checkDpopRequired,
  checkMtlsCert,
  validateDpop
} from 'oidc-provider/lib/helpers/grants.js'
import { grantFor, jwtBearerGrantType } from '../clients/assertion-grants.ts'
import type { RegisteredClient } from '../clients/client.ts'
import type { TrustedIssuers } from '../clients/trusted-issuers.ts'
import type { ForeignToken } from '../clients/workload-identity.ts'
import { commonScopes, missingScopes, parseScope } from '../oauth/scope.ts'
import type { ReplayStore } from '../store/replay.ts'
import { clockToleranceSeconds } from './access-tokens.ts'
import { epochOf, isPublic } from './client-authentication.ts'
import type { ResourceCatalogue } from './resources.ts'
import { noteEffect, type UnitOfWorkRunner } from './unit-of-work.ts'

/** Longest life of an assertion that is good once, seconds: its issuer does not decide how long its `jti` is remembered. */
const longestAssertionSeconds = 300
/** Its record outlives it by every clock that is tolerated. */
const replaySeconds = longestAssertionSeconds + 4 * clockToleranceSeconds
const longestJti = 255

export interface JwtBearerDependencies {
  issuer: string
  issuers: TrustedIssuers
  resources: Pick<ResourceCatalogue, 'infoFor' | 'defaultFor'>
  replay: ReplayStore
  units: Pick<UnitOfWorkRunner, 'current'>
  registeredOf(client: NonNullable<KoaContextWithOIDC['oidc']['client']>): RegisteredClient
  /** by login or id; undefined for unknown and disabled accounts */
  findAccount(name: string): Promise<{ id: string } | undefined>
  restoredAt: Date | undefined
  now: () => Date
}

export function registerJwtBearer(provider: Provider, deps: JwtBearerDependencies): void {
  const { issuer, issuers, resources, units } = deps
  const epoch = () => Math.floor(deps.now().getTime() / 1000)

  /** The assertion, judged as far as it can be without the client. @throws InvalidGrant */
  async function verified(jwt: unknown): Promise<ForeignToken & { jti: string }> {
    if (typeof jwt !== 'string' || jwt === '') {
      throw new errors.InvalidRequest('assertion must be provided')
    }
    const outcome = await issuers.verify(jwt, 'grant')
    if (!outcome.ok) throw new errors.InvalidGrant(outcome.reason)
    const { token } = outcome
    const { aud, exp, iat, jti } = token.claims
    // RFC 7523bis §4: the issuer identifier as the sole value; as a text, since a list has room for others
    if (aud !== issuer) throw new errors.InvalidGrant('aud must be the issuer, as a string')
    if (Number(exp) > epoch() + longestAssertionSeconds) {
      throw new errors.InvalidGrant(`exp lies more than ${longestAssertionSeconds} s ahead`)
    }
    if (typeof jti !== 'string' || jti === '' || jti.length > longestJti) {
      throw new errors.InvalidGrant('the assertion has no jti, or a long one')
    }
    const restored = epochOf(deps.restoredAt)
    // what was used once before, a restored database has forgotten
    if (epoch() < restored + replaySeconds && !(Number(iat) >= restored)) {
      throw new errors.InvalidGrant('sign a new assertion, with iat')
    }
    return { ...token, jti }
  }

  /** The one API that the token is for, and what of the request may be granted there. */
  function requested(
    ctx: KoaContextWithOIDC,
    client: RegisteredClient,
    allowed: readonly string[]
  ) {
    const { resource = resources.defaultFor(client), scope } = ctx.oidc.params ?? {}
    if (typeof resource !== 'string') {
      throw new errors.InvalidTarget('a token is for one resource')
    }
    if (resource === issuer) throw new errors.InvalidTarget('name the resource of an API')
    const info = resources.infoFor(resource, client)
    const here = commonScopes(info.scope.split(' '), allowed)
    const parsed = typeof scope === 'string' ? parseScope(scope) : undefined
    const wanted = parsed?.ok === true ? parsed.scopes : here
    const missing = missingScopes(wanted, here)
    if (missing.length > 0 || wanted.length === 0) {
      const text = 'this client may not have the scope at this resource by an assertion'
      throw new errors.InvalidScope(text, missing.join(' '))
    }
    return { resource, info, scope: wanted.join(' ') }
  }

  async function handle(ctx: KoaContextWithOIDC): Promise<void> {
    const { client, params } = ctx.oidc
    const unit = units.current()
    if (client === undefined || unit === undefined) throw new Error('no client, or no unit of work')
    const grantContext = ctx as unknown as Parameters<typeof validateDpop>[1]
    // RFC 7523 §2.1 leaves client authentication open; without it, an assertion that leaked would be enough
    if (isPublic(client)) throw new errors.InvalidClientAuth('a public client proves nothing')
    const row = deps.registeredOf(client)

    const proof = await validateDpop(provider, grantContext)
    const certificate = checkMtlsCert(provider, grantContext)
    checkDpopRequired(provider, grantContext, proof)
    const token = await verified(params?.['assertion'])
    const granted = grantFor(row.metadata.assertion_grants ?? [], token.issuer, token.subject)
    const whose = `${token.issuer} for ${JSON.stringify(token.subject)}`
    if (granted === undefined) {
      throw new errors.InvalidGrant(
        `the assertion of ${whose} is in no assertion_grants of the client`
      )
    }
    const { resource, info, scope } = requested(ctx, row, granted.scopes)
    const account = await deps.findAccount(granted.account)
    if (account === undefined) {
      throw new errors.InvalidGrant(`the assertion of ${whose} is of an account that is not there`)
    }
    // last of all: a request that is refused for something else does not use it up
    const claimed = await deps.replay.claim(
      'grant assertion',
      token.issuer,
      token.jti,
      replaySeconds
    )
    if (claimed !== 'first') throw new errors.InvalidGrant('the assertion was used already')

    const grant = new provider.Grant({
      accountId: account.id,
      clientId: client.clientId,
      // nothing but this token hangs on it
      ...{ expiresIn: info.accessTokenTTL + 4 * clockToleranceSeconds }
    })
    grant.addResourceScope(resource, scope)
    const grantId = await grant.save()
    const access = new provider.AccessToken({
      accountId: account.id,
      client,
      expiresWithSession: false,
      grantId,
      gty: 'jwt_bearer',
      scope
    })
    access.resourceServer = new provider.ResourceServer(resource, info)
    if (certificate !== undefined) access.setThumbprint('x5t', certificate as string)
    if (proof !== undefined) {
      await checkDpopReplay(provider, grantContext, proof, client.clientId)
      access.setThumbprint('jkt', proof.thumbprint)
    }
    ctx.oidc.entity('AccessToken', access)
    ctx.body = buildTokenResponse(provider, {
      accessToken: await access.save(),
      expiresIn: access.expiration,
      scope,
      tokenType: access.tokenType
    })
    noteEffect(unit, {
      type: 'grant.created',
      accountId: account.id,
      clientId: client.clientId,
      data: {
        grantId,
        scope: scope.split(' '),
        resource,
        assertionIssuer: token.issuer,
        assertionSubject: token.subject
      }
    })
  }

  provider.registerGrantType(
    jwtBearerGrantType,
    handle,
    // the last one so that it is refused, and not passed over (authorization-details.ts)
    ['assertion', 'scope', 'resource', 'authorization_details'],
    ['resource']
  )
}
