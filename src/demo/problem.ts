// What went wrong, in words for the developer who tries the demo. Owns the sentences for the error
// codes that a relying party meets (RFC 6749 §4.1.2.1 and §5.2, OpenID Connect Core §3.1.2.6).
// Refuses to show a stack or anything that it cannot explain.

import * as oidc from 'openid-client'

export interface Problem {
  title: string
  advice: string
  /** error code of the server, or of the check that failed */
  code: string
  /** the server's own sentence */
  description?: string
}

const explained: Record<string, { title: string; advice: string }> = {
  access_denied: {
    title: 'You said no, and the demo respects that',
    advice: 'Nothing was shared with the demo. You can sign in again whenever you like.'
  },
  login_required: {
    title: 'Nobody is signed in',
    advice: 'The server was asked not to show a page, and there is no session. Sign in again.'
  },
  invalid_grant: {
    title: 'The grant is no longer valid',
    advice:
      'The code or refresh token was used, revoked or has expired. That is what a client sees ' +
      'then, and the cure is the same everywhere: sign in again.'
  },
  invalid_target: {
    title: 'The server grants no token for that audience',
    advice: 'Check that the demo client is on the allow-list of the resource in the configuration.'
  },
  invalid_scope: {
    title: 'The server does not grant one of the scopes',
    advice: 'Check the scopes of the demo client and of the demo API in the configuration.'
  },
  invalid_client: {
    title: 'The server does not know the demo client',
    advice:
      'The seed of development mode makes it. Restart the server, and look at its first lines.'
  },
  temporarily_unavailable: {
    title: 'The server is busy or its database is away',
    advice: 'Nothing is lost. Wait a moment and try again.'
  },
  invalid_token: {
    title: 'The access token was refused',
    advice: 'It has expired or was revoked. Press Refresh, or sign in again.'
  },
  unreachable: {
    title: 'Nobody answers at the issuer',
    advice: 'The demo talks to the server over HTTP at its issuer address. Is it listening there?'
  },
  stale_sign_in: {
    title: 'This sign-in does not belong to this tab',
    advice:
      'The answer came to a sign-in that this browser has not begun, or has finished already: ' +
      'perhaps a second tab, or the back button. Start again.'
  },
  form_expired: {
    title: 'This form has expired',
    advice:
      'It was made for another session of this browser. Go back to the demo and press the ' +
      'button there.'
  }
}

/**
 * Explains an error of openid-client. undefined: not an error of the protocol, so a defect of ours.
 */
export function explain(error: unknown): Problem | undefined {
  if (error instanceof oidc.AuthorizationResponseError || error instanceof oidc.ResponseBodyError) {
    return problem(error.error, error.error_description)
  }
  if (error instanceof oidc.WWWAuthenticateChallengeError) {
    const { error: code, error_description } = error.cause[0]?.parameters ?? {}
    return problem(code ?? 'unauthorized', error_description)
  }
  if (error instanceof oidc.ClientError) {
    const detail = causeOf(error)
    // the callback answers a request that this browser did not make
    const stale = /"(state|nonce)"/.test(detail)
    return problem(stale ? 'stale_sign_in' : (error.code ?? 'client_error'), detail)
  }
  // fetch says TypeError when nobody answers
  return error instanceof TypeError && error.cause
    ? problem('unreachable', causeOf(error))
    : undefined
}

/** A problem by its code, with the words that we have for it. */
export function problem(code: string, description?: string): Problem {
  const words = (Object.hasOwn(explained, code) && explained[code]) || {
    title: 'The server answered with an error',
    advice: 'The details below say what it was. They are also in the log of the server.'
  }
  return { ...words, code, ...(description ? { description } : {}) }
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
