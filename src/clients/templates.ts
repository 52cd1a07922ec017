// What follows from a client's type: grant types, authentication and the engine's `application_type` (RFC 7591 §2, RFC 8252 §8.4).
// The first entry of `authMethods` is the default. A public client is spa or native, never web: a web client without a secret is
// refused.

import { tokenExchangeGrantType } from '../oauth/token-exchange.ts'
import { jwtBearerGrantType } from './assertion-grants.ts'
import { cibaGrantType } from './backchannel-members.ts'
import type { ClientAuthMethod, ClientType } from './client.ts'

export const deviceGrantType = 'urn:ietf:params:oauth:grant-type:device_code'

/** What an operator alone gives: a stranger who registers himself is nobody's delegate, and asks nobody who did not come to him. */
export const operatorsGrantTypes: ReadonlySet<string> = new Set([
  tokenExchangeGrantType,
  jwtBearerGrantType,
  cibaGrantType
])

interface Template {
  applicationType: 'web' | 'native'
  grantTypes: { usual: readonly string[]; allowed: readonly string[] }
  authMethods: readonly [ClientAuthMethod, ...ClientAuthMethod[]]
}

/** Those with certificates only where certificates arrive (mutual-tls.ts). */
const confidential: Template['authMethods'] = [
  'client_secret_basic',
  'client_secret_post',
  'client_secret_jwt',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth'
]
const code = ['authorization_code', 'refresh_token']

export const templates: Record<ClientType, Template> = {
  web: {
    applicationType: 'web',
    grantTypes: {
      usual: code,
      // client_credentials for the Grant Management API alone (protocol/resources.ts)
      allowed: [
        ...code,
        'client_credentials',
        tokenExchangeGrantType,
        jwtBearerGrantType,
        cibaGrantType
      ]
    },
    authMethods: confidential
  },
  spa: {
    applicationType: 'web',
    grantTypes: { usual: code, allowed: code },
    // RFC 8252 §8.5: «Secrets that are statically included as part of an app distributed to multiple users should not be treated as
    // confidential secrets»
    authMethods: ['none']
  },
  native: {
    applicationType: 'native',
    grantTypes: { usual: code, allowed: [...code, deviceGrantType] },
    authMethods: ['none']
  },
  machine: {
    applicationType: 'web',
    grantTypes: {
      usual: ['client_credentials'],
      allowed: ['client_credentials', tokenExchangeGrantType, jwtBearerGrantType]
    },
    authMethods: confidential
  }
}
