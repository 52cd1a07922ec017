// Error codes of OAuth 2.0 and OpenID Connect as they go over the wire: each with the status of a
// JSON answer and the section that defines it. A code that is not here is not sent. At the
// authorization endpoint the same codes travel in the redirect, where no status applies.

export interface OAuthErrorRules {
  /** HTTP status where the code is sent as JSON: token, PAR, device, registration endpoint */
  status: number
  /** HTTP status of a protected resource, where it differs (userinfo, and APIs) */
  resourceStatus?: number
  /** where the code is defined */
  section: string
}

export const oauthErrors = {
  invalid_request: { status: 400, section: 'RFC 6749 §5.2' },
  invalid_client: { status: 401, section: 'RFC 6749 §5.2' },
  invalid_grant: { status: 400, section: 'RFC 6749 §5.2' },
  unauthorized_client: { status: 400, section: 'RFC 6749 §5.2' },
  unsupported_grant_type: { status: 400, section: 'RFC 6749 §5.2' },
  invalid_scope: { status: 400, section: 'RFC 6749 §5.2' },

  access_denied: { status: 400, section: 'RFC 6749 §4.1.2.1' },
  unsupported_response_type: { status: 400, section: 'RFC 6749 §4.1.2.1' },
  server_error: { status: 500, section: 'RFC 6749 §4.1.2.1' },
  // our own use at JSON endpoints, too: it asks a client to come back, where any other code would
  // make it throw its tokens away; sent with Retry-After
  temporarily_unavailable: { status: 503, section: 'RFC 6749 §4.1.2.1' },

  invalid_token: { status: 401, section: 'RFC 6750 §3.1' },
  insufficient_scope: { status: 403, section: 'RFC 6750 §3.1' },

  insufficient_user_authentication: { status: 401, section: 'RFC 9470 §3' },

  unsupported_token_type: { status: 400, section: 'RFC 7009 §2.2.1' },

  invalid_redirect_uri: { status: 400, section: 'RFC 7591 §3.2.2' },
  invalid_client_metadata: { status: 400, section: 'RFC 7591 §3.2.2' },

  authorization_pending: { status: 400, section: 'RFC 8628 §3.5' },
  slow_down: { status: 400, section: 'RFC 8628 §3.5' },
  expired_token: { status: 400, section: 'RFC 8628 §3.5' },

  invalid_target: { status: 400, section: 'RFC 8707 §2' },

  invalid_authorization_details: { status: 400, section: 'RFC 9396 §5' },

  invalid_request_uri: { status: 400, section: 'RFC 9101 §7' },
  invalid_request_object: { status: 400, section: 'RFC 9101 §7' },
  request_not_supported: { status: 400, section: 'OpenID Connect Core §3.1.2.6' },
  request_uri_not_supported: { status: 400, section: 'OpenID Connect Core §3.1.2.6' },
  registration_not_supported: { status: 400, section: 'OpenID Connect Core §3.1.2.6' },
  interaction_required: { status: 400, section: 'OpenID Connect Core §3.1.2.6' },
  login_required: { status: 400, section: 'OpenID Connect Core §3.1.2.6' },
  unmet_authentication_requirements: {
    status: 400,
    section: 'OpenID Connect Core Error Code unmet_authentication_requirements §2'
  },
  consent_required: { status: 400, section: 'OpenID Connect Core §3.1.2.6' },

  invalid_dpop_proof: { status: 400, resourceStatus: 401, section: 'RFC 9449 §5' },
  use_dpop_nonce: { status: 400, resourceStatus: 401, section: 'RFC 9449 §8' }
} as const satisfies Record<string, OAuthErrorRules>

export type OAuthErrorCode = keyof typeof oauthErrors

export function isOAuthErrorCode(code: string): code is OAuthErrorCode {
  return Object.hasOwn(oauthErrors, code)
}

/** The HTTP status of a code, at one of our JSON endpoints or at a protected resource. */
export function statusOf(code: OAuthErrorCode, at: 'endpoint' | 'resource'): number {
  const rules: OAuthErrorRules = oauthErrors[code]
  return at === 'resource' ? (rules.resourceStatus ?? rules.status) : rules.status
}
