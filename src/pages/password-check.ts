// A posted name and password, judged: what the sign-in of an app and the sign-in without one have in common. Owns the way from the
// authenticator's outcome to what the page says, its status and Retry-After.

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { LoginProblem } from '../views/login.ts'
import { deviceIn } from './device-cookie.ts'

/** What was found out about a name and a password. */
export type AuthenticateResult =
  | { ok: true; accountId: string; amr: string[] }
  /** `busy`: not looked at, come back; `throttled`: too many attempts; every other reason is told as one and the same sentence */
  | { ok: false; reason: string; retryAfterSeconds?: number | undefined }

/** @throws Fault `store_unavailable` */
export type Authenticate = (input: {
  login: string
  password: string
  /** network address of the person, for throttling */
  address: string
  /** what the browser keeps (device-cookie.ts) */
  device: string | undefined
  /** aborted when the person has gone */
  signal: AbortSignal
  /** for the audit trail; left out where no client leads to the page */
  clientId?: string
  requestId: string
}) => Promise<AuthenticateResult>

export async function checkPassword(
  authenticate: Authenticate,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  { login, password, secure }: { login: string; password: string; secure: boolean },
  client: { clientId?: string } = {}
): Promise<{ ok: true; accountId: string; amr: string[] } | { ok: false; problem: LoginProblem }> {
  const entered = { login, password }
  const missing = (['login', 'password'] as const).filter(id => entered[id] === '')
  if (missing.length > 0) return { ok: false, problem: { kind: 'missing', fields: missing } }
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  const device = deviceIn(request, secure)
  const asked = { address: request.ip, device, signal: gone.signal, requestId: request.id }
  const result = await authenticate({ ...entered, ...asked, ...client })
  return result.ok ? result : { ok: false, problem: problemOf(result) }
}

/** Status and Retry-After of a sign-in page with this problem. */
export function markProblem(reply: FastifyReply, problem: LoginProblem | undefined): void {
  if (problem?.kind === 'throttled' || problem?.kind === 'busy') {
    reply.header('retry-after', problem.seconds)
  }
  reply.code(statusOf(problem))
}

// 422 for a form that comes back: browsers show it like 200, but their password managers take an error status as "this password did not
// work" and do not offer to keep it. Not 401, which "MUST" carry WWW-Authenticate (RFC 9110 §15.5.2) and would open the browser's own
// dialogue.
function statusOf(problem: LoginProblem | undefined): number {
  return { none: 200, missing: 422, incorrect: 422, throttled: 429, busy: 503 }[
    problem?.kind ?? 'none'
  ]
}

function problemOf(refused: Extract<AuthenticateResult, { ok: false }>): LoginProblem {
  const seconds = refused.retryAfterSeconds
  if (refused.reason === 'busy')
    return { kind: 'busy', seconds: Math.max(1, Math.ceil(seconds ?? 2)) }
  if (refused.reason === 'throttled' || seconds !== undefined) {
    return { kind: 'throttled', seconds: Math.max(1, Math.ceil(seconds ?? 60)) }
  }
  return { kind: 'incorrect' }
}
