// What the engine cannot say by itself: that the store is down (503, never `invalid_grant`, which makes clients throw their tokens away),
// that a conditional write lost after the engine had already answered 200, and what to do about an error. Refuses origins that no client
// of the request vouches for.

import type { KoaContextWithOIDC } from 'oidc-provider'
import { languageOf } from './engine-pages.ts'
import type { Renderers } from './ports.ts'
import { helpfulSentence, noClientAuthentication, sentenceFor } from './sentences.ts'

/** Endpoints where the status tells whether the request succeeded; on pages the engine refuses with 200 and 303, too. */
export const statusTells = new Set([
  'token',
  'pushed_authorization_request',
  'device_authorization',
  'backchannel_authentication',
  'registration',
  'client',
  'client_update',
  'client_delete',
  'introspection',
  'revocation',
  'userinfo'
])

/** Seconds after which trying again makes sense. */
const retryAfterSeconds = 2

/** Lost conditional writes, by the name that the statement raises: the protocol's own error for each. */
const lostWrites: Record<string, { status?: number; error: string; description: string }> = {
  refresh_token_spent: {
    error: 'invalid_grant',
    description: 'the refresh token was used or revoked meanwhile'
  },
  device_code_used: {
    error: 'invalid_request',
    description: 'this code was approved or declined already, in another window'
  },
  // CIBA Core §13: "The resource owner or OpenID Provider denied the CIBA (Client Initiated Backchannel Authentication) request."
  backchannel_requests_full: {
    status: 403,
    error: 'access_denied',
    description: 'this person has been asked too often; wait some minutes'
  },
  grant_source_spent: { error: 'invalid_grant', description: 'the code was used already' },
  request_uri_spent: {
    error: 'invalid_request_uri',
    description: 'request_uri is invalid, expired, or was already used'
  },
  interaction_spent: {
    error: 'invalid_request',
    description: 'this sign-in was completed already, in another tab or by a double click'
  },
  session_ended: {
    error: 'invalid_request',
    description: 'you were signed out in the meantime; begin again in the application'
  }
}

/** Routes that people see: errors there are pages. */
const pageRoutes = new Set([
  'authorization',
  'resume',
  'end_session',
  'end_session_confirm',
  'end_session_success',
  'code_verification',
  'device_resume'
])

function answer(
  ctx: KoaContextWithOIDC,
  renderers: Renderers,
  requestId: string,
  problem: { status: number; error: string; description: string }
): void {
  // what the engine has prepared must not leave: neither a code in a redirect nor a cookie for a session that was not saved
  ctx.remove('location')
  ctx.remove('set-cookie')
  ctx.status = problem.status
  ctx.set('cache-control', 'no-store')
  const route = ctx.oidc?.route
  // mount.ts says by this header who reads the answer
  if (route === undefined ? ctx.get('accept') === 'text/html' : pageRoutes.has(route)) {
    ctx.type = 'html'
    ctx.body = renderers.error({ ...problem, requestId, language: languageOf(ctx) })
    return
  }
  ctx.body = { error: problem.error, error_description: problem.description }
}

/** 503 with Retry-After: infrastructure is down, nothing of the client's is wrong, nothing was spent. */
export function answerUnavailable(
  ctx: KoaContextWithOIDC,
  renderers: Renderers,
  requestId: string
): void {
  answer(ctx, renderers, requestId, {
    status: 503,
    error: 'temporarily_unavailable',
    description: 'the server cannot reach a part of itself; try again in a moment'
  })
  ctx.set('retry-after', String(retryAfterSeconds))
}

/** Somebody else was first. `what` is the name that the statement raised. */
export function answerLost(
  ctx: KoaContextWithOIDC,
  renderers: Renderers,
  requestId: string,
  what: string
): void {
  const lost = lostWrites[what] ?? {
    error: 'invalid_request',
    description: 'the request was overtaken by another one'
  }
  answer(ctx, renderers, requestId, { status: 400, ...lost })
}

/** 500 for what was thrown around the engine's own error handler, instead of Koa's bare one. The cause is in the log, not here. */
export function answerFailed(
  ctx: KoaContextWithOIDC,
  renderers: Renderers,
  requestId: string
): void {
  answer(ctx, renderers, requestId, {
    status: 500,
    error: 'server_error',
    description: `something went wrong on our side; the request number is ${requestId}`
  })
}

