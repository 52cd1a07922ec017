// Rules about the server itself: address, proxies, database, lifetimes, PKCE, pages.
// Owns combinations; single values are bounded by the schema.

import { isIP } from 'node:net'
import type { Problem } from './configuration-error.ts'
import type { Check } from './rule.ts'
import { isPublicClient } from './rules-clients.ts'

export const hostIsAnAddress: Check = config =>
  isIP(config.host) !== 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(config.host)
    ? []
    : [
        {
          path: 'host',
          problem: 'must be an address or a host name, without port or brackets',
          fix: 'Use 127.0.0.1 behind a proxy on the same machine, 0.0.0.0 in a container.'
        }
      ]

function isAddressOrRange(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/')
  const bits = isIP(address) === 4 ? 32 : 128
  if (isIP(address) === 0 || rest.length > 0) return false
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits)
}

export const proxiesAreAddresses: Check = config =>
  config.trustedProxies.flatMap((proxy, index): Problem[] => {
    const path = `trustedProxies[${index}]`
    if (!isAddressOrRange(proxy)) {
      return [
        {
          path,
          problem: 'must be an address or a CIDR range',
          fix: 'Give the address that the proxy connects from, as in 10.0.0.5 or 10.0.0.0/24.'
        }
      ]
    }
    // whoever connects could then name any address as their own
    if (!proxy.endsWith('/0')) return []
    return [
      {
        path,
        problem: 'trusts the whole internet',
        fix: 'Give the addresses that your proxies connect from, and no more.'
      }
    ]
  })

export const outboundIsNamed: Check = config =>
  config.outbound.allowed.flatMap((place, index): Problem[] => {
    const path = `outbound.allowed[${index}]`
    if (!isAddressOrRange(place) && !/^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/.test(place)) {
      return [
        {
          path,
          problem: 'must be a host name in small letters, an address or a CIDR range',
          fix: 'Write it without scheme and port, as in keys.internal or 10.0.0.0/24.'
        }
      ]
    }
    if (!place.endsWith('/0')) return []
    return [
      {
        path,
        problem: 'allows everything, the cloud’s metadata service included',
        fix: 'Name the hosts or ranges that are meant.'
      }
    ]
  })

export const documentHostsAreNamed: Check = config =>
  config.clientMetadataDocuments.hosts.flatMap((host, index) =>
    URL.parse(`https://${host}/`)?.host === host
      ? []
      : [
          {
            path: `clientMetadataDocuments.hosts[${index}]`,
            problem: 'must be a host in small letters, with its port where that is not 443',
            fix: 'Write it as it stands in the client_id, as in app.example.com or app.example.com:8443.'
          }
        ]
  )

