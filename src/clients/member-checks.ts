// One check per metadata member, looked at alone (RFC 7591 §2, OpenID Connect Registration §2, and ours). What members must be
// together is metadata.ts. A member that is not in this table is unknown.
// Refuses what the engine would refuse later, at the client's first use.

import { shownTextProblem } from '../lib/shown-text.ts'
import { isOpenidScope } from '../oauth/scope.ts'
import { grantProblems } from './assertion-grants.ts'
import { attesterProblem, isAttested } from './attestation.ts'
import { deliveryModes } from './backchannel-members.ts'
import { subjectMembers, subjectProblem } from './certificate-subject.ts'
import type { ClientType } from './client.ts'
import { type ConformanceRules, conformanceProblem } from './conformance.ts'
import { clientAlgorithms, joseValues } from './jose-members.ts'
import { checkKeySet } from './key-set.ts'
import { bindingProblem, type MutualTls, methodProblem, usableMethods } from './mutual-tls.ts'
import { profiles } from './profile.ts'
import { redirectUriProblem } from './redirect-uri.ts'
import { operatorsGrantTypes, templates } from './templates.ts'
import { isAddress, isLoopback, parseStrictUrl } from './url.ts'
import { identityProblems } from './workload-identity.ts'

/** Where metadata comes from: strangers (registration) are held to more and get less. */
export type MetadataSource = 'config' | 'cli' | 'registration'

export interface MetadataContext {
  type: ClientType
  /** identifiers of the configured resources */
  resources: readonly string[]
  development: boolean
  source: MetadataSource
  /** the client is the metadata document at this URL: the one host that it is known to be of */
  document?: URL
  /** issuers whose tokens may stand for a client's assertions */
  trustedIssuers?: readonly string[]
  /** left out: there is no conformance run */
  conformance?: ConformanceRules | undefined
  /** configured types of authorization details (RFC 9396) */
  detailTypes?: readonly string[]
  /** left out: off */
  mutualTls?: MutualTls
}

/** Says what is wrong, and where inside the member if it has parts. */
export type Report = (problem: string, at?: string) => void
/** Answers the value to keep; `undefined` keeps nothing. Problems are reported. */
export type MemberCheck = (value: unknown, report: Report, context: MetadataContext) => unknown

const mostUris = 32

/** For web clients of a conformance run only. */
function beyondCode({ type, conformance }: MetadataContext): readonly string[] {
  return type === 'web' ? (conformance?.responseTypes ?? []) : []
}

function list(
  most: number,
  item: (value: unknown, context: MetadataContext) => string | undefined
) {
  const check: MemberCheck = (value, report, context) => {
    if (!Array.isArray(value)) return report('must be an array of strings')
    if (value.length > most) return report(`must not have more than ${most} entries`)
    // an array may have holes, which forEach would skip
    Array.from(value).forEach((entry: unknown, index) => {
      const problem = typeof entry === 'string' ? item(entry, context) : 'must be a string'
      if (problem !== undefined) report(problem, `[${index}]`)
    })
    return [...new Set(value)]
  }
  return check
}

function text(most: number): MemberCheck {
  return (value, report) => {
    const problem = textProblem(value, most)
    return problem === undefined ? value : report(problem)
  }
}

function textProblem(value: unknown, most: number): string | undefined {
  if (typeof value !== 'string') return 'must be a string'
  if (value === '' || value.trim() !== value)
    return 'must not be empty, nor begin or end with a blank'
  if ([...value].length > most) return `must not be longer than ${most} characters`
  return shownTextProblem(value)
}

function oneOf(values: readonly string[], hint = ''): MemberCheck {
  return (value, report) =>
    typeof value === 'string' && values.includes(value)
      ? value
      : report(`must be ${values.join(' or ')}${hint}`)
}

const flag: MemberCheck = (value, report) =>
  typeof value === 'boolean' ? value : report('must be true or false')

/** Ours by default: `false` and the usual value are not stored, so that adding a member never changes what is there. */
function ours(check: MemberCheck, usual?: unknown): MemberCheck {
  return (value, report, context) => {
    // a stranger does not decide about consent or audiences
    if (context.source === 'registration') return undefined
    return value === usual ? undefined : check(value, report, context)
  }
}

/** A page that people are sent to by a link; its host is what they trust. */
const page: MemberCheck = (value, report) => {
  const checked = parseStrictUrl(value, 'allowed')
  if (!checked.ok) return report(checked.problem)
  return checked.url.protocol === 'https:' ? value : report('must be an https URL')
}

