// Authorization details (RFC 9396): what of them is allowed in a request, what the person has to be asked, and what each token carries. Types,
// their members and their APIs are the operator's (config/authorization-details-schema.ts). Refuses what is not declared, what may have
// been written by the user agent, and at the token endpoint everything that was not granted.

import {
  type AuthorizationDetailsForIntrospection,
  errors,
  type KoaContextWithOIDC,
  type RichAuthorizationRequestsActiveConfiguration
} from 'oidc-provider'
import { Compile } from 'typebox/schema'
import type { RegisteredClient } from '../clients/client.ts'
import { closedMemberSchema, type MemberSchema } from '../config/member-schema.ts'
import type { Config } from '../config/schema.ts'
import { shownTextProblem } from '../lib/shown-text.ts'
import { type AuthorizationDetail, uncoveredDetails } from '../oauth/authorization-details.ts'
import { hasDuplicateMembers } from '../oauth/json-members.ts'
import type { ResourceCatalogue } from './resources.ts'

// Facts of the engine (9.13.3) that this depends on, each held by test/protocol/authorization-details.test.ts:
// - it asks `validate` of each detail at authorization, PAR, device authorization and token endpoint, after JSON, type and the client's
//   authorization_details_types (shared/check_rar.js), and not when a person comes back from a page;
// - the stored request and the interaction hold what was validated (pushed_authorization_requests.js, interactions.js);
// - code, device code and refresh token keep the granted details, whatever a token request asks for (grant_common.js, refresh_token.js).

type Feature = RichAuthorizationRequestsActiveConfiguration & {
  authorizationDetailsForIntrospection: AuthorizationDetailsForIntrospection
}
type DetailType = Config['authorizationDetails'][number]
type EngineClient = NonNullable<KoaContextWithOIDC['oidc']['client']>

/** They travel in every access token, which travels in a header. */
const longestDetails = 4096
const mostDetails = 10
const deepest = 8
const longestIdentifier = 200

const detailsOfParameter = (params: Record<string, unknown> | undefined) => {
  const text = params?.['authorization_details']
  return typeof text === 'string' ? (JSON.parse(text) as AuthorizationDetail[]) : undefined
}

export interface DetailCatalogue {
  /** identifiers of all types */
  readonly types: readonly string[]
  /** Those that the client may ask for (RFC 9396 §10). */
  typesFor(client: RegisteredClient): string[]
  feature(registeredClient: (client: EngineClient) => RegisteredClient): Feature
  /** What the request asks for; it was validated. */
  asked(params: Record<string, unknown> | undefined): AuthorizationDetail[]
  /** Consent to it counts for later requests, too. */
  isRemembered(detail: AuthorizationDetail): boolean
  /** Resources of a request that names none, by the details that it asks for; undefined: it asks for none. */
  resourcesOf(
    params: Record<string, unknown> | undefined,
    client: RegisteredClient
  ): string | string[] | undefined
}

export function createDetailCatalogue({
  types,
  resources
}: {
  types: readonly DetailType[]
  resources: Pick<ResourceCatalogue, 'mayName'>
}): DetailCatalogue {
  const known = new Map(types.map(entry => [entry.type, { entry, problem: checkOf(entry) }]))

  /** The APIs that a detail is for. */
  function audiencesOf({ type, locations }: AuthorizationDetail): readonly string[] {
    const all = known.get(type)?.entry.resources ?? []
    return Array.isArray(locations) ? all.filter(resource => locations.includes(resource)) : all
  }

  const allowed = (detail: AuthorizationDetail, client: RegisteredClient) =>
    audiencesOf(detail).filter(audience => resources.mayName(audience, client))

  function validate(
    ctx: KoaContextWithOIDC,
    detail: AuthorizationDetail,
    client: RegisteredClient
  ): void {
    const text = String(ctx.oidc.params?.['authorization_details'])
    const problem = problemOfAll(text) ?? known.get(detail.type)?.problem(detail)
    if (problem !== undefined) throw invalid(problem)
    assertWrittenByClient(ctx)
    const audiences = allowed(detail, client)
    const { locations } = detail
    const missing = Array.isArray(locations) && audiences.length < locations.length
    if (audiences.length === 0 || missing) {
      throw invalid(`${detail.type} is for a resource that this client may not name`)
    }
    const named = [ctx.oidc.params?.['resource'] ?? []].flat()
    if (named.length > 0 && !audiences.some(audience => named.includes(audience))) {
      throw invalid(`${detail.type} belongs to ${audiences.join(', ')}: name it by resource`)
    }
  }

  /** RFC 9396 §9.1: what of the granted details the access token carries: those for its audience, or fewer, as the request asked. */
  function ofAccessToken(
    ctx: KoaContextWithOIDC,
    audience: unknown,
    granted: readonly AuthorizationDetail[] | undefined
  ): AuthorizationDetail[] {
    const asked = detailsOfParameter(ctx.oidc.params)
    if (asked !== undefined && granted !== undefined) {
      const [beyond] = uncoveredDetails(asked, granted)
      if (beyond !== undefined) {
        throw invalid(`${beyond.type} was not granted like this: ask for the same, or for less`)
      }
    }
    const wanted = asked ?? granted ?? []
    const here = wanted.filter(detail => audiencesOf(detail).includes(String(audience)))
    if (asked !== undefined && here.length < asked.length) {
      throw invalid('the token is for one resource, and a detail is for another')
    }
    return here
  }

  return {
    types: [...known.keys()],

    // a stranger gets what it is registered with, and a machine, which nobody is asked for, what its operator listed
    typesFor({ owner, type, metadata }) {
      const listed = metadata.authorization_details_types
      if (listed !== undefined) return listed.filter(name => known.has(name))
      const operators = owner === 'config' || owner === 'cli'
      return operators && type !== 'machine' ? [...known.keys()] : []
    },

    feature: registeredClient => ({
      enabled: true,
      types: Object.fromEntries(
        types.map(({ type }) => [
          type,
          { validate: (ctx, detail, client) => validate(ctx, detail, registeredClient(client)) }
        ])
      ),
      // the grant was made for this request, and has what was consented to (consent.ts)
      authorizationDetailsForGrantSource: ctx => ctx.oidc.entities.Grant?.rar,
      authorizationDetailsForAccessToken: (ctx, token, source) =>
        ofAccessToken(ctx, token.aud, source === undefined ? undefined : (source.rar ?? [])),
      authorizationDetailsForIntrospection: (_ctx, token) => token.rar
    }),

    asked: params => detailsOfParameter(params) ?? [],
    isRemembered: ({ type }) => known.get(type)?.entry.consent === 'remembered',

    resourcesOf(params, client) {
      const audiences = new Set(
        (detailsOfParameter(params) ?? []).flatMap(detail => allowed(detail, client))
      )
      const [only] = audiences
      return audiences.size > 1 ? [...audiences] : only
    }
  }
}

