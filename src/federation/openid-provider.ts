// An OpenID provider as a way to sign in (OpenID Connect Core §3.1, with PKCE and RFC 9207). Owns the order of the checks: openid-client does
// them, signature included; issuer, subject and freshness are looked at once more here. Metadata and keys are kept for a while, failures never.

import * as oidc from 'openid-client'
import { createCache } from '../lib/cache.ts'
import { hasOneReading } from '../oauth/compact-jwt.ts'
import { type Asks, authenticationBy, fetchThrough } from './openid-client.ts'
import type { OpenidPreset } from './presets.ts'
import { failureOf, failureOfError, isSubject, type Proof, type Provider } from './provider.ts'

export interface OpenidProviderOptions {
  preset: Omit<OpenidPreset, 'name'>
  clientId: string
  secret: string | (() => Promise<string>)
  scopes: readonly string[]
  /** names of the claims that are fetched where the ID token has none */
  wanted: readonly string[]
  outbound: Asks
  now: () => Date
}

/** How long metadata is believed. The library keeps keys for five minutes, and looks for an unknown one once a minute. */
const metadataSeconds = 3_600
/** Older than that is no fresh sign-in: as long as one counts as recent here, and a minute for clocks that differ. */
const freshSeconds = 360

/** RFC 4122; a tenant that is none would make a template issuer anything */
const tenant = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

class NotTrusted extends Error {
  readonly code: string

  constructor(code: string) {
    super(code)
    this.name = 'NotTrusted'
    this.code = code
  }
}

export function createOpenidProvider(options: OpenidProviderOptions): Provider {
  const { preset, clientId, outbound, now } = options
  const issuer = new URL(preset.issuer)
  const insecure = issuer.protocol === 'http:'
  const kept = createCache<oidc.Configuration>({
    max: 1,
    ttlSeconds: metadataSeconds,
    now: () => now().getTime()
  })

  async function discover(): Promise<oidc.Configuration> {
    const configuration = await oidc.discovery(
      issuer,
      clientId,
      undefined,
      authenticationBy(preset.authentication, options.secret),
      {
        [oidc.customFetch]: fetchThrough(outbound),
        execute: [
          // Core §3.1.3.7 (6) lets a client leave the signature to TLS; ours does not
          oidc.enableNonRepudiationChecks,
          // in development, on this machine, where the configuration says http
          ...(insecure ? [oidc.allowInsecureRequests] : [])
        ]
      }
    )
    // Discovery §4.3: "The issuer value returned MUST be identical to the Issuer URL that was used as the prefix"
    const metadata = configuration.serverMetadata()
    if (preset.issuers === 'one' && metadata.issuer !== preset.issuer) {
      throw new NotTrusted('metadata_issuer')
    }
    // what is not whole would be kept as it is
    for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const) {
      if (!URL.canParse(String(metadata[name]))) throw new NotTrusted('metadata')
    }
    return configuration
  }

  const configured = () => kept.get('', discover)

  function proofOf(claims: Readonly<Record<string, unknown>>): Proof {
    const { iss, sub } = claims
    if (!isSubject(sub)) throw new NotTrusted('subject')
    if (typeof iss !== 'string') throw new NotTrusted('issuer')
    if (preset.issuers === 'one') {
      if (iss !== preset.issuer) throw new NotTrusted('issuer')
    } else {
      // the signature is of keys that all tenants share: the issuer is the tenant that the token itself names, and has no other form
      const { tid } = claims
      if (typeof tid !== 'string' || !tenant.test(tid)) throw new NotTrusted('tenant')
      if (iss !== `${issuer.origin}/${tid}/v2.0`) throw new NotTrusted('issuer')
    }
    return { issuer: iss, subject: sub, claims }
  }

  return {
    async begin({ redirectUri, state, nonce, verifier, freshness }) {
      try {
        const configuration = await configured()
        const to = oidc.buildAuthorizationUrl(configuration, {
          redirect_uri: redirectUri,
          scope: options.scopes.join(' '),
          state,
          nonce,
          ...(preset.pkce === 'S256'
            ? {
                code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
                code_challenge_method: 'S256'
              }
            : {}),
          ...(preset.responseMode === 'form_post' ? { response_mode: 'form_post' } : {}),
          ...(freshness === 'again' ? preset.again : {})
        })
        // it goes to a browser: nothing but a page of theirs
        if (to.protocol !== 'https:' && !insecure) throw new NotTrusted('authorization_endpoint')
        return { ok: true, to }
      } catch (error) {
        return failureOf(error)
      }
    },

    async finish({ redirectUri, state, nonce, verifier, freshness }, parameters) {
      try {
        const configuration = await configured()
        const url = new URL(redirectUri)
        url.search = parameters.toString()
        // state, `iss` (RFC 9207 §2.4), code for tokens, ID token with nonce, audience, times and signature
        const tokens = await oidc.authorizationCodeGrant(configuration, url, {
          expectedState: state,
          expectedNonce: nonce,
          idTokenExpected: true,
          ...(preset.pkce === 'S256' ? { pkceCodeVerifier: verifier } : {})
        })
        if (!hasOneReading(tokens.id_token ?? '')) throw new NotTrusted('spelling')
        const claims: Record<string, unknown> = { ...tokens.claims() }
        const proof = proofOf(claims)
        if (freshness === 'again') assertFresh(claims['auth_time'])
        const metadata = configuration.serverMetadata()
        const lacking = options.wanted.some(name => claims[name] === undefined)
        if (preset.userinfo === 'never' || !lacking || !metadata.userinfo_endpoint) {
          return { ok: true, proof }
        }
        // Core §5.3.2: "The sub Claim in the UserInfo Response MUST be verified to exactly match the sub Claim in the ID Token"
        const more = await oidc.fetchUserInfo(configuration, tokens.access_token, proof.subject)
        // what is signed goes before what is not
        return { ok: true, proof: { ...proof, claims: { ...more, ...claims } } }
      } catch (error) {
        if (error instanceof oidc.AuthorizationResponseError) return failureOfError(error.error)
        return failureOf(error)
      }
    }
  }

  // who says when, must not say long ago; most do not say
  function assertFresh(authTime: unknown) {
    if (authTime === undefined) return
    const age = now().getTime() / 1_000 - Number(authTime)
    if (!(age <= freshSeconds)) throw new NotTrusted('not_fresh')
  }
}
