// What a sign-in that failed means for the person (RFC 6749 §4.1.2.1, §5.2): a sentence of ours for it, and whether it is nobody's fault and
// worth another try.

import * as oidc from 'openid-client'
import { IssuerUnavailable } from './failure.ts'

const sentences: Readonly<Record<string, string>> = {
  access_denied: 'You declined, or may not use this app.',
  login_required: 'You are not signed in there.',
  invalid_grant: 'The sign-in took too long, or was finished already.'
}

/** Text of ours only: a callback's own words come from whoever made the link. */
export function saidBy(error: unknown): string {
  const code =
    error instanceof oidc.AuthorizationResponseError || error instanceof oidc.ResponseBodyError
      ? error.error
      : ''
  return Object.hasOwn(sentences, code)
    ? (sentences[code] ?? '')
    : 'The sign-in could not be finished. Please try again.'
}

/** The issuer was not reached, or said that it cannot right now. */
export function isOutage(error: unknown): boolean {
  if (error instanceof IssuerUnavailable) return true
  if (error instanceof oidc.ResponseBodyError) return error.status >= 500 || error.status === 429
  if (error instanceof oidc.AuthorizationResponseError) {
    return error.error === 'temporarily_unavailable' || error.error === 'server_error'
  }
  const cause = error instanceof Error ? (error.cause ?? error) : undefined
  return (
    (cause instanceof TypeError && /fetch failed/.test(cause.message)) ||
    (cause instanceof Error && cause.name === 'TimeoutError')
  )
}