/** An address that this server fetches or posts to. */
const fetched: MemberCheck = (value, report, { development, source, document }) => {
  const checked = parseStrictUrl(value)
  if (!checked.ok) return report(checked.problem)
  const { url } = checked
  const developers = development && url.protocol === 'http:' && isLoopback(url)
  if (url.protocol !== 'https:' && !developers) return report('must be an https URL')
  // the fetch itself refuses private addresses, too: a name may lead to one
  const ownMachine = developers && document !== undefined && isLoopback(document)
  if (source === 'registration' && isInternal(url) && !ownMachine) {
    return report('must be a public host name: this server does not fetch from internal addresses')
  }
  return value
}

function isInternal(url: URL): boolean {
  const { hostname } = url
  return (
    isAddress(url) ||
    !hostname.includes('.') ||
    /\.(localhost|local|internal|lan|home|corp|arpa|test|invalid|onion)$/.test(hostname)
  )
}

const httpsUrl: MemberCheck = (value, report) => {
  const checked = parseStrictUrl(value)
  if (!checked.ok) return report(checked.problem)
  return checked.url.protocol === 'https:' ? value : report('must be an https URL')
}

const scope: MemberCheck = (value, report, { type }) => {
  // RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
  if (typeof value !== 'string' || !/^[!#-[\]-~]+( [!#-[\]-~]+)*$/.test(value)) {
    return report('must be scopes with one blank between them')
  }
  if (value.length > 2000) return report('must not be longer than 2000 characters')
  const tokens = [...new Set(value.split(' '))]
  const personal = tokens.filter(isOpenidScope)
  if (type === 'machine' && personal.length > 0) {
    return report(`must not have ${personal.join(', ')}: a machine client has no person`)
  }
  return tokens.join(' ')
}

// the form that the engine checks contacts against
const email = /^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*$/

const redirectUris = list(mostUris, redirectUriProblem)

/** Every member that the policy knows. */
export const memberChecks: ReadonlyMap<string, MemberCheck> = new Map<string, MemberCheck>([
  ['redirect_uris', redirectUris],
  ['post_logout_redirect_uris', redirectUris],
  ['client_name', text(100)],
  ['client_uri', page],
  ['logo_uri', page],
  ['policy_uri', page],
  ['tos_uri', page],
  [
    'contacts',
    list(10, value =>
      typeof value === 'string' && value.length <= 254 && email.test(value)
        ? undefined
        : 'must be an e-mail address'
    )
  ],
  [
    'application_type',
    (value, report, { type }) =>
      value === templates[type].applicationType
        ? value
        : report(`must be ${templates[type].applicationType} for a client of type ${type}`)
  ],
  [
    'grant_types',
    (value, report, context) => {
      const usual = templates[context.type].grantTypes.allowed.filter(
        grant => context.source !== 'registration' || !operatorsGrantTypes.has(grant)
      )
      const implicit = beyondCode(context).some(type => /token/.test(type))
      const allowed = implicit ? [...usual, 'implicit'] : usual
      return list(allowed.length, grant =>
        allowed.includes(String(grant))
          ? undefined
          : `must be ${allowed.join(' or ')} for a client of type ${context.type}`
      )(value, report, context)
    }
  ],
  [
    'response_types',
    (value, report, context) => {
      const allowed = ['code', ...beyondCode(context)]
      return list(allowed.length, type =>
        allowed.includes(String(type))
          ? undefined
          : `must be ${allowed.join(' or ')}: no other response type is on`
      )(value, report, context)
    }
  ],
  [
    'token_endpoint_auth_method',
    (value, report, { type, source, trustedIssuers = [], mutualTls = 'off' }) => {
      const unusable = methodProblem(value, mutualTls)
      if (unusable !== undefined) return report(`must not be ${value}: ${unusable}`)
      const hint = type === 'web' ? ` for type web; a client without a secret is spa or native` : ''
      // a stranger names no attester, and where nobody is trusted there is none
      const attestable = source !== 'registration' && trustedIssuers.length > 0
      const methods = usableMethods(templates[type].authMethods, mutualTls).filter(
        method => attestable || !isAttested(method)
      )
      return oneOf(methods, hint || ` for type ${type}`)(value, report, {
        type
      } as MetadataContext)
    }
  ],
  ['token_endpoint_auth_signing_alg', oneOf([...clientAlgorithms, 'HS256'])],
  ...[...joseValues].map(
    ([member, { values, hint }]) => [member, oneOf(values, hint)] as [string, MemberCheck]
  ),
  ['require_signed_request_object', flag],
  [
    'jwks',
    (value, report) => {
      const checked = checkKeySet(value)
      if (checked.ok) return checked.keySet
      for (const { at, problem } of checked.problems) report(problem, at && `.${at}`)
      return undefined
    }
  ],
  ['jwks_uri', fetched],
  ['initiate_login_uri', httpsUrl],
  ['backchannel_logout_uri', fetched],
  ['backchannel_logout_session_required', flag],
  ['backchannel_token_delivery_mode', oneOf(deliveryModes, '; push is not offered')],
  ['backchannel_client_notification_endpoint', fetched],
  ['backchannel_authentication_request_signing_alg', oneOf(clientAlgorithms)],
  // known and refused: a client that was promised it would wait for a code that nobody has
  [
    'backchannel_user_code_parameter',
    (value, report) => (value === false ? undefined : report('must be false: there are none'))
  ],
  ['scope', scope],
  [
    'default_max_age',
    (value, report) =>
      Number.isSafeInteger(value) && Number(value) >= 0
        ? value
        : report('must be a number of seconds')
  ],
  ['require_auth_time', flag],
  ['require_pushed_authorization_requests', flag],
  ['dpop_bound_access_tokens', flag],
  [
    'tls_client_certificate_bound_access_tokens',
    (value, report, context) => {
      const unusable = bindingProblem(context.mutualTls ?? 'off')
      if (value === true && unusable !== undefined) return report(`must not be true: ${unusable}`)
      return flag(value, report, context)
    }
  ],
  ...subjectMembers.map((member): [string, MemberCheck] => [
    member,
    (value, report) => {
      const problem =
        textProblem(value, 1000) ??
        (typeof value === 'string' ? subjectProblem(member, value) : undefined)
      return problem === undefined ? value : report(problem)
    }
  ]),
  ['software_id', text(100)],
  ['software_version', text(100)],
  [
    'subject_type',
    (value, report, context) =>
      value === 'public' ? undefined : oneOf(['public', 'pairwise'])(value, report, context)
  ],
  [
    'sector_identifier_uri',
    (value, report, context) => httpsUrl(value, report, context) && fetched(value, report, context)
  ],
  [
    'conformance',
    ours((value, report, { conformance }) => {
      const problem = conformanceProblem(value, conformance)
      return problem === undefined ? value : report(problem)
    })
  ],
  ['profile', ours(oneOf(profiles))],
  [
    'authorization_details_types',
    (value, report, context) => {
      const { detailTypes = [] } = context
      return list(Math.max(detailTypes.length, 1), type =>
        detailTypes.includes(String(type))
          ? undefined
          : `must be ${detailTypes.join(' or ') || 'left out: no type'} of authorization details that is configured`
      )(value, report, context)
    }
  ],
  ['first_party', ours(flag, false)],
  ['require_second_factor', ours(flag, false)],
  ['dpop_nonce', ours(oneOf(['optional', 'required']), 'optional')],
  [
    'assertion_grants',
    ours((value, report, { trustedIssuers = [] }) => {
      const problems = grantProblems(value, trustedIssuers, isOpenidScope)
      for (const { at, problem } of problems) report(problem, at)
      return problems.length === 0 ? value : undefined
    })
  ],
  [
    'attester',
    ours((value, report, { trustedIssuers = [] }) => {
      const problem = attesterProblem(value, trustedIssuers)
      return problem === undefined ? value : report(problem)
    })
  ],
  [
    'workload_identity',
    ours((value, report, { trustedIssuers = [] }) => {
      const problems = identityProblems(value, trustedIssuers)
      for (const { at, problem } of problems) report(problem, at)
      return problems.length === 0 ? value : undefined
    })
  ],
  ['refresh_tokens', ours(oneOf(['offline_access', 'always']), 'offline_access')],
  [
    'default_resource',
    ours((value, report, { resources }) =>
      typeof value === 'string' && resources.includes(value)
        ? value
        : report(
            resources.length === 0
              ? 'must be a configured resource, and none is configured'
              : `must be one of the configured resources: ${resources.join(', ')}`
          )
    )
  ]
])
