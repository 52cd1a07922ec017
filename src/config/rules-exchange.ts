// Rules about token exchange (RFC 8693): every name in an entry is one that is there, and no way through the entries, however long, opens
// a scope of a resource to somebody who came with another scope of the same resource. So an exchange only ever narrows.

import { isScopeToken } from '../oauth/scope.ts'
import { tokenExchangeGrantType } from '../oauth/token-exchange.ts'
import type { Problem } from './configuration-error.ts'
import type { Check, Place } from './rule.ts'
import { isPublicClient } from './rules-clients.ts'
import type { Config, Resource } from './schema.ts'

type Entry = Resource['exchange'][number]

/** Looks at each entry with the place where it stands. */
function each(
  config: Config,
  place: Place,
  check: (entry: Entry, at: string, resource: Resource) => Problem[]
): Problem[] {
  return config.resources.flatMap(resource =>
    resource.exchange.flatMap((entry, index) =>
      check(entry, `${place(resource)}.exchange[${index}]`, resource)
    )
  )
}

export const exchangesNameClients: Check = (config, place) => {
  const declared = new Map(config.clients.map(client => [client.client_id, client]))
  return each(config, place, ({ client: id, actors }, at) => {
    const client = declared.get(id)
    const problems: Problem[] = actors
      .map((actor, index) => ({ path: `${at}.actors[${index}]`, type: declared.get(actor)?.type }))
      .filter(({ type }) => type !== undefined && type !== 'machine')
      .map(({ path }) => ({
        path,
        problem: 'is no machine client, and only such a one has a token of its own',
        fix: 'Name a client of the type `machine`, or leave it out.'
      }))
    // one that is not declared may be of the command line, and is judged when it comes
    if (client === undefined) return problems
    if (isPublicClient(client)) {
      const problem = 'is a public client, and an exchange needs one that authenticates'
      const fix = 'Name a client of the type `machine` or `web`.'
      problems.push({ path: `${at}.client`, problem, fix })
    } else if (!client.grant_types?.includes(tokenExchangeGrantType)) {
      const problem = 'names a client that may not exchange tokens'
      const fix = `Add ${tokenExchangeGrantType} to the client's \`grant_types\`.`
      problems.push({ path: `${at}.client`, problem, fix })
    }
    return problems
  })
}

export const exchangesNameResources: Check = (config, place) => {
  const declared = new Set(config.resources.map(({ identifier }) => identifier))
  return each(config, place, ({ from }, at) =>
    from.flatMap((source, index) =>
      declared.has(source)
        ? []
        : [
            {
              path: `${at}.from[${index}]`,
              problem: 'is not the identifier of a declared resource',
              fix:
                source === config.issuer
                  ? 'A token for the issuer opens userinfo and is nobody’s to pass on: let the client ask for the resource when the person signs in.'
                  : 'Declare the resource in `resources` (MINTMARK_RESOURCES), or name one that is there.'
            }
          ]
    )
  )
}

export const exchangesKnowTheirScopes: Check = (config, place) => {
  const scopesOf = new Map(
    config.resources.map(({ identifier, scopes }) => [identifier, Object.keys(scopes)])
  )
  return each(config, place, ({ from, scopes }, at, resource) => {
    const sources = new Set(from.flatMap(source => scopesOf.get(source) ?? []))
    return Object.entries(scopes).flatMap(([scope, opened]) => {
      const path = `${at}.scopes["${scope}"]`
      const problems: Problem[] = opened
        .map((name, index) => ({ name, path: `${path}[${index}]` }))
        .filter(({ name }) => isScopeToken(name) && !Object.hasOwn(resource.scopes, name))
        .map(({ path }) => ({
          path,
          problem: 'is no scope of this resource',
          fix: 'Declare it in the `scopes` of the resource, or name one that is there.'
        }))
      if (!sources.has(scope) && from.every(source => scopesOf.has(source))) {
        const problem = 'is no scope of a resource in `from`'
        const fix = 'Name a scope that the tokens of `from` can have.'
        problems.push({ path, problem, fix })
      }
      return problems
    })
  })
}

export const exchangesAreDistinct: Check = (config, place) => {
  const seen = new Map<string, string>()
  return each(config, place, ({ client, from }, at, resource) =>
    from.flatMap((source, index) => {
      const path = `${at}.from[${index}]`
      const key = JSON.stringify([resource.identifier, client, source])
      const earlier = seen.get(key)
      seen.set(key, earlier ?? path)
      if (earlier === undefined) return []
      const fix = 'Make one entry of the two: which of them holds must not depend on their order.'
      return [{ path, problem: `is the same, for the same client, as ${earlier}`, fix }]
    })
  )
}

/** A scope of a resource, as one word. */
const node = (identifier: string, scope: string) => JSON.stringify([identifier, scope])

/** Every scope to which entries lead, from each scope in one step. */
function stepsOf(config: Config): Map<string, Set<string>> {
  const steps = new Map<string, Set<string>>()
  for (const { identifier, exchange } of config.resources) {
    for (const { from, scopes } of exchange) {
      for (const source of from) {
        for (const [scope, opened] of Object.entries(scopes)) {
          const known = steps.get(node(source, scope)) ?? new Set()
          for (const name of opened) known.add(node(identifier, name))
          steps.set(node(source, scope), known)
        }
      }
    }
  }
  return steps
}

export const exchangesNeverWiden: Check = (config, place) => {
  const steps = stepsOf(config)
  function reached(start: string): Set<string> {
    const found = new Set<string>()
    const open = [start]
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      for (const next of steps.get(at) ?? []) {
        if (!found.has(next)) open.push(next)
        found.add(next)
      }
    }
    return found
  }
  return config.resources.flatMap(resource => {
    const scopes = Object.keys(resource.scopes)
    return scopes.flatMap(scope => {
      const ways = reached(node(resource.identifier, scope))
      const wider = scopes.filter(
        other => other !== scope && ways.has(node(resource.identifier, other))
      )
      return wider.map(other => ({
        path: `${place(resource)}.scopes["${scope}"]`,
        problem: `leads to the scope ${other} of the same resource by way of \`exchange\``,
        fix: 'An exchange only narrows: take a step out of that way.'
      }))
    })
  })
}
