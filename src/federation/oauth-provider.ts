// Services that speak OAuth 2.0 and not OpenID Connect: who somebody is comes from their user API, over TLS, with the token that the code was
// exchanged for. Owns what each of these APIs answers. Refuses an identifier that is not what their documentation says: it is all that we
// know a person by.

import * as oidc from 'openid-client'
import { type Asks, authenticationBy, fetchThrough } from './openid-client.ts'
import type { OauthPreset } from './presets.ts'
import { failureOf, failureOfError, isSubject, type Proof, type Provider } from './provider.ts'

export interface OauthProviderOptions {
  preset: OauthPreset
  clientId: string
  secret: string
  scopes: readonly string[]
  outbound: Asks
}

type Json = Record<string, unknown>
/** The JSON that an address of theirs answers. */
type Ask = (url: string) => Promise<unknown>

class UnexpectedUser extends Error {
  readonly code = 'user'
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Who the token is for, with the names of OpenID Connect Core §5.1. */
const users: Record<
  OauthPreset['user'],
  (ask: Ask) => Promise<{ subject: unknown; claims: Json }>
> = {
  // https://docs.github.com/rest/users/users and …/rest/users/emails: the identifier is a number, `login` changes hands; addresses say
  // which is the primary one and whether it is verified
  async github(ask) {
    const user = await ask('https://api.github.com/user')
    if (!isObject(user)) throw new UnexpectedUser()
    const { id } = user
    const subject = Number.isSafeInteger(id) && Number(id) > 0 ? String(id) : undefined
    const addresses = await ask('https://api.github.com/user/emails')
    const primary = Array.isArray(addresses)
      ? addresses.filter(isObject).find(address => address['primary'] === true)
      : undefined
    return {
      subject,
      claims: {
        email: primary?.['email'],
        email_verified: primary?.['verified'] === true,
        name: user['name'] ?? user['login'],
        picture: user['avatar_url']
      }
    }
  },

  // https://developers.naver.com/docs/login/profile/profile.md: `id` is unique for one application; nothing says whether the address is
  // verified
  async naver(ask) {
    const answer = await ask('https://openapi.naver.com/v1/nid/me')
    const user = isObject(answer) && answer['resultcode'] === '00' ? answer['response'] : undefined
    if (!isObject(user)) throw new UnexpectedUser()
    return {
      subject: user['id'],
      claims: {
        email: user['email'],
        name: user['name'] ?? user['nickname'],
        picture: user['profile_image']
      }
    }
  }
}

export function createOauthProvider(options: OauthProviderOptions): Provider {
  const { preset } = options
  const configuration = new oidc.Configuration(
    {
      issuer: preset.issuer,
      authorization_endpoint: preset.authorizationEndpoint,
      token_endpoint: preset.tokenEndpoint
    },
    options.clientId,
    undefined,
    authenticationBy(preset.authentication, options.secret)
  )
  configuration[oidc.customFetch] = fetchThrough(options.outbound)

  return {
    async begin({ redirectUri, state, verifier, freshness }) {
      try {
        const to = oidc.buildAuthorizationUrl(configuration, {
          redirect_uri: redirectUri,
          state,
          ...(options.scopes.length === 0 ? {} : { scope: options.scopes.join(' ') }),
          ...(preset.pkce === 'S256'
            ? {
                code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
                code_challenge_method: 'S256'
              }
            : {}),
          ...(freshness === 'again' ? preset.again : {})
        })
        return { ok: true, to }
      } catch (error) {
        return failureOf(error)
      }
    },

    async finish({ redirectUri, state, verifier }, parameters) {
      try {
        const url = new URL(redirectUri)
        url.search = parameters.toString()
        const tokens = await oidc.authorizationCodeGrant(
          configuration,
          url,
          {
            expectedState: state,
            ...(preset.pkce === 'S256' ? { pkceCodeVerifier: verifier } : {})
          },
          preset.user === 'naver' ? { state } : {}
        )
        const { subject, claims } = await users[preset.user](async address => {
          const answer = await oidc.fetchProtectedResource(
            configuration,
            tokens.access_token,
            new URL(address),
            'GET',
            null,
            new Headers({ accept: 'application/json' })
          )
          if (answer.status !== 200) throw new Error('user', { cause: answer })
          return answer.json()
        })
        if (!isSubject(subject)) throw new UnexpectedUser()
        const proof: Proof = { issuer: preset.issuer, subject, claims }
        return { ok: true, proof }
      } catch (error) {
        if (error instanceof oidc.AuthorizationResponseError) return failureOfError(error.error)
        return failureOf(error)
      }
    }
  }
}
