// Rules about the providers that people may sign in with: that each is complete, can be asked, is somebody else, and is there once. What a
// provider then says is judged in federation/.

import { createPrivateKey } from 'node:crypto'
import type { Problem } from './configuration-error.ts'
import type { Check } from './rule.ts'
import { duplicates } from './rules-clients.ts'
import { isFetchable } from './rules-issuers.ts'
import { trustsEmails } from './upstream-schema.ts'

export const upstreamsAreDistinct: Check = (config, place) => [
  ...duplicates(config.upstreams, ({ id }) => id, 'id', place),
  // a person is known by issuer and subject: the subjects of two registrations at one issuer may mean different people
  ...duplicates(
    config.upstreams.filter(({ issuer }) => issuer !== undefined),
    ({ issuer }) => issuer ?? '',
    'issuer',
    place
  ),
  ...duplicates(
    config.upstreams.filter(({ preset }) => preset !== undefined),
    ({ preset }) => preset ?? '',
    'preset',
    place
  )
]

/** The members of a preset that others do not have. */
const own = { tenant: 'microsoft', teamId: 'apple', keyId: 'apple', privateKey: 'apple' } as const

export const upstreamsAreComplete: Check = (config, place) =>
  config.upstreams.flatMap(upstream => {
    const problem = (member: string, text: string, fix: string): Problem => ({
      path: `${place(upstream)}.${member}`,
      problem: text,
      fix
    })
    const { preset, issuer } = upstream
    const problems: Problem[] = []
    if (preset === undefined && issuer === undefined) {
      const fix = 'Give the issuer of an OpenID provider, or name a `preset`.'
      problems.push(problem('issuer', 'is missing', fix))
    }
    if (preset !== undefined && issuer !== undefined) {
      problems.push(problem('issuer', 'is known of a preset', 'Leave one of the two out.'))
    }
    if (preset === undefined && upstream.name === undefined) {
      problems.push(problem('name', 'is missing', 'Say what people know the provider by.'))
    }
    for (const [member, of] of Object.entries(own) as [keyof typeof own, string][]) {
      if (upstream[member] !== undefined && preset !== of) {
        problems.push(problem(member, `is for the preset ${of} only`, 'Leave it out.'))
      }
    }
    const needed =
      preset === 'apple' ? (['teamId', 'keyId', 'privateKey'] as const) : ['client_secret' as const]
    for (const member of needed) {
      if (upstream[member] === undefined) {
        const fix = 'Take it from where our client is registered with the provider.'
        problems.push(problem(member, 'is missing', fix))
      }
    }
    if (upstream.privateKey !== undefined && !isP256(upstream.privateKey)) {
      const fix = 'Name the file that Apple gave, as in `file:AuthKey_ABC123DEFG.p8`.'
      problems.push(problem('privateKey', 'is no private key on P-256 in PEM', fix))
    }
    if (upstream.emailDomains.length > 0 && !trustsEmails(upstream)) {
      const fix = 'Say `"emails": "trusted"` if the provider verifies addresses.'
      problems.push(problem('emailDomains', 'can admit nobody: no address counts', fix))
    }
    return problems
  })

function isP256(pem: string): boolean {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPrivateKey(pem)
    return asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1'
  } catch {
    return false
  }
}

export const upstreamsCanBeAsked: Check = (config, place) =>
  config.upstreams.flatMap(upstream => {
    const { issuer } = upstream
    if (issuer === undefined) return []
    const path = `${place(upstream)}.issuer`
    if (issuer.includes('?') || !isFetchable(issuer, config.mode)) {
      const fix = 'Take it from `issuer` of its metadata.'
      return [{ path, problem: 'must be an https URL without query', fix }]
    }
    if (issuer.replace(/\/$/, '') !== config.issuer) return []
    const fix = 'Name the issuer of another server.'
    return [{ path, problem: 'is this server itself', fix }]
  })
