// Backchannel authentication (OpenID Connect CIBA Core 1.0) as the engine asks about it: who a hint names, what a request may say to the person,
// and what happens when it was accepted: it waits for that person at `/approve`. A client that asks is one that the operator gave the grant
// type; even so it learns no more of who has an account than the specification makes us say, and cannot ask anybody again and again.

import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import { deliveryModes } from '../clients/backchannel-members.ts'
import type { Config } from '../config/schema.ts'
import { digest } from '../lib/secret.ts'
import type { AttemptStore } from '../store/attempts.ts'
import type { BackchannelRequestStore } from '../store/backchannel-requests.ts'
import { artifactId } from './artifact-adapter.ts'
import type { ArtifactBuckets } from './artifact-buckets.ts'
import type { BackchannelFeature } from './features.ts'
import { noteEffect, noteEvidence, type UnitOfWorkRunner } from './unit-of-work.ts'

export const requestKind = 'BackchannelAuthenticationRequest'

/** Names that nobody has, of one client in an hour: who mistypes has enough of them, who reads a list of addresses has not. */
const unknownNames = { limit: 100, windowSeconds: 3_600 } as const

/**
 * CIBA Core §7.1: "The binding message SHOULD be relatively short and SHOULD use a limited set of plain text characters". It stands on a page of
 * ours in words of a client's: enough for "4TX-28K" or "Till 12, order 93", and neither a sentence nor an address.
 */
const bindingMessage = /^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N} ,.#+-]{0,38}[\p{L}\p{M}\p{N}#+.])?$/u

export interface BackchannelDependencies {
  config: Pick<Config, 'ciba'>
  units: Pick<UnitOfWorkRunner, 'current'>
  attempts: Pick<AttemptStore, 'claim' | 'giveBack'>
  requests: Pick<BackchannelRequestStore, 'saveStatements'>
  buckets: Pick<ArtifactBuckets, 'of'>
  /** by login or id; undefined for unknown and disabled accounts */
  accountNamed(name: string): Promise<{ id: string } | undefined>
  address(ctx: KoaContextWithOIDC): string | undefined
}

export function backchannelAuthentication(deps: BackchannelDependencies): BackchannelFeature {
  const { units, attempts } = deps

  function unitOf() {
    const unit = units.current()
    if (unit === undefined) throw new Error('no unit of work')
    return unit
  }

  function refuse(ctx: KoaContextWithOIDC, reason: 'unknown_user' | 'throttled') {
    const clientId = ctx.oidc.client?.clientId
    noteEvidence(unitOf(), { type: 'backchannel.refused', clientId, data: { reason } })
  }

  return {
    enabled: deps.config.ciba.enabled,
    deliveryModes: [...deliveryModes],

    async processLoginHint(ctx, hint = '') {
      const key = digest('client', ctx.oidc.client?.clientId ?? '')
      const claim = await attempts.claim('ciba.unknown', key, unknownNames)
      if (!claim.ok) {
        // once per window: a flood must not fill the audit trail
        if (claim.crossed) refuse(ctx, 'throttled')
        throw denied('this client has named too many people whom nobody knows here')
      }
      const account = await deps.accountNamed(hint)
      if (account === undefined) {
        refuse(ctx, 'unknown_user')
        return undefined
      }
      await attempts.giveBack('ciba.unknown', key, unknownNames)
      return account.id
    },

    processLoginHintToken() {
      throw new errors.InvalidRequest(
        'send login_hint or id_token_hint: login_hint_token is not taken'
      )
    },

    validateBindingMessage(_ctx, message) {
      if (message === undefined || bindingMessage.test(message)) return
      throw new errors.InvalidBindingMessage(
        'binding_message is letters, digits, blanks and , . # + - of 40 characters at most'
      )
    },

    // FAPI-CIBA §5.3: what else a client tells about the occasion; nothing here goes by it, so it is not kept
    validateRequestContext(ctx) {
      if (ctx.oidc.params !== undefined) ctx.oidc.params['request_context'] = undefined
    },

    // there are none: a client that is registered with them is refused (clients/backchannel-members.ts)
    verifyUserCode() {},

    triggerAuthenticationDevice(ctx, request, account, client) {
      const unit = unitOf()
      const { accountId } = account
      const { clientId } = client
      const bucket = deps.buckets.of(requestKind, request.jti)
      if (typeof bucket !== 'number') throw new Error('the request does not tell where it is')
      unit.effects.push(
        ...deps.requests.saveStatements({
          ...{ accountId, clientId, bucket },
          artifact: artifactId(requestKind, request.jti),
          address: deps.address(ctx),
          lifetimeSeconds: request.expiration
        })
      )
      const message = ctx.oidc.params?.['binding_message']
      noteEffect(unit, {
        type: 'backchannel.started',
        ...{ accountId, clientId },
        data: {
          scope: [...ctx.oidc.requestParamScopes],
          bindingMessage: typeof message === 'string' ? message : undefined
        }
      })
    }
  }
}

/** Seconds that a request lives: what the client asked for, and never more than is configured. */
export function requestSeconds({ ciba }: Pick<Config, 'ciba'>, ctx: KoaContextWithOIDC): number {
  const asked = Number(ctx.oidc?.params?.['requested_expiry'] ?? ciba.lifetimeSeconds)
  return Math.min(asked, ciba.lifetimeSeconds)
}

/** CIBA Core §13: with status 403. */
function denied(description: string) {
  return Object.assign(new errors.AccessDenied(description), { status: 403, statusCode: 403 })
}
