// Rules about resources: identifiers, scopes, and who may name them (RFC 8707 §2).
// A token's audience must open one API and nothing else, so a resource is never the issuer and has no OpenID scopes.

import { isOpenidScope } from '../oauth/scope.ts'
import { documentClients } from './client-document-schema.ts'
import { firstPartyClients } from './resource-schema.ts'
import type { Check } from './rule.ts'
import { duplicates, isPublicClient } from './rules-clients.ts'

// RFC 8707 §2: "Its value MUST be an absolute URI, as specified by Section 4.3 of [RFC3986]. The URI MUST NOT include a fragment
// component."
export const resourcesAreUris: Check = (config, place) =>
  config.resources
    .filter(({ identifier }) => !URL.canParse(identifier) || /[#\s]/.test(identifier))
    .map(resource => ({
      path: `${place(resource)}.identifier`,
      problem: 'must be an absolute URI without fragment (RFC 8707 §2)',
      fix: 'Use the address of the API, as in https://api.example.com.'
    }))

export const resourcesAreDistinct: Check = (config, place) => [
  ...duplicates(config.resources, ({ identifier }) => identifier, 'identifier', place),
  ...config.resources
    .filter(({ identifier }) => identifier.replace(/\/$/, '') === config.issuer)
    .map(resource => ({
      path: `${place(resource)}.identifier`,
      problem: 'is the issuer, whose tokens open userinfo: no API may take them',
      fix: 'Give the API an identifier of its own, as in https://api.example.com.'
    }))
]

export const resourcesHaveNoOpenIdScopes: Check = (config, place) =>
  config.resources.flatMap(resource =>
    Object.keys(resource.scopes)
      .filter(isOpenidScope)
      .map(scope => ({
        path: `${place(resource)}.scopes["${scope}"]`,
        problem: 'is a scope of OpenID Connect, which belongs to the account and to no API',
        fix: `Give the scope another name, as in read:${scope}.`
      }))
  )

export const optionalScopesAreScopes: Check = (config, place) =>
  config.resources.flatMap(resource =>
    resource.optionalScopes
      .filter(scope => !Object.hasOwn(resource.scopes, scope))
      .map(scope => ({
        path: `${place(resource)}.optionalScopes`,
        problem: `names ${scope}, which is not among its scopes`,
        fix: 'Name scopes that stand in `scopes` of the same resource.'
      }))
  )

export const resourceClientsAreNamed: Check = (config, place) =>
  config.resources.flatMap(resource =>
    resource.clients.flatMap((client, index) =>
      /^[A-Za-z0-9][!-~]*$/.test(client) || [firstPartyClients, documentClients].includes(client)
        ? []
        : [
            {
              path: `${place(resource)}.clients[${index}]`,
              problem: 'is no client id',
              fix: `Give ids of clients; ${firstPartyClients} stands for every first-party client, ${documentClients} for every metadata document.`
            }
          ]
    )
  )

export const resourceServersAreConfidential: Check = (config, place) => {
  const publicIds = new Set(config.clients.filter(isPublicClient).map(client => client.client_id))
  return config.resources
    .filter(({ introspectionClient }) => publicIds.has(introspectionClient ?? ''))
    .map(resource => ({
      path: `${place(resource)}.introspectionClient`,
      problem: 'is a public client, and introspection needs one that authenticates',
      fix: 'Name a client of the type `machine` or `web`.'
    }))
}