interface ErrorBody {
  error: string
  error_description: string
}

/** The body of a refusal in JSON, by its two members (RFC 6749 §5.2). */
function errorBodyOf(ctx: KoaContextWithOIDC): ErrorBody | undefined {
  const body: unknown = ctx.status >= 400 ? ctx.body : undefined
  if (typeof body !== 'object' || body === null) return undefined
  const { error, error_description: description } = body as Partial<ErrorBody>
  if (typeof error !== 'string') return undefined
  return { ...body, error, error_description: description ?? sentenceFor(error) }
}

/** A refusal that goes back by the redirect (RFC 6749 §4.1.2.1), with the sentence that the page and the JSON of it would have. */
export function completeRedirect(payload: Record<string, unknown>): Record<string, unknown> {
  const { error, error_description: told } = payload
  if (typeof error !== 'string') return payload
  const sentence = typeof told === 'string' ? helpfulSentence(told) : sentenceFor(error)
  return { ...payload, error_description: printable(sentence) }
}

/** The engine's answer, completed: after everything else, before it leaves. */
export function completeAnswer(
  ctx: KoaContextWithOIDC,
  renderers: Renderers,
  issuer: string,
  requestId: string
): void {
  closeToStrangers(ctx)
  if (ctx.oidc === undefined) {
    // A path in a spelling that our router takes and the engine's does not: `/oauth/%74oken`.
    answer(ctx, renderers, requestId, {
      status: 404,
      error: ctx.get('accept') === 'text/html' ? 'not_found' : 'invalid_request',
      description: 'there is nothing at this address; write its path without percent-encoding'
    })
    return
  }
  const body = errorBodyOf(ctx)
  if (body === undefined) return
  const { error_description: told } = body
  // RFC 6749 §5.2, invalid_client: "unknown client, no client authentication included, or unsupported authentication method"
  const nobody = told === noClientAuthentication
  // RFC 6749 §5.2, unauthorized_client: "The authenticated client is not authorized to use this authorization grant type."
  const unauthorized = /^(requested grant type|urn:\S+) is not allowed for this client$/.test(told)
  const helpful =
    body.error === 'server_error'
      ? `something went wrong on our side; the request number is ${requestId}`
      : printable(
          helpfulSentence(told, {
            grantType: ctx.oidc.params?.['grant_type'],
            route: ctx.oidc.route
          })
        )
  ctx.body = {
    ...body,
    ...(nobody ? { error: 'invalid_client' } : {}),
    ...(unauthorized ? { error: 'unauthorized_client' } : {}),
    error_description: helpful
  }
  if (nobody) ctx.status = 401
  const challenge = String(ctx.response.get('www-authenticate') ?? '')
  // RFC 9110 §15.5.2: "The server generating a 401 response MUST send a WWW-Authenticate header field"
  if (ctx.status === 401 && challenge === '') {
    ctx.set('www-authenticate', `Basic realm="${issuer}", error="invalid_client"`)
  } else if (challenge.includes(told)) {
    ctx.set('www-authenticate', challenge.replaceAll(told, helpful))
  }
}

/** "Values for the "error_description" parameter MUST NOT include characters outside the set %x20-21 / %x23-5B / %x5D-7E" (RFC 6749 §5.2) */
function printable(sentence: string): string {
  return sentence.replaceAll('"', "'").replace(/[^\x20-\x5b\x5d-\x7e]/g, '?')
}

/**
 * The engine reflects any origin until it knows the client, and then asks whether that client has it. What ended before, or came from
 * nowhere, stays closed; metadata is open to everybody.
 */
function closeToStrangers(ctx: KoaContextWithOIDC): void {
  const route = ctx.oidc?.route ?? ''
  if (route.endsWith('discovery')) return
  const origin = ctx.get('origin')
  const preflight = ctx.method === 'OPTIONS' && origin !== 'null'
  if (origin !== '' && (preflight || ctx.oidc?.client !== undefined)) return
  for (const name of Object.keys(ctx.response.headers)) {
    if (name.toLowerCase().startsWith('access-control-')) ctx.remove(name)
  }
}