export const databaseIsComplete: Check = ({ database }) => {
  const problems: Problem[] = []
  for (const name of ['url', 'directUrl'] as const) {
    const value = database[name]
    if (value === undefined || /^(postgres|postgresql):\/\//.test(value)) continue
    problems.push({
      path: `database.${name}`,
      problem: 'must be a URL that starts with postgres://',
      fix: 'Write it as postgres://user:password@host:5432/database.'
    })
  }
  if (database.directUrl !== undefined && database.url === undefined) {
    problems.push({
      path: 'database.directUrl',
      problem: 'is given without database.url',
      fix: 'Set DATABASE_URL as well; the direct one is only for migrations and notifications.'
    })
  }
  if (database.embedded && database.url !== undefined) {
    problems.push({
      path: 'database.embedded',
      problem: 'is true, and database.url names another database',
      fix: 'Unset DATABASE_URL to use the embedded one, or MINTMARK_DATABASE__EMBEDDED to use yours.'
    })
  }
  return problems
}

export const refreshTimesFit: Check = ({ refreshTokens }) => {
  const problems: Problem[] = []
  if (refreshTokens.idleSeconds > refreshTokens.absoluteSeconds) {
    problems.push({
      path: 'refreshTokens.idle',
      problem: 'is longer than refreshTokens.absolute, so it would never end anything',
      fix: 'Make it at most as long.'
    })
  }
  if (refreshTokens.publicLeewaySeconds > refreshTokens.leewaySeconds) {
    problems.push({
      path: 'refreshTokens.publicLeeway',
      problem: 'is longer than refreshTokens.leeway, though public clients prove nothing',
      fix: 'Make it at most as long.'
    })
  }
  return problems
}

export const sessionTimesFit: Check = ({ sessions }) =>
  sessions.idleSeconds <= sessions.absoluteSeconds
    ? []
    : [
        {
          path: 'sessions.idle',
          problem: 'is longer than sessions.absolute, so it would never end anything',
          fix: 'Make it at most as long.'
        }
      ]

/** So many keys of one algorithm may be published at once, and so many versions of a secret be known. */
const mostKeys = 30

export const keyTimesFit: Check = ({ keys, idTokens, sessions, refreshTokens }) => {
  const problems: Problem[] = []
  if (keys.publishAheadSeconds < 2 * keys.cacheLifetimeSeconds) {
    // OpenID Connect Core §10.1.1: verifiers keep the set, so a key that signs too early is refused by those that kept the old one
    problems.push({
      path: 'keys.publishAhead',
      problem:
        'is shorter than two times keys.cacheLifetime, so a new key would sign while verifiers keep a set without it',
      fix: 'Make it at least twice as long, or shorten keys.cacheLifetime.'
    })
  }
  if (keys.publishAheadSeconds > keys.rotationIntervalSeconds) {
    problems.push({
      path: 'keys.publishAhead',
      problem: 'is longer than keys.rotationInterval, so a new key would never be ready in time',
      fix: 'Make it at most as long.'
    })
  }
  const kept = Math.max(
    idTokens.lifetimeSeconds,
    sessions.absoluteSeconds,
    refreshTokens.absoluteSeconds
  )
  if (kept > mostKeys * keys.rotationIntervalSeconds) {
    problems.push({
      path: 'keys.rotationInterval',
      problem: `is so short that more than ${mostKeys} keys would be kept at once: what they made lives longer`,
      fix: 'Make it longer, or shorten sessions.absolute and refreshTokens.absolute.'
    })
  }
  return problems
}
export const statusListTimesFit: Check = ({ statusLists }) =>
  statusLists.lifetimeSeconds >= 3 * statusLists.ttlSeconds
    ? []
    : [
        {
          path: 'statusLists.lifetime',
          problem: 'is less than three times statusLists.ttl: a copy out of a cache could be dead',
          fix: 'Make it longer, or statusLists.ttl shorter.'
        }
      ]

export const pkceExemptionIsConfidential: Check = config => {
  const { exemptClient } = config.pkce
  const client = config.clients.find(({ client_id }) => client_id === exemptClient)
  if (client === undefined) return []
  if (isPublicClient(client)) {
    // RFC 9700 §2.1.1: "Public clients MUST use PKCE"
    return [
      {
        path: 'pkce.exemptClient',
        problem: 'is a public client, which must use PKCE (RFC 9700 §2.1.1)',
        fix: 'Remove the key; only a confidential client may be exempt.'
      }
    ]
  }
  if (client.profile === undefined) return []
  return [
    {
      path: 'pkce.exemptClient',
      problem: `has the profile ${client.profile}, which asks for PKCE`,
      fix: 'Remove the key, or the profile of that client.'
    }
  ]
}

export const logoIsAFile: Check = ({ product }) =>
  product.logo === undefined ||
  (!/\b(https?:\/|data:)/.test(product.logo) && /\.(svg|png|webp|jpe?g)$/i.test(product.logo))
    ? []
    : [
        {
          path: 'product.logo',
          problem: 'must be an image file on this machine (svg, png, webp, jpg)',
          fix: 'Download it and give its path: pages load nothing from other hosts.'
        }
      ]
