// Sessions for browser apps, as a backend-for-frontend (draft-ietf-oauth-browser-based-apps §6.1): the tokens stay here, and the browser has a
// cookie that means nothing elsewhere. Owns what a Fastify app uses: the routes to mount, the hook for its own routes, and the session of a
// request. Uses no decorator.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { createLogoutReceiver } from './back-channel-logout.ts'
import { createCookies } from './cookies.ts'
import { csrfProblem } from './csrf.ts'
import { LoginRequired } from './failure.ts'
import { assertOptions, type BrowserSessionOptions } from './options.ts'
import { createRelyingParty } from './relying-party.ts'
import { createRoutes } from './routes.ts'
import { createMemoryStore } from './session-store.ts'
import { createSessions, type LiveSession } from './sessions.ts'
import { createTokenRefresh } from './token-refresh.ts'

export type { BrowserSessionOptions } from './options.ts'
export type { EndedSessions, SessionRow, SessionStore } from './session-store.ts'

/** The session of a request, as the app sees it. */
export interface BrowserSession {
  /** `sub` at the issuer */
  readonly subject: string
  /** of the ID token */
  readonly claims: Readonly<Record<string, unknown>>
  /**
   * One that still counts, renewed where needed, for the API that the app is configured with. Never give it to the browser.
   * @throws LoginRequired (401) when the session is over
   * @throws IssuerUnavailable (503) when none is to be had right now: the session stays
   */
  accessToken(): Promise<string>
}

/** What becomes of a request without a session: `refuse` is 401 in JSON, `redirect` sends a page's visitor to sign in. */
export type Otherwise = 'refuse' | 'redirect'

/** Makes the parts of one app. Nothing is asked of the issuer before the first sign-in. */
export function createBrowserSessions(options: BrowserSessionOptions) {
  const appUrl = assertOptions(options)
  const { prefix = '/auth', csrf = 'origin', now = Date.now } = options
  const { store = createMemoryStore({ now }) } = options
  const { idleSeconds = 1_800, absoluteSeconds = 43_200 } = options
  const cookies = createCookies({ appUrl, name: options.cookieName ?? 'session' })
  const relyingParty = createRelyingParty({
    ...options,
    redirectUri: `${appUrl.origin}${prefix}/callback`,
    now
  })
  const { issuer, clientId, fetch } = options
  const sessions = createSessions({ store, issuer, idleSeconds, absoluteSeconds, now })
  const tokens = createTokenRefresh({ sessions, relyingParty, now })
  const found = new WeakMap<FastifyRequest, BrowserSession>()
  const login = `${prefix}/login`

  function viewOf(session: LiveSession): BrowserSession {
    const { claims } = session.content
    return { subject: claims.sub, claims, accessToken: () => tokens.accessToken(session) }
  }

  /** An `onRequest` hook: a request that changes something must come from the app's own pages. */
  async function requireSameOrigin(request: FastifyRequest, reply: FastifyReply) {
    const problem = csrfProblem(request, { appUrl, demand: csrf })
    if (problem === undefined) return
    return reply
      .code(403)
      .header('cache-control', 'no-store')
      .send({ error: 'cross_site_request', error_description: problem })
  }

  return {
    /** A Fastify plugin: login, callback, logout, session and back-channel logout, under `prefix`. */
    routes: createRoutes({
      ...{ appUrl, prefix, login, afterLogout: options.afterLogout ?? '/' },
      ...{ cookies, sessions, relyingParty, requireSameOrigin, now },
      readLogoutToken: createLogoutReceiver({ issuer, clientId, relyingParty, fetch, now })
    }),

    requireSameOrigin,

    /**
     * An `onRequest` hook: the request goes on with a session, which it prolongs, and, if it changes something, from the app's own pages
     * alone; else it is answered here.
     */
    requireSession(otherwise: Otherwise = 'refuse') {
      return async (request: FastifyRequest, reply: FastifyReply) => {
        const answered = await requireSameOrigin(request, reply)
        if (answered) return answered
        const session = await sessions.find(cookies.session.read(request.headers.cookie))
        reply.header('cache-control', 'no-store')
        if (session === undefined) {
          const page = otherwise === 'redirect' && request.method === 'GET'
          const back = new URLSearchParams({ return_to: request.originalUrl })
          return page
            ? reply.redirect(`${login}?${back}`, 303)
            : reply.code(401).send({ error: 'login_required', login })
        }
        const maxAge = await sessions.touch(session)
        if (maxAge !== undefined) {
          reply.header('set-cookie', cookies.session.write(session.id, maxAge))
        }
        found.set(request, viewOf(session))
      }
    },

    /**
     * The session of a request that came through `requireSession`.
     * @throws LoginRequired when the route has no such hook
     */
    sessionOf(request: FastifyRequest): BrowserSession {
      const session = found.get(request)
      if (!session) throw new LoginRequired('no session was required here: add requireSession')
      return session
    }
  }
}
