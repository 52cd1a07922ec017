// What a person chooses on the consent page beside yes and no: which of the optional scopes, and for how long. Owns which scopes are
// optional, and as what a person knows a client. Refuses what was not on the page: a scope that is ticked and was not offered is nobody's
// choice, and a required one is not looked at in a form.

import type { RegisteredClient } from '../clients/client.ts'
import { isOpenidScope, scopeAt } from '../oauth/scope.ts'
import type { ConsentedScopes } from '../store/consents.ts'
import type { ConsentAnswer } from './ports.ts'
import type { ResourceCatalogue } from './resources.ts'

/** A permission that ends by itself. */
const sevenDays = 7 * 86_400

/**
 * Those of `scopes` that a person may leave out: what is told of them, and access that lasts, unless this client cannot do without
 * (`required_scopes`); and of an API what its operator calls optional. Who somebody is, is never optional: nobody would be signed in.
 */
export function optionalOf(
  { openid, resources }: ConsentedScopes,
  client: RegisteredClient,
  catalogue: Pick<ResourceCatalogue, 'optionalScopesOf'>
): ConsentedScopes {
  const required = new Set(['openid', ...(client.metadata.required_scopes?.split(' ') ?? [])])
  return {
    openid: openid.filter(scope => isOpenidScope(scope) && !required.has(scope)),
    resources: Object.fromEntries(
      Object.entries(resources).map(([identifier, scopes]) => {
        const optional = catalogue.optionalScopesOf(identifier)
        return [identifier, scopes.filter(scope => optional.has(scope) && !required.has(scope))]
      })
    )
  }
}

/** Of what was offered, what was not ticked. */
export function declinedOf(
  { openid, resources }: ConsentedScopes,
  { ticked }: Pick<ConsentAnswer, 'ticked'>
): ConsentedScopes {
  const there = new Set(ticked)
  return {
    openid: openid.filter(scope => !there.has(scopeAt(scope))),
    resources: Object.fromEntries(
      Object.entries(resources).map(([identifier, scopes]) => [
        identifier,
        scopes.filter(scope => !there.has(scopeAt(scope, identifier)))
      ])
    )
  }
}

/**
 * The same, at each of these resources: a scope of OpenID Connect that was declined is declined at the issuer's own audience, too, where the
 * engine counts it a second time (provider.ts).
 */
export function declinedAt(
  { openid, resources }: ConsentedScopes,
  asked: Readonly<Record<string, readonly string[]>>
): ConsentedScopes {
  return {
    openid,
    resources: Object.fromEntries(
      Object.entries(asked).map(([identifier, scopes]) => [
        identifier,
        scopes.filter(
          scope => openid.includes(scope) || resources[identifier]?.includes(scope) === true
        )
      ])
    )
  }
}

/** Undefined: until it is removed. */
export function secondsOf({ lasts }: Pick<ConsentAnswer, 'lasts'>): number | undefined {
  return lasts === 'seven days' ? sevenDays : undefined
}

/**
 * As what the person who consents knows the client: by the host that the answer goes to, and, where the client says itself what it is called,
 * by that name. What was consented to counts for these; a client that changes them is asked about again. Undefined: by nothing that could
 * change, such as a device of a client that the operator registered.
 */
export function knownAs(client: RegisteredClient, redirectUri: unknown): string | undefined {
  const url = typeof redirectUri === 'string' ? URL.parse(redirectUri) : null
  const host = url?.protocol === 'https:' ? url.host : ''
  if (client.owner !== 'registration') return host === '' ? undefined : host
  return `${host} ${JSON.stringify(client.metadata.client_name ?? '')}`
}
