// The one policy for client metadata, whichever way it comes in: configuration, command line, dynamic registration (RFC 7591 §2).
// Owns which members go together and what their defaults are. Always looks at the whole object, so that an update cannot leave out
// what a creation must have (RFC 7592 §2.2). Refuses everything that the engine would refuse later.

import { jwtBearerGrantType } from './assertion-grants.ts'
import { checkAttestation } from './attestation.ts'
import { backchannelProblems, cibaGrantType } from './backchannel-members.ts'
import { type ClientMetadata, signsWithSecret } from './client.ts'
import { partOfRegistered, unrelaxedMember } from './conformance.ts'
import { joseProblems, personalJoseMembers } from './jose-members.ts'
import { type MetadataContext, memberChecks } from './member-checks.ts'
import { checkMutualTls } from './mutual-tls.ts'
import { profileDefaults, profileProblems } from './profile.ts'
import { sectorProblem } from './sector.ts'
import { templates } from './templates.ts'

export type { MetadataContext, MetadataSource } from './member-checks.ts'

/** What is wrong; `member` is the metadata member, with the place inside it: `redirect_uris[1]`. */
export interface MetadataProblem {
  member: string
  problem: string
}

export type CheckedMetadata =
  | { ok: true; metadata: ClientMetadata }
  | { ok: false; problems: MetadataProblem[] }

type Report = (member: string, problem: string) => void

const largestMetadata = 32_768

/**
 * Checks a client's metadata and fills in the defaults of its type. All problems are reported at once.
 * @param input the whole resulting object, wire members only: no `client_id`, no secret, no `type`
 */
export function checkClientMetadata(input: unknown, context: MetadataContext): CheckedMetadata {
  const problems: MetadataProblem[] = []
  // answers nothing: what a check answers is kept
  const report: Report = (member, problem) => {
    problems.push({ member, problem })
  }
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return { ok: false, problems: [{ member: '', problem: 'client metadata must be an object' }] }
  }
  const kept = checkMembers(input, context, report)
  const metadata = withDefaults(kept, context)
  if (problems.length === 0) for (const rule of rules) rule(metadata, report, context)
  if (problems.length === 0 && JSON.stringify(metadata).length > largestMetadata) {
    report('', `client metadata must not be larger than ${largestMetadata} characters`)
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, metadata }
}

function checkMembers(
  input: object,
  context: MetadataContext,
  report: Report
): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  for (const [member, value] of Object.entries(input)) {
    const check = memberChecks.get(member)
    if (check === undefined) {
      // RFC 7591 §2: «The authorization server MUST ignore any client metadata sent by the client that it does not understand».
      // An operator, though, has misspelt something and wants to know.
      if (context.source !== 'registration') report(member, 'is not a member that is known')
      continue
    }
    // RFC 7592 §2.2: «Omitted fields MUST be treated as null or empty values by the server»; the same the other way round
    if (value === undefined || value === null) continue
    const checked = check(value, (problem, at = '') => report(`${member}${at}`, problem), context)
    if (checked !== undefined) kept[member] = checked
  }
  return kept
}

/** RFC 7591 §2 and §2.1, with the defaults of our types in place of its own. Only sound once every member was. */
function withDefaults(kept: Record<string, unknown>, context: MetadataContext): ClientMetadata {
  const { type } = context
  const template = templates[type]
  const grantTypes = (kept['grant_types'] ?? template.grantTypes.usual) as readonly string[]
  return {
    redirect_uris: [],
    post_logout_redirect_uris: [],
    response_types: grantTypes.includes('authorization_code') ? ['code'] : [],
    token_endpoint_auth_method:
      kept['workload_identity'] === undefined ? template.authMethods[0] : 'private_key_jwt',
    ...(grantTypes.includes(cibaGrantType) ? { backchannel_token_delivery_mode: 'poll' } : {}),
    ...profileDefaults(kept, type),
    ...kept,
    ...partOfRegistered(context),
    grant_types: grantTypes,
    application_type: template.applicationType
  }
}

