// Which origins may read an answer, and the headers that pages promise.

import Fastify from 'fastify'
import t from 'tap'
import { createBoundary, originForm } from '../../src/pages/boundary.ts'
import { createSite } from '../../src/pages/site.ts'
import { endpoints } from '../../src/protocol/configuration.ts'
import { redirectUri } from '../support/configuration.ts'
import { assertUnharmed, pageHeadersHold, startArena } from './arena.ts'
import { authorizeQuery, basic, form, type Headers } from './endpoints.ts'
import type { Answer, Wire } from './wire.ts'

const allow = 'access-control-allow-origin'
const own = 'https://spa.example.com'
const stranger = 'https://evil.example'

const app = {
  client_id: 'app',
  type: 'native',
  client_name: 'An app with a scheme of its own',
  redirect_uris: ['com.example.app:/callback']
}

t.test('an origin reads only what a client of that origin asked for (RFC 9700 §2.6)', async t => {
  const arena = await startArena(t, { clients: [app] })
  const { token, userinfo, revocation, device_authorization, introspection } = endpoints
  const par = endpoints.pushed_authorization_request
  const post = (
    target: string,
    body: string,
    origin: string,
    ...headers: Headers
  ): Promise<Answer> =>
    arena.send({ method: 'POST', target, headers: [form, ['origin', origin], ...headers], body })

  for (const target of [token, revocation, par]) {
    const body = 'client_id=spa&grant_type=refresh_token&refresh_token=x&token=x'
    const known = await post(target, body, own)
    t.equal(known.headers[allow], own, `${target}: the client’s own origin`)
    t.equal(known.headers['access-control-allow-credentials'], undefined)
    t.equal(known.headers['vary'], 'Origin')
  }
  const refused: [string, string, string][] = [
    ['another origin', 'client_id=spa', stranger],
    ['the origin of another client', 'client_id=spa', new URL(redirectUri).origin],
    ['the origin with a port', 'client_id=spa', `${own}:8443`],
    ['the origin over http', 'client_id=spa', own.replace('https', 'http')],
    ['a longer name', 'client_id=spa', `${own}.evil.example`],
    ['Origin: null', 'client_id=spa', 'null'],
    ['Origin: null, for a private-use scheme', 'client_id=app', 'null'],
    ['no client', 'grant_type=refresh_token', stranger],
    ['no client, Origin: null', 'grant_type=refresh_token', 'null'],
    ['an unknown client', 'client_id=nobody', stranger],
    ['quotes', 'client_id=spa', '"\\'],
    ['nothing', 'client_id=spa', '']
  ]
  for (const target of [token, introspection, revocation, par, device_authorization, userinfo]) {
    for (const [title, body, origin] of refused) {
      const wire: Wire = { method: 'POST', target, headers: [form, ['origin', origin]], body }
      const answer = await arena.send(wire)
      t.equal(answer.headers[allow], undefined, `${target}: ${title}`)
      t.ok(answer.status >= 400, `${target}: ${title}: ${answer.status}`)
      t.same(arena.problemsOf({ reader: 'client' }, wire, answer), [])
    }
    const silent = await arena.send({
      method: 'POST',
      target,
      headers: [form],
      body: 'client_id=spa'
    })
    t.equal(silent.headers[allow], undefined, `${target}: without Origin`)
  }
  const secret = await post(token, 'grant_type=client_credentials', stranger, basic('billing'))
  t.equal(secret.status, 400, 'right credentials from a stranger’s page')
  t.notMatch(secret.text, 'access_token')
  await assertUnharmed(t, arena)
})

t.test('preflights name no credentials and no opaque origin; metadata is open', async t => {
  const arena = await startArena(t)
  const preflight = (target: string, origin: string) =>
    arena.send({
      method: 'OPTIONS',
      target,
      headers: [
        ['origin', origin],
        ['access-control-request-method', 'POST']
      ]
    })
  for (const target of [endpoints.token, endpoints.userinfo, endpoints.revocation]) {
    const answer = await preflight(target, own)
    t.equal(answer.status, 204)
    t.equal(answer.headers[allow], own)
    t.equal(answer.headers['access-control-allow-credentials'], undefined)
    t.equal((await preflight(target, 'null')).headers[allow], undefined, `${target}: null`)
  }
  for (const target of ['/.well-known/openid-configuration', endpoints.jwks]) {
    const answer = await arena.send({ target, headers: [['origin', stranger]] })
    t.match(answer.headers[allow], /^(\*|https:\/\/evil\.example)$/, target)
  }
})

t.test('no page can be read by, or framed in, another site', async t => {
  const arena = await startArena(t)
  for (const target of [
    `/authorize?${authorizeQuery}`,
    '/authorize?client_id=spa',
    '/device',
    '/logout',
    '/nowhere'
  ]) {
    for (const origin of [own, stranger, 'null']) {
      const answer = await arena.send({ target, headers: [['origin', origin]] })
      t.equal(answer.headers[allow], undefined, `${target} from ${origin}`)
      t.ok(pageHeadersHold(answer.headers), target)
      t.equal(answer.headers['cache-control'], 'no-store')
      t.notMatch(
        answer.text,
        /(src|href|action)="https?:\/\/(?!localhost)/,
        'nothing from elsewhere'
      )
    }
    const preflight = await arena.send({
      method: 'OPTIONS',
      target,
      headers: [
        ['origin', own],
        ['access-control-request-method', 'GET']
      ]
    })
    t.equal(preflight.headers[allow], undefined, `OPTIONS ${target}`)
  }
  const shown = await arena.send({ target: '/device' })
  t.match(shown.headers['set-cookie'], /httponly/i)
})

t.test('every answer of an https issuer carries HSTS, refusals included', async t => {
  const issuer = 'https://id.example.com'
  const site = createSite({ product: { name: 'mintmark' }, issuer })
  const boundary = createBoundary({
    site,
    issuer,
    answersJson: path => path === '/json',
    anyHost: new Set()
  })
  const app = Fastify({ rewriteUrl: originForm, frameworkErrors: boundary.refuseTarget })
  t.teardown(() => app.close())
  boundary.guard(app)
  app.get('/json', async () => ({ ok: true }))
  app.get('/broken', async () => {
    throw new Error('SELECT secret FROM somewhere')
  })
  const ask = (url: string, host = 'id.example.com', method: 'GET' | 'PUT' = 'GET') =>
    app.inject({ method, url, headers: { host } })
  const answers = {
    served: [await ask('/json'), 200],
    'at the default port': [await ask('/json', 'id.example.com:443'), 200],
    'at the port of http': [await ask('/json', 'id.example.com:80'), 421],
    'at another name': [await ask('/json', 'evil.example'), 421],
    'no such page': [await ask('/nowhere'), 404],
    'no such method': [await ask('/json', undefined, 'PUT'), 405],
    'an unreadable path': [await ask('/%'), 400],
    'a fault': [await ask('/broken'), 500]
  } as const
  for (const [title, [answer, status]] of Object.entries(answers)) {
    t.equal(answer.statusCode, status, title)
    t.equal(answer.headers['strict-transport-security'], 'max-age=31536000', title)
    t.equal(answer.headers['x-content-type-options'], 'nosniff', title)
    t.notMatch(answer.body, /SELECT|boundary\.ts/, `${title}: nothing private`)
  }
})
