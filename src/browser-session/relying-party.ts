// The app as a client of the issuer, with openid-client: discovery at the first use, code with PKCE, refresh, revocation, sign-out. Refuses
// plain http but on loopback. A failure says whether the session is over or the issuer is not there: nothing else ends a session.

import * as oidc from 'openid-client'
import { IssuerUnavailable } from './failure.ts'

export type RelyingParty = ReturnType<typeof createRelyingParty>

/** A sign-in that has begun: what its end is checked against. */
export interface Checks {
  state: string
  nonce: string
  verifier: string
}

export interface RelyingPartyOptions {
  issuer: string
  clientId: string
  /** client_secret_basic; or another way in `clientAuthentication`. Default: a public client */
  clientSecret?: string
  /** of openid-client: `PrivateKeyJwt(key)` and others */
  clientAuthentication?: oidc.ClientAuth
  /** default: `openid profile email` */
  scope?: string
  /** the API that access tokens are for (RFC 8707) */
  resource?: string
  fetch?: typeof globalThis.fetch
}

const timeoutSeconds = 10
/** after a discovery that failed the issuer is left alone this long */
const restMilliseconds = 2_000

export function createRelyingParty(
  options: RelyingPartyOptions & { redirectUri: string; now: () => number }
) {
  const { issuer, clientId, redirectUri, scope = 'openid profile email', now } = options
  const resource: Record<string, string> =
    options.resource === undefined ? {} : { resource: options.resource }
  const url = new URL(issuer)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    throw new TypeError(`issuer must be an https URL (http only on loopback), got ${issuer}`)
  }
  let discovered: Promise<oidc.Configuration> | undefined
  let failed: { at: number; cause: unknown } | undefined

  async function discover(): Promise<oidc.Configuration> {
    const { clientSecret, fetch } = options
    const authentication =
      options.clientAuthentication ??
      (clientSecret === undefined ? oidc.None() : oidc.ClientSecretBasic(clientSecret))
    return oidc.discovery(url, clientId, {}, authentication, {
      execute: [
        oidc.enableNonRepudiationChecks,
        ...(url.protocol === 'http:' ? [oidc.allowInsecureRequests] : [])
      ],
      timeout: timeoutSeconds,
      ...(fetch === undefined ? {} : { [oidc.customFetch]: fetch as oidc.CustomFetch })
    })
  }

  /** @throws IssuerUnavailable when there is no metadata yet, and none to be had */
  async function configuration(): Promise<oidc.Configuration> {
    if (failed && Math.abs(now() - failed.at) < restMilliseconds) throw unavailable(failed.cause)
    discovered ??= discover().catch(cause => {
      discovered = undefined
      failed = { at: now(), cause }
      throw unavailable(cause)
    })
    return discovered
  }

  const unavailable = (cause: unknown) =>
    new IssuerUnavailable(`${issuer} cannot be asked right now`, { cause })

  return {
    configuration,

    /** Where to send the browser. `more`: further parameters of the authorization request. */
    async begin(checks: Checks, more: Record<string, string>): Promise<URL> {
      return oidc.buildAuthorizationUrl(await configuration(), {
        ...more,
        ...resource,
        redirect_uri: redirectUri,
        scope,
        code_challenge: await oidc.calculatePKCECodeChallenge(checks.verifier),
        code_challenge_method: 'S256',
        state: checks.state,
        nonce: checks.nonce
      })
    },

    /** Redeems the code of a callback, after state, `iss` (RFC 9207) and nonce: `search` is its query. */
    async finish(search: string, checks: Checks) {
      const config = await configuration()
      const callback = new URL(`${redirectUri}${search}`)
      const expected = {
        pkceCodeVerifier: checks.verifier,
        expectedState: checks.state,
        expectedNonce: checks.nonce,
        idTokenExpected: true
      }
      return oidc.authorizationCodeGrant(config, callback, expected, resource)
    },

    /** RFC 6749 §6. */
    async refresh(refreshToken: string) {
      return oidc.refreshTokenGrant(await configuration(), refreshToken, resource)
    },

    /** RFC 7009. Signing out goes on whatever happens here. */
    async revoke(refreshToken: string | undefined): Promise<void> {
      if (refreshToken === undefined) return
      try {
        await oidc.tokenRevocation(await configuration(), refreshToken)
      } catch {
        // it ends by itself, with the issuer's session or its own time
      }
    },

    /** RP-Initiated Logout §2; undefined: the issuer has no such page, or is not there. */
    async signOutUrl(idToken: string, postLogoutRedirectUri: string): Promise<URL | undefined> {
      try {
        return oidc.buildEndSessionUrl(await configuration(), {
          id_token_hint: idToken,
          post_logout_redirect_uri: postLogoutRedirectUri
        })
      } catch {
        return undefined
      }
    }
  }
}

/**
 * What a failed request to the issuer means. RFC 6749 §5.2, invalid_grant: "The provided authorization grant […] or refresh token is
 * invalid, expired, revoked"; nothing else is said about the session.
 */
export function isOver(error: unknown): boolean {
  return error instanceof oidc.ResponseBodyError && error.error === 'invalid_grant'
}

export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(\.\d{1,3}){3}$/.test(hostname)
  )
}
