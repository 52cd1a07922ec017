// The demo as a client of the issuer, with openid-client: what any relying party does, over HTTP,
// with what discovery says. Refuses a callback that it did not ask for (state, nonce, PKCE, RFC
// 9207 `iss`) and an ID token with a bad signature.

import * as oidc from 'openid-client'
import { claimsOf } from './describe.ts'
import type { DemoState, Exchange, Outcome } from './state.ts'

const scope = 'openid profile email offline_access read:things'
/** longest answer that the page shows, and the cookie keeps */
const longestBody = 1_200

/** What a sign-in leaves behind. */
export type Tokens = NonNullable<DemoState['tokens']>

export type RelyingParty = ReturnType<typeof createRelyingParty>

/**
 * Makes the demo's client. Discovery happens at the first use and again after a failure, so that
 * the server may start it before it listens.
 */
export function createRelyingParty(options: {
  issuer: string
  clientId: string
  /** identifier of the demo API */
  resource: string
}) {
  const { issuer, clientId, resource } = options
  const redirectUri = `${issuer}/demo/callback`
  let discovered: Promise<oidc.Configuration> | undefined

  function configuration(): Promise<oidc.Configuration> {
    discovered ??= oidc
      .discovery(new URL(issuer), clientId, {}, oidc.None(), {
        // plain http: this exists in development only, and the issuer is on loopback
        execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
        timeout: 10
      })
      .catch(error => {
        discovered = undefined
        throw error
      })
    return discovered
  }

  /** RFC 6749 §6, with the resource for which the new access token is meant (RFC 8707 §2.2). */
  async function refresh(tokens: Tokens, audience: string) {
    if (!tokens.refresh) throw new Error('there is no refresh token: sign in again')
    const answer = await oidc.refreshTokenGrant(await configuration(), tokens.refresh, {
      resource: audience
    })
    const exchange: Exchange = {
      request: `POST /oauth/token  grant_type=refresh_token  resource=${audience}`,
      status: '200'
    }
    return {
      access: answer.access_token,
      refresh: answer.refresh_token ?? tokens.refresh,
      exchange
    }
  }

  return {
    /** The address to send the browser to, and what the callback is checked against. */
    async begin() {
      const pending = {
        verifier: oidc.randomPKCECodeVerifier(),
        state: oidc.randomState(),
        nonce: oidc.randomNonce()
      }
      const url = oidc.buildAuthorizationUrl(await configuration(), {
        redirect_uri: redirectUri,
        scope,
        resource,
        code_challenge: await oidc.calculatePKCECodeChallenge(pending.verifier),
        code_challenge_method: 'S256',
        state: pending.state,
        nonce: pending.nonce,
        // OpenID Connect Core §11: offline_access is granted only where the person is asked
        prompt: 'consent'
      })
      return { url: url.href, pending }
    },

    /** Redeems the code of a callback (`query` with its question mark). */
    async finish(query: string, pending: NonNullable<DemoState['pending']>): Promise<Tokens> {
      const answer = await oidc.authorizationCodeGrant(
        await configuration(),
        new URL(`${redirectUri}${query}`),
        {
          pkceCodeVerifier: pending.verifier,
          expectedState: pending.state,
          expectedNonce: pending.nonce,
          idTokenExpected: true
        },
        { resource }
      )
      return {
        id: answer.id_token ?? '',
        access: answer.access_token,
        ...(answer.refresh_token ? { refresh: answer.refresh_token } : {})
      }
    },

    /** A new access token for the demo API; the refresh token rotates. */
    async refresh(tokens: Tokens): Promise<{ tokens: Tokens; outcome: Outcome }> {
      const { access, refresh: next, exchange } = await refresh(tokens, resource)
      const rotated = next !== tokens.refresh
      return {
        tokens: { ...tokens, access, refresh: next },
        outcome: {
          title: rotated ? 'The tokens are fresh, and the refresh token has rotated' : 'Refreshed',
          exchanges: [exchange]
        }
      }
    },

    /**
     * Asks userinfo. The access token at hand opens the demo API and nothing else, so one for the
     * issuer's own audience is obtained first: same authorization, another resource (RFC 8707
     * §2.2). `save` gets the rotated refresh token before userinfo is asked: a failure there must
     * not cost it.
     */
    async userinfo(tokens: Tokens, save: (tokens: Tokens) => void): Promise<Outcome> {
      const { access, refresh: next, exchange } = await refresh(tokens, issuer)
      save({ ...tokens, refresh: next })
      // OpenID Connect Core §5.3.2: the sub must be the one of the ID token
      const subject = String(claimsOf(tokens.id)['sub'])
      const claims = await oidc.fetchUserInfo(await configuration(), access, subject)
      return {
        title: 'Userinfo says who is signed in',
        exchanges: [exchange, { request: withToken('GET', '/userinfo'), status: '200' }],
        body: shorten(JSON.stringify(claims))
      }
    },

    /** Calls the demo API over HTTP, as an app elsewhere would. */
    async callApi(tokens: Tokens): Promise<Outcome> {
      const url = `${issuer}/demo/api/things`
      const answer = await fetch(url, { headers: { authorization: `Bearer ${tokens.access}` } })
      const challenge = answer.headers.get('www-authenticate')
      return {
        title: answer.ok ? 'The demo API accepted the access token' : 'The demo API refused',
        exchanges: [
          {
            request: withToken('GET', '/demo/api/things'),
            status: `${answer.status}${challenge ? `  WWW-Authenticate: ${challenge}` : ''}`
          }
        ],
        body: shorten(await answer.text())
      }
    },

    /**
     * Signs out: the refresh token is revoked, since an offline one outlives the session (RFC
     * 7009), then the address of the issuer's sign-out page is answered (RP-Initiated Logout §2).
     */
    async signOut(tokens: Tokens): Promise<string> {
      const config = await configuration()
      if (tokens.refresh) {
        // what is gone already need not be revoked, and signing out goes on whatever happens here
        await oidc.tokenRevocation(config, tokens.refresh).catch(() => undefined)
      }
      return oidc.buildEndSessionUrl(config, {
        id_token_hint: tokens.id,
        post_logout_redirect_uri: `${issuer}/demo`
      }).href
    }
  }
}

function withToken(method: string, path: string): string {
  return `${method} ${path}  Authorization: Bearer <access token>`
}

function shorten(text: string): string {
  return text.length > longestBody ? `${text.slice(0, longestBody)} …` : text
}
