// Why there is no access token for a request. Each has the `statusCode` that Fastify answers when nobody catches it: a session that is over
// is 401, and an issuer that does not answer never is.

/** There is no session, or it is over: the person signs in again. */
export class LoginRequired extends Error {
  override name = 'LoginRequired'
  readonly statusCode = 401
}

/** The issuer cannot be asked right now. The session is as it was. */
export class IssuerUnavailable extends Error {
  override name = 'IssuerUnavailable'
  readonly statusCode = 503
}
