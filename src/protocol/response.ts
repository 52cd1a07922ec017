// What the engine cannot say by itself: that the store is down (503, never `invalid_grant`, which makes clients throw their tokens away),
// and that a conditional write lost after the engine had already answered 200.

import type { KoaContextWithOIDC } from 'oidc-provider'
import { languageOf } from './engine-pages.ts'
import type { Renderers } from './ports.ts'

/** Seconds after which trying again makes sense. */
const retryAfterSeconds = 2

/** Lost conditional writes, by the name that the statement raises: the protocol's own error for each. */
const lostWrites: Record<string, { error: string; description: string }> = {
  refresh_token_spent: {
    error: 'invalid_grant',
    description: 'the refresh token was used or revoked meanwhile'
  },
  grant_source_spent: { error: 'invalid_grant', description: 'the code was used already' },
  request_uri_spent: {
    error: 'invalid_request_uri',
    description: 'request_uri is invalid, expired, or was already used'
  },
  interaction_spent: {
    error: 'invalid_request',
    description: 'this sign-in was completed already, in another tab or by a double click'
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
  if (route !== undefined && pageRoutes.has(route)) {
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
    description: 'the server cannot reach its database; try again in a moment'
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
