// Clients of a conformance run, and what only they may have: other response types than `code`, no PKCE, assertions for an endpoint, links to
// anywhere. Refuses all of it to every other client (security D-19): a relaxation that is meant for a test suite must not reach anybody
// who signs people in.

import { conformanceParts } from '../config/conformance-schema.ts'
import type { Config } from '../config/schema.ts'
import type { ClientMetadata } from './client.ts'

/** What a run allows. */
export interface ConformanceRules {
  /** besides `code` */
  readonly responseTypes: readonly string[]
}

/** Undefined where there is no run. */
export function conformanceRules({
  conformance
}: Pick<Config, 'conformance'>): ConformanceRules | undefined {
  return conformance.enabled ? { responseTypes: conformance.responseTypes } : undefined
}

/** Says what is wrong with the member `conformance`. */
export function conformanceProblem(
  value: unknown,
  rules: ConformanceRules | undefined
): string | undefined {
  if (rules === undefined) return 'is for conformance mode only, which is off'
  return (conformanceParts as readonly unknown[]).includes(value)
    ? undefined
    : `must be ${conformanceParts.join(' or ')}`
}

/** True where the suite may register its clients without an initial access token. */
export function opensRegistration({ conformance }: Pick<Config, 'conformance'>): boolean {
  return conformance.enabled && conformance.registration === 'open'
}

/** Whoever registers with a server in this mode is the suite: there is nobody else. */
export function partOfRegistered(context: {
  source: string
  conformance?: ConformanceRules | undefined
  document?: URL
}): Pick<ClientMetadata, 'conformance'> {
  const { source, conformance, document } = context
  const suite = conformance !== undefined && source === 'registration' && document === undefined
  return suite ? { conformance: 'relaxed' } : {}
}

/** True for a client that is held to less, as long as there is a run. */
export function isRelaxed(
  config: Pick<Config, 'conformance'>,
  { metadata }: { metadata: Pick<ClientMetadata, 'conformance'> }
): boolean {
  return config.conformance.enabled && metadata.conformance === 'relaxed'
}

/** The member that holds more than a client without the relaxation may have. */
export function unrelaxedMember(
  metadata: Pick<ClientMetadata, 'conformance' | 'response_types' | 'grant_types'>
): string | undefined {
  if (metadata.conformance === 'relaxed') return undefined
  if (metadata.response_types.some(type => type !== 'code')) return 'response_types'
  return metadata.grant_types.includes('implicit') ? 'grant_types' : undefined
}