/** Rules about members together; each looks at the whole object. */
const rules: readonly ((
  metadata: ClientMetadata,
  report: Report,
  context: MetadataContext
) => void)[] = [
  // RFC 7591 §2.1: grant types and response types must be consistent
  ({ grant_types, response_types }, report) => {
    if (grant_types.length === 0) report('grant_types', 'must not be empty')
    const code = grant_types.includes('authorization_code')
    if (code !== response_types.some(type => type.split(' ').includes('code'))) {
      report(
        'response_types',
        code ? 'must be ["code"] with authorization_code' : 'must be [] without authorization_code'
      )
    }
    if (grant_types.length === 1 && grant_types[0] === 'refresh_token') {
      report('grant_types', 'must have a grant type that a refresh token can come from')
    }
  },

  (metadata, report) => {
    const member = unrelaxedMember(metadata)
    if (member !== undefined) {
      report(member, 'has what only clients with `conformance` `relaxed` may have')
    }
  },

  // what people allowed a web client, it looks after by a token of its own, and has no other use for one
  ({ grant_types }, report, { type }) => {
    const own = type === 'web' && grant_types.includes('client_credentials')
    if (own && !grant_types.includes('authorization_code')) {
      report(
        'grant_types',
        'must have authorization_code beside client_credentials, unless the type is machine'
      )
    }
  },

  ({ redirect_uris, grant_types }, report) => {
    if (grant_types.includes('authorization_code') && redirect_uris.length === 0) {
      report('redirect_uris', 'must have at least one, for authorization_code')
    }
  },

  (metadata, report, { type }) => {
    const workload = metadata.workload_identity !== undefined
    const keys = metadata.jwks !== undefined || metadata.jwks_uri !== undefined || workload
    const signs = metadata.token_endpoint_auth_method === 'private_key_jwt'
    if (signs && !keys) report('jwks_uri', 'or jwks is needed for private_key_jwt')
    else if (signs && metadata.jwks?.keys.every(key => key['use'] === 'enc')) {
      report('jwks', 'has no key to verify signatures with: all are for encryption')
    }
    if (workload && !templates[type].authMethods.includes('private_key_jwt')) {
      report('workload_identity', 'is for clients of type web and machine')
    }
    // RFC 7523 §2.2: such a token is a client assertion, only that somebody else signed it
    if (workload && !signs) {
      report('workload_identity', 'is for token_endpoint_auth_method private_key_jwt only')
    }
    // RFC 7591 §2: «The "jwks_uri" and "jwks" parameters MUST NOT both be present in the same request or response.»
    if (metadata.jwks !== undefined && metadata.jwks_uri !== undefined) {
      report('jwks', 'must not be given together with jwks_uri')
    }
    const algorithm = metadata.token_endpoint_auth_signing_alg
    const hmac = signsWithSecret(metadata)
    if (algorithm !== undefined && !signs && !hmac) {
      report('token_endpoint_auth_signing_alg', 'is for private_key_jwt and client_secret_jwt only')
    } else if (algorithm !== undefined && (algorithm === 'HS256') !== hmac) {
      // RFC 8725 §3.1: a public key must never be taken for a secret
      report(
        'token_endpoint_auth_signing_alg',
        'must be HS256 with client_secret_jwt, and only there'
      )
    }
  },

  ({ assertion_grants, grant_types }, report) => {
    const asked = grant_types.includes(jwtBearerGrantType)
    if (asked && assertion_grants === undefined) {
      report('grant_types', `must not have ${jwtBearerGrantType} without assertion_grants`)
    }
    if (!asked && assertion_grants !== undefined) {
      report('assertion_grants', `needs ${jwtBearerGrantType} among the grant_types`)
    }
  },

  (metadata, report) => {
    for (const { member, problem } of joseProblems(metadata)) report(member, problem)
  },

  (metadata, report) => {
    for (const { member, problem } of backchannelProblems(metadata)) report(member, problem)
  },

  (metadata, report) => {
    const found = sectorProblem(metadata)
    if (found !== undefined) report(found.member, found.problem)
  },

  (metadata, report, { type }) => {
    for (const { member, problem } of profileProblems(metadata, type)) report(member, problem)
  },

  checkMutualTls,

  checkAttestation,

  (metadata, report, { type }) => {
    if (type !== 'machine') return
    // a machine has no person who signs in, returns or signs out
    for (const member of personal) {
      if (metadata[member] !== undefined) report(member, 'is not for clients of type machine')
    }
  },

  ({ refresh_tokens, grant_types }, report) => {
    if (refresh_tokens !== undefined && !grant_types.includes('refresh_token')) {
      report('refresh_tokens', 'needs refresh_token among the grant_types')
    }
  },

  ({ scope, grant_types }, report) => {
    const offline = scope?.split(' ').includes('offline_access')
    if (offline && !grant_types.includes('refresh_token')) {
      report('scope', 'must not have offline_access without refresh_token among the grant_types')
    }
  },

  (metadata, report) => {
    if (
      metadata.backchannel_logout_session_required === true &&
      metadata.backchannel_logout_uri === undefined
    ) {
      report('backchannel_logout_session_required', 'needs a backchannel_logout_uri')
    }
  },

  // RFC 7591 §5: a rogue client might use the name and logo of another one, so the host of what it shows must be one that it is
  // tied to by its redirect URIs
  (metadata, report, { source, document }) => {
    // the suite's links lead to the OpenID Foundation
    if (source !== 'registration' || metadata.conformance === 'relaxed') return
    const hosts = new Set(
      [...metadata.redirect_uris, ...(document === undefined ? [] : [document])]
        .map(uri => new URL(uri))
        .filter(isWeb)
        .map(url => url.host)
    )
    for (const member of ['client_uri', 'logo_uri', 'policy_uri', 'tos_uri'] as const) {
      const uri = metadata[member]
      if (uri !== undefined && !hosts.has(new URL(uri).host)) {
        report(member, 'must have the host of an https redirect URI')
      }
    }
  }
]

const personal = [
  ...personalJoseMembers,
  'subject_type',
  'sector_identifier_uri',
  'initiate_login_uri',
  'backchannel_logout_uri',
  'default_max_age',
  'require_auth_time',
  'require_second_factor',
  'require_pushed_authorization_requests',
  'refresh_tokens'
] as const

function isWeb(url: URL): boolean {
  return url.protocol === 'https:'
}
