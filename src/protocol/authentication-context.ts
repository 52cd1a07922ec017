// How strongly a person signed in (`acr`, OpenID Connect Core §2, §5.5.1.1; RFC 9470): levels that the operator names, each by the methods
// (`amr`, RFC 8176) that it takes. The level always follows from the methods of the session, so it is never overstated, and the same method
// a second time never raises it.

import {
  type Client,
  errors,
  interactionPolicy,
  type KoaContextWithOIDC,
  type Provider
} from 'oidc-provider'
import type { RegisteredClient } from '../clients/client.ts'
import type { Config } from '../config/schema.ts'
import type { RequestedStrength } from './ports.ts'

export interface AuthenticationContexts {
  /** from the weakest to the strongest */
  values: string[]
  /** What of the wanted values these methods reach first, else the strongest that they do. */
  reached(methods: readonly string[], wanted: readonly string[]): string | undefined
  /** The `acr` of this request: of the values that it asks for the first that is reached, else the strongest that is. */
  acrOf(oidc: KoaContextWithOIDC['oidc']): string | undefined
  /** The engine's check, in place of its own two, which know no order and ask for ever. */
  check: InstanceType<typeof interactionPolicy.Check>
  /** The check of those clients, or that operator, who demand a second factor of everybody. */
  secondFactorCheck: InstanceType<typeof interactionPolicy.Check>
  /** What a sign-in for this request must bring. */
  demandOf(oidc: KoaContextWithOIDC['oidc']): RequestedStrength
  /** Whether a sign-in by these methods lacks the second factor that this client, or the operator, demands. */
  lacksFactor(methods: readonly string[], client: RegisteredClient | undefined): boolean
  /** Makes the engine state it. */
  install(provider: Provider): void
}

/** What a sign-in at our pages can bring (RFC 8176 §2): a password, a one-time code, a passkey, and more than one of them. */
const offeredMethods = ['pwd', 'otp', 'hwk', 'swk', 'user', 'mfa'] as const

interface AcrRequest {
  essential?: unknown
  value?: unknown
  values?: unknown
}

/** Names of the two checks: whoever is asked for these alone is asked for what is missing, and for nothing else. */
export const strengthReasons: ReadonlySet<string> = new Set(['acr', 'second_factor'])

export function createAuthenticationContexts(
  { acr: levels, secondFactor }: Pick<Config, 'acr' | 'secondFactor'>,
  /** the row behind the engine's client */
  registeredOf: (client: Client) => RegisteredClient | undefined = () => undefined
): AuthenticationContexts {
  const { Check } = interactionPolicy

  const demanded = (client: RegisteredClient | undefined) =>
    secondFactor === 'required' || client?.metadata.require_second_factor === true
  const lacksFactor = (methods: readonly string[], client: RegisteredClient | undefined) =>
    demanded(client) && !methods.includes('mfa')
  const rowOf = ({ client }: KoaContextWithOIDC['oidc']) => client && registeredOf(client)

  const within = (value: string, methods: readonly string[]) =>
    levels.find(level => level.value === value)?.amr.every(method => methods.includes(method)) ===
    true
  const methodsOf = (oidc: KoaContextWithOIDC['oidc']) =>
    oidc.session?.accountId === undefined ? undefined : (oidc.session.amr ?? [])

  /** Core §5.5.1.1: `value` and `values` of the claim; `acr_values` are the same, without `essential` (§3.1.2.1). */
  function requestOf(oidc: KoaContextWithOIDC['oidc']) {
    const request = (oidc.claims?.id_token as { acr?: AcrRequest | null } | undefined)?.acr ?? {}
    const wanted = [request.values ?? request.value ?? []].flat().filter(value => value !== '')
    return {
      essential: request.essential === true,
      wanted: wanted.filter((value): value is string => typeof value === 'string')
    }
  }

  function acrOf(oidc: KoaContextWithOIDC['oidc']) {
    const methods = methodsOf(oidc)
    if (methods === undefined) return undefined
    return reached(methods, requestOf(oidc).wanted)
  }

  function reached(methods: readonly string[], wanted: readonly string[]) {
    const first = wanted.find(value => within(value, methods))
    return first ?? levels.findLast(({ value }) => within(value, methods))?.value
  }

  function judge(ctx: KoaContextWithOIDC) {
    const { oidc } = ctx
    const { essential, wanted } = requestOf(oidc)
    if (wanted.length === 0) return Check.NO_NEED_TO_PROMPT
    if (wanted.some(value => within(value, methodsOf(oidc) ?? []))) return Check.NO_NEED_TO_PROMPT
    const attainable = wanted.some(value => within(value, offeredMethods))
    const tried = oidc.result?.login !== undefined
    if (attainable && !tried) {
      // Core §5.5.1.1: a voluntary one that needs a page is not had where no page may come
      const silent = !essential && oidc.prompts.has('none')
      return silent ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT
    }
    // OpenID Connect Core Error Code unmet_authentication_requirements §2; RFC 9470 §5
    if (essential) {
      throw new errors.CustomOIDCProviderError(
        'unmet_authentication_requirements',
        'none of the requested acr values can be reached'
      )
    }
    return Check.NO_NEED_TO_PROMPT
  }

  return {
    values: levels.map(({ value }) => value),
    reached,
    acrOf,
    check: new Check('acr', 'a stronger sign-in is required', 'login_required', judge),
    secondFactorCheck: new Check(
      'second_factor',
      'a second factor is required',
      'login_required',
      ({ oidc }) => {
        // nobody is signed in: the engine's own check asks for that
        const methods = methodsOf(oidc)
        return methods !== undefined && lacksFactor(methods, rowOf(oidc))
          ? Check.REQUEST_PROMPT
          : Check.NO_NEED_TO_PROMPT
      }
    ),
    demandOf(oidc) {
      const { wanted } = requestOf(oidc)
      const asked = levels.filter(({ value }) => wanted.includes(value))
      return {
        ...(asked.length > 0 ? { levels: asked.map(({ amr }) => [...amr]) } : {}),
        ...(demanded(rowOf(oidc)) ? { secondFactor: 'required' as const } : {})
      }
    },
    lacksFactor,
    install(provider) {
      // the engine states what the session holds, which no request has a say in
      Object.defineProperty(provider.OIDCContext.prototype, 'acr', {
        get(this: KoaContextWithOIDC['oidc']) {
          return acrOf(this)
        }
      })
    }
  }
}

/**
 * RFC 9068 §2.2.1: `auth_time` and `acr` of the authorization that the token comes from, so that they stay the same over refreshes.
 */
export function authenticationOf(ctx: KoaContextWithOIDC | undefined): {
  auth_time?: number
  acr?: string
} {
  const { oidc } = ctx ?? {}
  if (oidc === undefined) return {}
  const { AuthorizationCode, RefreshToken, DeviceCode, BackchannelAuthenticationRequest } =
    oidc.entities
  const source = AuthorizationCode ?? RefreshToken ?? DeviceCode ?? BackchannelAuthenticationRequest
  const time = source === undefined ? oidc.session?.authTime() : source.authTime
  const acr = source === undefined ? oidc.acr : source.acr
  return {
    ...(typeof time === 'number' ? { auth_time: time } : {}),
    ...(typeof acr === 'string' ? { acr } : {})
  }
}
