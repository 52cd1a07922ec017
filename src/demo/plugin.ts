// The relying party of development mode: routes under /demo. Owns the order of a sign-in as an app
// sees it, and a small API that is protected by our own verification. Reaches the server only over
// HTTP at its issuer, as an app elsewhere would; refuses every POST without the token of its form.
// Never mounted in production.

import { readFile } from 'node:fs/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { createTokenGuard } from '../resource-server/fastify.ts'
import { createVerifier } from '../resource-server/verifier.ts'
import { type DemoSite, problemPage, startPage, tokensPage } from './pages.ts'
import { explain, type Problem, problem } from './problem.ts'
import { createRelyingParty, type Tokens } from './relying-party.ts'
import { createStateCookie, type DemoState, freshState, hasCsrf } from './state.ts'

export interface DemoOptions {
  /** http on loopback; the demo lives at `<issuer>/demo` */
  issuer: string
  /**
   * a public client with redirect URI `<issuer>/demo/callback` and post-logout redirect URI
   * `<issuer>/demo`
   */
  clientId: string
  /** identifier of the demo API, with the scope `read:things` */
  resource: string
  product: { name: string }
  /** paths of the product's stylesheets, in order */
  stylesheets: readonly string[]
  /** path of the product's icon */
  icon?: string
  /** seals what the demo keeps in the browser: 32 bytes that survive a restart */
  cookieKey: Buffer
  /** milliseconds since the epoch */
  now?: () => number
}

/** Registers the demo: a Fastify plugin. */
export async function demo(app: FastifyInstance, options: DemoOptions): Promise<void> {
  const { issuer, clientId, resource, now = Date.now } = options
  const site: DemoSite = options
  const relyingParty = createRelyingParty({ issuer, clientId, resource })
  const cookie = createStateCookie({
    key: options.cookieKey,
    secure: issuer.startsWith('https:')
  })
  const style = await readFile(new URL('./style.css', import.meta.url), 'utf8')

  const broughtBy = (request: FastifyRequest) => cookie.read(request.headers.cookie)
  const stateOf = (request: FastifyRequest) => broughtBy(request) ?? freshState()
  const keep = (reply: FastifyReply, state: DemoState) =>
    reply.removeHeader('set-cookie').header('set-cookie', cookie.write(state))

  function show(reply: FastifyReply, state: DemoState, page: string, status = 200) {
    return keep(reply, state).code(status).type('text/html; charset=utf-8').send(page)
  }

  async function showProblem(
    reply: FastifyReply,
    state: DemoState,
    found: Problem,
    status: number
  ) {
    return show(reply, state, await problemPage(site, state, found), status)
  }

  /** A route behind a button: the form's token is checked, errors of the protocol become a page. */
  function onPost(
    path: string,
    act: (state: DemoState, reply: FastifyReply) => Promise<FastifyReply>
  ) {
    app.post(path, async (request, reply) => {
      const state = stateOf(request)
      if (!hasCsrf(state, request.body)) {
        return showProblem(reply, state, problem('form_expired'), 403)
      }
      return attempt(state, reply, () => act(state, reply))
    })
  }

  async function attempt(
    state: DemoState,
    reply: FastifyReply,
    work: () => Promise<FastifyReply>
  ): Promise<FastifyReply> {
    try {
      return await work()
    } catch (error) {
      const found = explain(error)
      if (!found) throw error
      reply.log.info({ code: found.code }, 'the demo was refused')
      return showProblem(reply, state, found, found.code === 'unreachable' ? 502 : 400)
    }
  }

  /**
   * A button of the signed-in page: does its work, then shows the page anew (303, so that reloading
   * repeats nothing).
   */
  function onAction(
    path: string,
    act: (tokens: Tokens, state: DemoState) => Promise<DemoState['outcome']>
  ) {
    onPost(path, async (state, reply) => {
      if (state.tokens) {
        const outcome = await act(state.tokens, state).catch(error => {
          const found = explain(error)
          if (!found) throw error
          const { title, advice, code, description = '' } = found
          return { title, problem: `${advice} (${code}: ${description})`, exchanges: [] }
        })
        Object.assign(state, { outcome })
      }
      return keep(reply, state).redirect('/demo', 303)
    })
  }

  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(pageHeaders)
  })
  addFormParser(app)

  app.get('/demo/style.css', async (_request, reply) =>
    reply.header('cache-control', 'no-cache').type('text/css; charset=utf-8').send(style)
  )

  app.get('/demo', async (request, reply) => {
    const brought = broughtBy(request)
    const { outcome, notice, ...state } = brought ?? freshState()
    const { tokens } = state
    const page = tokens
      ? await tokensPage(site, { ...state, tokens, ...(outcome ? { outcome } : {}) }, now())
      : await startPage(site, notice ? { ...state, notice } : state)
    // What was shown once is forgotten; otherwise the cookie is left alone, since a button pressed
    // in another tab may just have put a newer refresh token into it.
    if (!brought || outcome || notice) keep(reply, state)
    return reply.type('text/html; charset=utf-8').send(page)
  })

  onPost('/demo/login', async (state, reply) => {
    const { url, pending } = await relyingParty.begin()
    return keep(reply, { csrf: state.csrf, pending }).redirect(url, 303)
  })

  app.get('/demo/callback', async (request, reply) => {
    const { pending, ...state } = stateOf(request)
    if (!pending) return showProblem(reply, state, problem('stale_sign_in'), 400)
    return attempt(state, reply, async () => {
      const query = new URL(request.url, issuer).search
      const tokens = await relyingParty.finish(query, pending)
      return keep(reply, { csrf: state.csrf, tokens }).redirect('/demo', 303)
    })
  })

  onAction('/demo/userinfo', (tokens, state) =>
    relyingParty.userinfo(tokens, next => {
      state.tokens = next
    })
  )

  onAction('/demo/refresh', async (tokens, state) => {
    const refreshed = await relyingParty.refresh(tokens)
    state.tokens = refreshed.tokens
    return refreshed.outcome
  })

  onAction('/demo/things', tokens => relyingParty.callApi(tokens))

  onPost('/demo/logout', async (state, reply) => {
    const url = state.tokens ? await relyingParty.signOut(state.tokens) : '/demo'
    return keep(reply, { csrf: state.csrf, notice: 'signed_out' }).redirect(url, 303)
  })

  // The demo API: it has issuer and audience, and nothing of the demo's session.
  const { requireToken, tokenOf } = createTokenGuard({
    verifier: createVerifier({ issuer, audience: resource, now })
  })
  app.get(
    '/demo/api/things',
    { onRequest: requireToken({ scope: 'read:things' }) },
    async request => {
      const { subject, clientId: caller, scopes } = tokenOf(request)
      return {
        things: ['a mint mark', 'a coin', 'a die'],
        for: subject,
        asked_by: caller,
        scope: [...scopes].join(' ')
      }
    }
  )
}

// No form-action: browsers hold it against every redirect behind a form, and ours leads to the
// issuer.
const pageHeaders = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY'
}

/** Forms, where the server around the demo does not read them already. */
function addFormParser(app: FastifyInstance): void {
  const type = 'application/x-www-form-urlencoded'
  if (app.hasContentTypeParser(type)) return
  const read = async (_request: FastifyRequest, body: string) =>
    Object.fromEntries(new URLSearchParams(body))
  app.addContentTypeParser(type, { parseAs: 'string', bodyLimit: 4096 }, read)
}
