// The routes of sign-in and sign-out: GET login, callback and session, POST logout and backchannel-logout. Owns their order and answers.
// Refuses a callback that this browser did not begin, a place to return to outside the app, and to sign anybody out by a link.

import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { LogoutNotice } from './back-channel-logout.ts'
import type { Cookies } from './cookies.ts'
import { IssuerUnavailable } from './failure.ts'
import type { RelyingParty } from './relying-party.ts'
import type { SessionContent, Sessions } from './sessions.ts'
import { beginSignIn, resumeSignIn, safeReturnTo, signInIdOf } from './sign-in.ts'
import { isOutage, saidBy } from './sign-in-failure.ts'
import { tokensOf } from './token-refresh.ts'

/** What a page of the app may add to the request to sign in. */
const parameters = ['acr_values', 'login_hint', 'max_age', 'prompt', 'ui_locales']
/** of the ID token, but about the token and not about the person */
const technical = [
  'aud',
  'at_hash',
  'c_hash',
  's_hash',
  'azp',
  'exp',
  'iat',
  'iss',
  'jti',
  'nonce',
  'sid'
]

export function createRoutes(parts: {
  appUrl: URL
  prefix: string
  login: string
  afterLogout: string
  cookies: Cookies
  sessions: Sessions
  relyingParty: RelyingParty
  requireSameOrigin: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>
  readLogoutToken: (token: unknown) => Promise<LogoutNotice | string>
  now: () => number
}): FastifyPluginAsync {
  const { appUrl, prefix, login, cookies, sessions, relyingParty, now } = parts
  const afterLogout = safeReturnTo(parts.afterLogout, appUrl).href
  const sessionIn = (request: FastifyRequest) =>
    sessions.find(cookies.session.read(request.headers.cookie))

  /** Ends a session here; its refresh token must not outlive it. */
  async function end(session: NonNullable<Awaited<ReturnType<typeof sessionIn>>>) {
    await sessions.end(session)
    await relyingParty.revoke(session.content.refreshToken)
  }

  async function begin(request: FastifyRequest, reply: FastifyReply) {
    const query = request.query as Record<string, unknown>
    const { href } = safeReturnTo(query['return_to'], appUrl)
    const signIn = beginSignIn(href.slice(appUrl.origin.length))
    const more = parameters.flatMap(name =>
      typeof query[name] === 'string' ? [[name, query[name]] as const] : []
    )
    const url = await relyingParty.begin(signIn.checks, Object.fromEntries(more))
    return reply
      .header('set-cookie', cookies.signIn.write(request.headers.cookie, signIn.id, signIn.value))
      .redirect(url.href, 303)
  }

  async function finish(request: FastifyRequest, reply: FastifyReply) {
    const query = request.query as Record<string, unknown>
    const id = signInIdOf(query['state'])
    const signIn =
      id === undefined
        ? undefined
        : resumeSignIn(id, cookies.signIn.read(request.headers.cookie, id))
    if (signIn === undefined) {
      return failed(reply, 400, 'This sign-in was not begun in this browser, or is long ago.')
    }
    // whatever comes of it, it counts once
    reply.header('set-cookie', cookies.signIn.clear(signIn.id))
    try {
      const asked = Math.floor(now() / 1000)
      const search = request.originalUrl.replace(/^[^?]*/, '')
      const answer = await relyingParty.finish(search, signIn.checks)
      const claims = answer.claims() as SessionContent['claims'] | undefined
      if (claims === undefined) throw new TypeError('there is no ID token')

      // ASVS 7.2.4: a session from before ends, and the new one has an id that nobody had
      const before = await sessionIn(request)
      if (before) await end(before)
      const begun = await sessions.begin({ claims, ...tokensOf(answer, asked) })
      reply.header('set-cookie', cookies.session.write(begun.id, begun.maxAgeSeconds))
      return reply.redirect(safeReturnTo(signIn.returnTo, appUrl).href, 303)
    } catch (error) {
      if (isOutage(error))
        throw new IssuerUnavailable('the sign-in cannot be finished', { cause: error })
      request.log.warn({ err: error }, 'a sign-in failed')
      return failed(reply, 400, saidBy(error))
    }
  }

  /** For a person: what happened, and the way on. No text of the request is in it. */
  function failed(reply: FastifyReply, status: number, sentence: string) {
    return reply
      .code(status)
      .type('text/html; charset=utf-8')
      .header('content-security-policy', "default-src 'none'; frame-ancestors 'none'")
      .send(
        `<!doctype html><html lang="en"><title>Sign-in</title><h1>You are not signed in</h1>` +
          `<p>${sentence}</p><p><a href="${login}">Sign in</a> <a href="/">Start page</a></p></html>`
      )
  }

  async function signOut(request: FastifyRequest, reply: FastifyReply) {
    const session = await sessionIn(request)
    let location = afterLogout
    if (session) {
      await end(session)
      const url = await relyingParty.signOutUrl(session.content.idToken, afterLogout)
      location = url?.href ?? afterLogout
    }
    reply.header('set-cookie', cookies.session.clear())
    // a form goes there by itself, a script must send the browser
    return /\btext\/html\b/.test(request.headers.accept ?? '')
      ? reply.redirect(location, 303)
      : reply.send({ location })
  }

  async function tell(request: FastifyRequest, reply: FastifyReply) {
    const session = await sessionIn(request)
    if (session === undefined) return reply.code(401).send({ error: 'login_required', login })
    const about = Object.entries(session.content.claims).filter(
      ([name]) => !technical.includes(name)
    )
    return reply.send({ claims: Object.fromEntries(about), ...sessions.endsOf(session) })
  }

  async function endByIssuer(request: FastifyRequest, reply: FastifyReply) {
    const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
    const notice = await parts.readLogoutToken(form.get('logout_token') ?? undefined)
    if (typeof notice === 'string') {
      // Back-Channel Logout §2.8
      return reply.code(400).send({ error: 'invalid_request', error_description: notice })
    }
    await sessions.endByIssuer(notice)
    return reply.code(204).send()
  }

  return async app => {
    app.removeAllContentTypeParsers()
    app.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: 16 * 1024 },
      async (_request: FastifyRequest, body: string | Buffer) => new URLSearchParams(String(body))
    )
    app.addContentTypeParser('*', async () => undefined)
    app.addHook('onRequest', async (_request, reply) => {
      reply.header('cache-control', 'no-store')
    })
    const sameOrigin = { onRequest: parts.requireSameOrigin }
    // a HEAD would use a code up
    const getOnly = { exposeHeadRoute: false }
    app.get(login, getOnly, begin)
    app.get(`${prefix}/callback`, getOnly, finish)
    app.get(`${prefix}/session`, tell)
    app.post(`${prefix}/logout`, sameOrigin, signOut)
    app.post(`${prefix}/backchannel-logout`, endByIssuer)
  }
}
