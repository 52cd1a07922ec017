// What the owner of an API says of it. Refuses what cannot be meant, with a sentence, when the API starts and not at
// the first request: the issuer as audience above all.

import type { ReplayStore } from './dpop-replay.ts'
import type { IntrospectionOptions } from './introspection.ts'
import { metadataLocations } from './metadata.ts'

export interface VerifierOptions {
  /** the issuer identifier, byte for byte as the tokens say it; https, or http on loopback */
  issuer: string
  /** the identifier of this API: what clients send as `resource` */
  audience: string
  /**
   * `JWT` also accepts tokens with that type, for an API whose tokens are issued that way because
   * another library in front of it refuses `at+jwt`. Default: `at+jwt` only.
   */
  typ?: 'at+jwt' | 'JWT'
  /**
   * `required`: refuses tokens whose grant or client was revoked, by the list that they name; the
   * resource must be configured with `statusList`. When the list is too old and cannot be had, every
   * token is refused with 503. Default: `off`.
   */
  statusList?: 'required' | 'off'
  /**
   * `published`: challenges name the API's metadata (RFC 9728 §5.1), which it serves
   * (protected-resource.ts); MCP clients need it. Default: `none`.
   */
  resourceMetadata?: 'published' | 'none'
  /**
   * `accepted`: tokens that are bound to a key open the API with their proof (RFC 9449 §7). `required`: no others do. Default: `accepted`
   */
  dpop?: 'accepted' | 'required' | 'off'
  /**
   * where clients reach this API, as proofs name it: origin, and a path if a proxy cuts one off. Default: the origin of `audience`, if it is
   * a web address
   */
  publicUrl?: string
  /** where proofs that were seen are remembered; default: in this process. Several processes need one that they share */
  replays?: ReplayStore
  /** `required`: a proof needs a nonce of this API (RFC 9449 §9). Default: `off` */
  dpopNonce?: 'required' | 'off'
  /** 32 random bytes that the processes of this API share; default: of this process alone */
  dpopNonceKey?: Uint8Array
  /** whom to ask about tokens, and about which (RFC 7662). Default: nobody, and opaque tokens open nothing */
  introspection?: IntrospectionOptions
  /** how far the clocks of issuer and API may differ, 0 to 300; default 5 */
  clockToleranceSeconds?: number
  fetch?: typeof globalThis.fetch
  /** milliseconds since the epoch */
  now?: () => number
}

/**
 * Refuses options that cannot be meant, and answers what they say of the API's address.
 * @throws TypeError with a sentence for who wrote them
 */
export function assertOptions(options: VerifierOptions): { publicUrl: string | undefined } {
  const { issuer, audience, clockToleranceSeconds = 5, dpop = 'accepted' } = options
  metadataLocations(issuer)
  const resource = URL.parse(audience)
  // RFC 8707 §2: "Its value MUST be an absolute URI […]. The URI MUST NOT include a fragment
  // component."
  if (!resource || audience.includes('#')) {
    throw new TypeError(
      `audience must be the absolute URI of this API, got ${JSON.stringify(audience)}`
    )
  }
  // A token for the issuer opens its userinfo. An API that took such tokens could replay its
  // callers' tokens there, and theirs would open every other API that did the same.
  if (resource.href === new URL(issuer).href) {
    throw new TypeError(
      'audience must not be the issuer: give the API an identifier of its own, ' +
        'and have clients send it as resource'
    )
  }
  if (!(clockToleranceSeconds >= 0 && clockToleranceSeconds <= 300)) {
    throw new TypeError(`clockToleranceSeconds must be 0 to 300, got ${clockToleranceSeconds}`)
  }
  const publicUrl = addressOf(options, resource)
  if (dpop === 'required' && publicUrl === undefined) {
    throw new TypeError('dpop: required needs publicUrl, since audience is no web address')
  }
  return { publicUrl: dpop === 'off' ? undefined : publicUrl }
}

function addressOf({ publicUrl }: VerifierOptions, resource: URL): string | undefined {
  if (publicUrl === undefined) {
    return /^https?:$/.test(resource.protocol) ? resource.origin : undefined
  }
  const url = URL.parse(publicUrl)
  if (!url || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new TypeError(
      `publicUrl must be a web address without query and fragment, got ${JSON.stringify(publicUrl)}`
    )
  }
  return `${url.origin}${url.pathname}`
}
