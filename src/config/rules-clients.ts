// Rules about the clients and accounts of the file, across entries. What one client's metadata may say is the clients' own policy.
// A client id must never pass for an account, a resource or a metadata document (RFC 9700 §4.15).

import { createPublicKey } from 'node:crypto'
import type { Problem } from './configuration-error.ts'
import { firstPartyClients } from './resource-schema.ts'
import type { Check, Place } from './rule.ts'
import type { ConfiguredClient } from './schema.ts'
import { looksRandom, randomSecretAdvice } from './secret-strength.ts'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** True if the client cannot keep a secret, as far as the file says. */
export function isPublicClient(client: ConfiguredClient): boolean {
  const method = client.token_endpoint_auth_method
  if (method !== undefined) return method === 'none'
  return client.type === 'spa' || client.type === 'native'
}

/** Problems of entries whose `key` another one has already. */
export function duplicates<Entry extends object>(
  entries: readonly Entry[],
  key: (entry: Entry) => string,
  name: string,
  place: Place
): Problem[] {
  const first = new Map<string, Entry>()
  return entries.flatMap(entry => {
    const earlier = first.get(key(entry))
    first.set(key(entry), earlier ?? entry)
    if (earlier === undefined) return []
    return [
      {
        path: `${place(entry)}.${name}`,
        problem: `is the same as that of ${place(earlier)}`,
        fix: 'Remove one of the two, or give it another.'
      }
    ]
  })
}

export const clientIdsAreDistinct: Check = (config, place) =>
  duplicates(config.clients, client => client.client_id, 'client_id', place)

// RFC 9700 §4.15: "the authorization server SHOULD NOT allow clients to influence their client_id or any other claim that could cause
// confusion with a genuine resource owner."
export const clientIdsAreNotSubjects: Check = (config, place) => {
  const resources = new Set(config.resources.map(({ identifier }) => identifier))
  const kinds: readonly [(id: string) => boolean, string][] = [
    [id => uuid.test(id), 'looks like a UUID, as the identifiers of accounts do'],
    [
      id => /^https:\/\//i.test(id),
      'starts with https://, which is kept for client metadata documents'
    ],
    [
      id => resources.has(id),
      'is the identifier of a resource, so that one would pass as the other'
    ]
  ]
  return config.clients.flatMap(client => {
    const kind = kinds.find(([isOne]) => isOne(client.client_id))
    if (kind === undefined) return []
    return [
      {
        path: `${place(client)}.client_id`,
        problem: kind[1],
        fix: 'Give the client a name of its own, as in `billing`.'
      }
    ]
  })
}

export const defaultResourcesAreDeclared: Check = (config, place) => {
  const resources = new Map(config.resources.map(each => [each.identifier, each]))
  return config.clients.flatMap(client => {
    const { client_id: id, default_resource: wanted, first_party: firstParty } = client
    if (wanted === undefined) return []
    const path = `${place(client)}.default_resource`
    const resource = resources.get(wanted)
    if (resource === undefined) {
      const problem = 'is not the identifier of a declared resource'
      const fix =
        'Declare the resource in `resources` (MINTMARK_RESOURCES), or name one that is there.'
      return [{ path, problem, fix }]
    }
    const { clients } = resource
    if (clients.includes(id) || (firstParty === true && clients.includes(firstPartyClients))) {
      return []
    }
    // every request of the client would be refused as invalid_target
    const problem = 'names a resource that this client may not ask for'
    return [{ path, problem, fix: `Add ${id} to the resource's \`clients\`.` }]
  })
}

// secrets are stored as a plain SHA-256, so a guessable one could be read out of a copy of the database
export const secretsAreRandom: Check = (config, place) =>
  config.clients
    .filter(client => client.client_secret !== undefined)
    .filter(client => !looksRandom(client.client_secret ?? ''))
    .map(client => ({
      path: `${place(client)}.client_secret`,
      problem: 'is not random enough to be stored',
      fix: randomSecretAdvice
    }))

export const statementSignersAreSound: Check = config => {
  const { softwareStatements } = config.registration
  const issuers = softwareStatements.map(({ issuer }) => issuer)
  return softwareStatements.flatMap(({ issuer, jwks }, index) => {
    const path = `registration.softwareStatements[${index}]`
    const fix = 'Give the public keys (RFC 7517 §4) of whoever signs, under one entry an issuer.'
    if (issuers.indexOf(issuer) < index) {
      return [{ path: `${path}.issuer`, problem: 'stands there twice', fix }]
    }
    return jwks.keys.flatMap((key, place) =>
      isPublicKey(key)
        ? []
        : [{ path: `${path}.jwks.keys[${place}]`, problem: 'is no public key', fix }]
    )
  })
}

/** Asymmetric, and without its private half: whoever reads this file could sign with that. */
function isPublicKey(key: Record<string, unknown>): boolean {
  if (key['d'] !== undefined || key['k'] !== undefined) return false
  try {
    return createPublicKey({ key, format: 'jwk' }).type === 'public'
  } catch {
    return false
  }
}

export const publicClientsHaveNoSecret: Check = (config, place) =>
  config.clients
    .filter(client => client.client_secret !== undefined && isPublicClient(client))
    .map(client => ({
      path: `${place(client)}.client_secret`,
      problem: 'is given to a public client, which cannot keep it',
      fix: 'Remove the secret; or, if it runs on a server, give the client the type `web` or `machine`.'
    }))

export const accountsAreDistinct: Check = (config, place) =>
  duplicates(config.accounts, account => account.login.toLowerCase(), 'login', place)
