// An app with a backend-for-frontend, as somebody would write it, on a port of its own beside the real server: its pages, an API behind it
// that says what it was sent, and a browser that goes back and forth between the two.

import formbody from '@fastify/formbody'
import { fastify } from 'fastify'
import type { Test } from 'tap'
import {
  type BrowserSessionOptions,
  createBrowserSessions
} from '../../src/browser-session/browser-session.ts'
import { createBrowser } from '../support/browser.ts'
import { secretOf } from '../support/configuration.ts'
import { passPages } from '../support/relying-party.ts'
import { freePort, person, startTestServer, type TestServer } from '../support/server.ts'
import { shortOf } from './short-token.ts'

export interface Setting {
  server: TestServer
  appUrl: string
  /** the app's clock is this much ahead */
  clock: { aheadSeconds: number }
  options: BrowserSessionOptions
}

export async function startSetting(t: Test): Promise<Setting> {
  const appUrl = `http://localhost:${await freePort()}`
  const server = await startTestServer(t, {
    clients: [
      {
        client_id: 'bff',
        type: 'web',
        client_secret: secretOf('bff'),
        refresh_tokens: 'always',
        redirect_uris: [`${appUrl}/auth/callback`],
        post_logout_redirect_uris: [`${appUrl}/goodbye`],
        backchannel_logout_uri: `${appUrl}/auth/backchannel-logout`,
        backchannel_logout_session_required: true
      }
    ],
    resources: [
      {
        identifier: 'https://bff.example.com',
        scopes: { 'use:bff': { en: 'Use it' } },
        clients: ['bff']
      }
    ]
  })
  const clock = { aheadSeconds: 0 }
  const options: BrowserSessionOptions = {
    issuer: server.issuer,
    clientId: 'bff',
    clientSecret: secretOf('bff'),
    appUrl,
    scope: 'openid profile email use:bff',
    resource: 'https://bff.example.com',
    afterLogout: '/goodbye',
    now: () => Date.now() + clock.aheadSeconds * 1000
  }
  return { server, appUrl, clock, options }
}

/** The app on Fastify; with `listen` it answers at `appUrl`, else only `inject` reaches it. */
export async function startApp(
  t: Test,
  options: BrowserSessionOptions,
  reach: 'listen' | 'inject' = 'inject'
) {
  const sessions = createBrowserSessions(options)
  const app = fastify()
  t.teardown(() => app.close())
  // an app that reads forms itself: the routes bring their own reader and leave that one alone
  await app.register(formbody)
  await app.register(sessions.routes)
  const onRequest = sessions.requireSession()
  app.get('/api/token', { onRequest }, async request =>
    sessions.sessionOf(request).accessToken().then(shortOf)
  )
  app.post('/api/things', { onRequest }, async request => sessions.sessionOf(request).subject)
  app.get('/page', { onRequest: sessions.requireSession('redirect') }, async request =>
    String(sessions.sessionOf(request).claims['name'])
  )
  app.get('/open', async request => sessions.sessionOf(request).subject)
  if (reach === 'listen') {
    await app.listen({ port: Number(new URL(options.appUrl).port), host: '127.0.0.1' })
  }
  return app
}

/** A person at a browser: everything that was sent to the browser by the app is kept. */
export function createVisitor({ server, appUrl }: Setting) {
  const atApp = createBrowser({ origin: appUrl })
  const atIssuer = createBrowser({ origin: server.issuer })
  const seen: string[] = []
  const look = async (path: string, headers: Record<string, string> = {}) => {
    const page = await atApp.get(path, headers)
    seen.push(JSON.stringify([...page.headers]), page.html)
    return page
  }
  const script = { 'sec-fetch-site': 'same-origin', accept: 'application/json' }

  /** From the app to the pages of the issuer and back to the callback, which is not called. */
  async function toCallback(path = '/auth/login', consent: 'allow' | 'decline' = 'allow') {
    const start = await look(path)
    if (!start.location) throw new Error(`the app answered ${start.status}: ${start.html}`)
    return throughPages(start.location, consent)
  }

  async function throughPages(authorization: string | URL, consent: 'allow' | 'decline' = 'allow') {
    const page = await atIssuer.get(authorization)
    const redirectUri = `${appUrl}/auth/callback`
    return (await passPages(atIssuer, page, { ...person, redirectUri, consent })).callbackUrl
  }

  return {
    atApp,
    atIssuer,
    seen,
    look,
    toCallback,
    throughPages,
    async signIn(path?: string) {
      const callback = await toCallback(path)
      return look(callback.href)
    },
    get: (path: string) => look(path, script),
    post: (path: string, headers: Record<string, string> = script) => atApp.post(path, {}, headers)
  }
}