function invalid(problem: string) {
  return new errors.InvalidAuthorizationDetails(problem, problem)
}

/** OAuth grant types whose tokens can have details: those that the engine gives the parameter to. */
function assertWrittenByClient({ oidc }: KoaContextWithOIDC): void {
  const { route, params } = oidc
  if (route === 'backchannel_authentication') {
    throw new errors.InvalidRequest('authorization_details cannot be asked for by this endpoint')
  }
  const grantType = params?.['grant_type']
  if (route === 'token' && /token-exchange$|jwt-bearer$/.test(String(grantType))) {
    throw new errors.InvalidRequest('authorization_details cannot be asked for by this grant type')
  }
  // ASVS 10.4.15: "the 'authorization_details' value is from the client backend and […] the user has not tampered with it. For example, by
  // requiring the use of pushed authorization request (PAR) or JWT-secured Authorization Request (JAR)." A client's own requests are that.
  if (route !== 'authorization') return
  const pushed = oidc.entities.PushedAuthorizationRequest !== undefined
  const signed = (oidc as { trusted?: string[] }).trusted?.includes('authorization_details')
  if (pushed || signed) return
  throw new errors.InvalidRequest(
    'authorization_details must come by a pushed request (RFC 9126) or in a signed request object (RFC 9101)'
  )
}

/** Looks at the whole parameter. */
function problemOfAll(text: string): string | undefined {
  if (text.length > longestDetails) {
    return `authorization_details must not be longer than ${longestDetails} characters`
  }
  if (hasDuplicateMembers(text)) return 'a member of authorization_details stands twice'
  const all = JSON.parse(text) as unknown[]
  if (all.length > mostDetails) return `there may be ${mostDetails} authorization_details at most`
  return valueProblem(all, 0)
}

/** Whatever the schema allows, a page must be able to show it, and the database to keep it. */
function valueProblem(value: unknown, depth: number): string | undefined {
  if (depth > deepest) return 'authorization_details are nested too deeply'
  if (typeof value === 'string') {
    const problem = shownTextProblem(value)
    return problem && `a text in authorization_details ${problem}`
  }
  if (typeof value === 'number') {
    return Number.isFinite(value) ? undefined : 'a number in authorization_details is too large'
  }
  if (typeof value !== 'object' || value === null) return undefined
  for (const [name, inner] of Object.entries(value)) {
    const problem = valueProblem(name, depth) ?? valueProblem(inner, depth + 1)
    if (problem !== undefined) return problem
  }
  return undefined
}

/** The check of one type: what is wrong with a detail, as a sentence for the client's developer. */
function checkOf(entry: DetailType): (detail: AuthorizationDetail) => string | undefined {
  const names = (values: readonly string[] | undefined) =>
    values && { type: 'array', items: { enum: values }, minItems: 1, uniqueItems: true }
  const common: [string, unknown][] = [
    ['type', { const: entry.type }],
    ['locations', names(entry.resources)],
    ['actions', names(entry.actions)],
    ['datatypes', names(entry.datatypes)],
    ['privileges', names(entry.privileges)],
    [
      'identifier',
      entry.identifier ? { type: 'string', minLength: 1, maxLength: longestIdentifier } : undefined
    ]
  ]
  const own = Object.entries(entry.members as Record<string, MemberSchema>)
  const properties = Object.fromEntries([
    ...own.map(([member, schema]) => [member, closedMemberSchema(schema)]),
    ...common.filter(([, schema]) => schema !== undefined)
  ])
  const required = ['type', ...entry.required]
  const schema = Compile({ type: 'object', properties, required, additionalProperties: false })
  return detail => {
    // the schema refuses it, too, and does not name it
    const stranger = Object.keys(detail).find(member => !Object.hasOwn(properties, member))
    if (stranger !== undefined) return `${entry.type} has no member ${stranger}`
    if (schema.Check(detail)) return undefined
    const [, found] = schema.Errors(detail)
    const first = found.find(error => error.keyword !== 'boolean') ?? found[0]
    const at = `${entry.type}${(first?.instancePath ?? '').replaceAll('/', '.')}`
    return `${at} ${first?.message ?? 'is not what its schema says'}`
  }
}
