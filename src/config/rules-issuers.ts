// Rules about the issuers whose tokens are trusted: that each is one, is somebody else, and can be asked for its keys.
// What a client may name of them is the clients' own policy.

import type { Problem } from './configuration-error.ts'
import type { Check } from './rule.ts'
import { duplicates } from './rules-clients.ts'
import { isLoopback } from './rules-mode.ts'

// SPIFFE-ID §2.1: a trust domain name has letters, digits, dots, dashes and underscores
const trustDomain = /^spiffe:\/\/[a-z0-9._-]{1,255}$/

/** A place to fetch from: https, and in development http on this machine. */
export function isFetchable(text: string, mode: 'development' | 'production'): boolean {
  const url = URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '' || text.includes('#')) return false
  if (url.protocol === 'https:') return true
  return mode === 'development' && url.protocol === 'http:' && isLoopback(url.hostname)
}

export const trustedIssuersAreDistinct: Check = (config, place) => [
  ...duplicates(config.trustedIssuers, ({ issuer }) => issuer, 'issuer', place),
  ...config.trustedIssuers
    .filter(({ issuer }) => issuer.replace(/\/$/, '') === config.issuer)
    .map(trusted => ({
      path: `${place(trusted)}.issuer`,
      problem: 'is this server itself, whose tokens would then authenticate its clients',
      fix: 'Name the issuer of the workloads.'
    }))
]

export const trustedIssuersCanBeAsked: Check = (config, place) =>
  config.trustedIssuers.flatMap((trusted): Problem[] => {
    const { issuer, jwksUri } = trusted
    const isDomain = trustDomain.test(issuer)
    const problems: Problem[] = []
    if (!isDomain && (issuer.includes('?') || !isFetchable(issuer, config.mode))) {
      problems.push({
        path: `${place(trusted)}.issuer`,
        problem: 'must be an https URL without query, or a trust domain as in spiffe://example.org',
        fix: 'Take it from `iss` of one of its tokens.'
      })
    }
    if (isDomain && jwksUri === undefined) {
      problems.push({
        path: `${place(trusted)}.jwksUri`,
        problem: 'is missing: a trust domain does not say where its keys are',
        fix: 'Give the address of its bundle endpoint.'
      })
    }
    if (jwksUri !== undefined && !isFetchable(jwksUri, config.mode)) {
      problems.push({
        path: `${place(trusted)}.jwksUri`,
        problem: 'must be an https URL',
        fix: 'Keys that come over plain http could be anybody’s.'
      })
    }
    return problems
  })
