// Services that people sign in with, as their own documentation describes them; each row names the page that it was taken from. Owns their
// addresses and what is asked of them. What of them is believed is configuration (config/upstream-schema.ts).

import type { PresetName } from '../config/upstream-schema.ts'

interface Common {
  name: string
  scopes: readonly string[]
  authentication: 'client_secret_basic' | 'client_secret_post' | 'apple'
  /** RFC 7636 §4.3; `none`: its documentation has no word of it, and the nonce or our state alone binds the code */
  pkce: 'S256' | 'none'
  /** how the answer comes back: `form_post` is a POST of another site */
  responseMode: 'query' | 'form_post'
  /** asks for a fresh sign-in, where there is a way to */
  again: Readonly<Record<string, string>>
}

export interface OpenidPreset extends Common {
  kind: 'openid'
  issuer: string
  /** `template`: the issuer of a token names the tenant that it is from */
  issuers: 'one' | 'template'
  /** whether claims that the ID token lacks are fetched */
  userinfo: 'asked' | 'never'
}

export interface OauthPreset extends Common {
  kind: 'oauth'
  /** a URL of theirs that stands for them in our table: they have no issuer */
  issuer: string
  authorizationEndpoint: string
  tokenEndpoint: string
  user: 'github' | 'naver'
}

export type Preset = OpenidPreset | OauthPreset

const usual = ['openid', 'email', 'profile']

export const presets: Readonly<Record<PresetName, Preset>> = {
  // https://developers.google.com/identity/openid-connect/reference
  google: {
    kind: 'openid',
    name: 'Google',
    issuer: 'https://accounts.google.com',
    issuers: 'one',
    scopes: usual,
    authentication: 'client_secret_basic',
    pkce: 'S256',
    responseMode: 'query',
    userinfo: 'never',
    again: { prompt: 'select_account' }
  },
  // https://developer.apple.com/documentation/signinwithapple: with a name or an address among the scopes the answer is a form
  // (`form_post`); the secret is a JWT of ours (apple-secret.ts); there is no userinfo endpoint
  apple: {
    kind: 'openid',
    name: 'Apple',
    issuer: 'https://appleid.apple.com',
    issuers: 'one',
    scopes: ['openid', 'name', 'email'],
    authentication: 'apple',
    pkce: 'none',
    responseMode: 'form_post',
    userinfo: 'never',
    again: {}
  },
  // https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc; the tenant stands in the issuer (openid-provider.ts)
  microsoft: {
    kind: 'openid',
    name: 'Microsoft',
    issuer: 'https://login.microsoftonline.com/{tenant}/v2.0',
    issuers: 'template',
    scopes: usual,
    authentication: 'client_secret_post',
    pkce: 'S256',
    responseMode: 'query',
    userinfo: 'never',
    again: { prompt: 'login' }
  },
  // https://developers.kakao.com/docs/latest/en/kakaologin/rest-api; OpenID Connect has to be switched on there. Scopes other than `openid`
  // are consent items by their own names; whether an address is verified is at the userinfo endpoint
  kakao: {
    kind: 'openid',
    name: 'Kakao',
    issuer: 'https://kauth.kakao.com',
    issuers: 'one',
    scopes: ['openid', 'account_email', 'profile_nickname'],
    authentication: 'client_secret_post',
    pkce: 'S256',
    responseMode: 'query',
    userinfo: 'asked',
    again: { prompt: 'login' }
  },
  // https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps and, on PKCE,
  // https://github.blog/changelog/2025-07-14-pkce-support-for-oauth-and-github-app-authentication
  github: {
    kind: 'oauth',
    name: 'GitHub',
    issuer: 'https://github.com',
    authorizationEndpoint: 'https://github.com/login/oauth/authorize',
    tokenEndpoint: 'https://github.com/login/oauth/access_token',
    user: 'github',
    scopes: ['read:user', 'user:email'],
    authentication: 'client_secret_post',
    pkce: 'S256',
    responseMode: 'query',
    again: { prompt: 'select_account' }
  },
  // https://developers.naver.com/docs/login/api/api.md and …/devguide/devguide.md: no scopes (what is given is chosen at registration);
  // `state` goes to the token endpoint, too; `auth_type=reauthenticate` asks for the password again
  naver: {
    kind: 'oauth',
    name: 'Naver',
    issuer: 'https://nid.naver.com',
    authorizationEndpoint: 'https://nid.naver.com/oauth2.0/authorize',
    tokenEndpoint: 'https://nid.naver.com/oauth2.0/token',
    user: 'naver',
    scopes: [],
    authentication: 'client_secret_post',
    pkce: 'none',
    responseMode: 'query',
    again: { auth_type: 'reauthenticate' }
  }
}

/** A provider that is known by its issuer alone. */
export function openidAt(
  issuer: string,
  authentication: 'client_secret_basic' | 'client_secret_post'
): Omit<OpenidPreset, 'name'> {
  return {
    kind: 'openid',
    issuer,
    issuers: 'one',
    scopes: usual,
    authentication,
    pkce: 'S256',
    responseMode: 'query',
    userinfo: 'asked',
    // with `max_age` an ID token has to say when it was (Core §3.1.2.1)
    again: { prompt: 'login', max_age: '300' }
  }
}
