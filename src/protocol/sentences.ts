// The engine's error descriptions, said so that a developer knows what to do next. Owns words only: codes and statuses stay the engine's,
// but for a request without any client authentication (response.ts). Refuses to tell apart what must not be told apart: one sentence for
// every failed client authentication, one for every refused token.
//
// Fact of the engine (9.13.3), held by test/hostile/sentences.test.ts: each key stands in its source, word for word.

/** Bytes of a body at most; the engine's own limit (shared/selective_body.js). */
export const bodyLimit = 56 * 1024

/** What the engine says where a request names no client at all (shared/client_auth.js). */
export const noClientAuthentication = 'no client authentication mechanism provided'

const invalidToken = 'invalid token provided'

const basicFormat =
  'the Authorization header must read: Basic base64(client_id:client_secret), both parts percent-encoded before (RFC 6749 section 2.3.1)'

const sentences: Record<string, string> = {
  [noClientAuthentication]:
    'the request names no client: send client_id, and unless the client is public also its client_secret (HTTP Basic or body) or a client_assertion',
  'client authentication failed':
    'the client is unknown or disabled, its secret or assertion is wrong or expired, or it is registered for another kind of token_endpoint_auth_method (secret, client_secret_jwt, private_key_jwt, none)',
  'client authentication must only be provided using one mechanism':
    'send client authentication once: in the Authorization header, or in the body, not in both',
  'invalid authorization header value format': basicFormat,
  'client_id and client_secret in the authorization header are not properly encoded': basicFormat,
  'client_id mismatch': 'client_id differs from the client that the authentication is for',
  'failed to parse the request body': `the body could not be read: it must match its content-type and content-length, and be ${bodyLimit} bytes at most`,
  'unsupported grant_type requested':
    'grant_type must be authorization_code, refresh_token, client_credentials or urn:ietf:params:oauth:grant-type:device_code; urn:ietf:params:oauth:grant-type:token-exchange where a resource of the server lists who may',
  'requested grant type is not allowed for this client':
    'this grant_type is not among the grant_types that the client is registered with',
  'unsupported response_type requested': 'this response_type is not enabled here; use code',
  'Authorization Server policy requires PKCE to be used for this request':
    'PKCE is required: send code_challenge, and code_challenge_method=S256 (RFC 7636 section 4.3)',
  'code_challenge_method must be provided': 'send code_challenge_method=S256 with code_challenge',
  'not supported value of code_challenge_method': 'code_challenge_method must be S256',
  'no access token provided':
    'no access token was sent; send it as: Authorization: Bearer, and the token',
  [invalidToken]:
    'the token is unknown, expired, revoked, bound to a key that was not proven, or not meant for this endpoint (userinfo takes access tokens for the issuer, not for an API)',
  'client is invalid':
    'client_id is unknown, or the client is disabled; if it is the address of a metadata document, that is not to be had, not valid, or not accepted here',
  'requested response_type is not allowed for this client':
    'this response_type is not among the response_types that the client is registered with; use code',
  "redirect_uri did not match any of the client's registered redirect_uris":
    'redirect_uri must be, character for character, one that the client is registered with',
  'could not parse Request Object': 'request must be a JWT in compact form, signed by the client',
  'unsupported signed request alg':
    'the request object must be signed with one of request_object_signing_alg_values_supported',
  'Request Object claims are invalid':
    'the iss of a request object is the client_id, its aud this issuer, and it must be valid now (RFC 9101 section 4)',
  'could not validate Request Object':
    'the signature of the request object fits none of the keys that the client is registered with',
  'Request Object must be used by this client':
    'this client is registered with require_signed_request_object: send its request as a signed request object (RFC 9101)',
  'oops! something went wrong': 'something went wrong on our side',
  'xsrf token invalid': 'the form is not the one that this browser was shown last'
}

/** Why a grant may have been refused; the engine says the same of all of them, and so do we: the reason is in the log. */
const grants: Record<string, string> = {
  authorization_code:
    'the code is unknown, expired, used already or issued to another client, or redirect_uri, code_verifier or DPoP key are not those of the authorization request',
  refresh_token:
    'the refresh token is unknown, expired, revoked, used already, issued to another client or bound to another key; start a new authorization',
  'urn:ietf:params:oauth:grant-type:device_code':
    'the device code is unknown, used already or issued to another client; start again',
  'urn:ietf:params:oauth:grant-type:jwt-bearer':
    'the assertion is not of a trusted issuer, expired, used already, for another audience than the issuer, or its subject is none that the client may act for'
}

/** Which token a client has to show at registration, by the engine's name of the route (RFC 7591 §3, RFC 7592 §2). */
const registrationToken =
  'the registration access token is unknown, replaced by a later one, or of another client; each change of a registration answers a new one'
const tokens: Record<string, string> = {
  registration:
    'the initial access token is unknown, expired, revoked or used up; ask the operator of this server for one (mintmark registration create-token)',
  client: registrationToken,
  client_update: registrationToken,
  client_delete: registrationToken
}

/** What the engine sends without a sentence. */
const unsaid: Record<string, string> = {
  request_uri_not_supported:
    'request_uri must be one that the pushed authorization request endpoint of this server gave out (RFC 9126)',
  registration_not_supported:
    'the parameter registration is not supported: register the client beforehand'
}

/** The sentence for an error that came without one. */
export function sentenceFor(error: string): string {
  return (Object.hasOwn(unsaid, error) && unsaid[error]) || 'the request was refused'
}

/** A better sentence than the engine's, or the same one. `grantType`: of a token request; `route`: the engine's name of the endpoint. */
export function helpfulSentence(
  sentence: string,
  { grantType, route = '' }: { grantType?: unknown; route?: string | undefined } = {}
): string {
  if (sentence === invalidToken && Object.hasOwn(tokens, route)) return tokens[route] ?? sentence
  if (sentence === 'grant request is invalid' && typeof grantType === 'string') {
    return (Object.hasOwn(grants, grantType) && grants[grantType]) || sentence
  }
  return (Object.hasOwn(sentences, sentence) && sentences[sentence]) || sentence
}

/** The engine's sentences that are replaced. */
export const replacedSentences: readonly string[] = [
  ...Object.keys(sentences),
  'grant request is invalid'
]
