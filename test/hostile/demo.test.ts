// The demo of development mode behind the same boundary: what its routes are sent is refused in words, and never becomes a 500.

import Fastify from 'fastify'
import t from 'tap'
import { demo } from '../../src/demo/plugin.ts'
import { createBoundary, originForm, refuseUnparsed } from '../../src/pages/boundary.ts'
import { createSite } from '../../src/pages/site.ts'
import { freePort } from '../support/server.ts'
import { hostileBodies, hostileHeaders, hostileParameters } from './corpus.ts'
import { type Endpoint, form } from './endpoints.ts'
import { exchange } from './wire.ts'

t.test('the demo refuses bad input in words', async t => {
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const site = createSite({ product: { name: 'mintmark' }, issuer })
  const boundary = createBoundary({ site, issuer, answersJson: () => false, anyHost: new Set() })
  const app = Fastify({
    rewriteUrl: originForm,
    frameworkErrors: boundary.refuseTarget,
    clientErrorHandler: refuseUnparsed
  })
  t.teardown(() => app.close())
  boundary.guard(app)
  await app.register(demo, {
    issuer,
    clientId: 'demo',
    resource: `${issuer}/demo/api`,
    product: { name: 'mintmark' },
    stylesheets: ['/a.css'],
    cookieKey: Buffer.alloc(32, 1)
  })
  await app.listen({ port, host: '127.0.0.1' })

  const posts = ['login', 'userinfo', 'refresh', 'things', 'logout'].map(
    (name): Endpoint => ({
      route: `/demo/${name}`,
      reader: 'person',
      methods: ['POST'],
      sound: { method: 'POST', target: `/demo/${name}`, headers: [form], body: 'csrf=nothing' }
    })
  )
  const gets = [
    '/demo',
    '/demo/callback?code=x&state=y',
    '/demo/api/things',
    '/demo/style.css'
  ].map(
    (target): Endpoint => ({ route: target, reader: 'person', methods: ['GET'], sound: { target } })
  )
  const failures: string[] = []
  for (const endpoint of [...posts, ...gets]) {
    const inputs = [hostileBodies, hostileParameters, hostileHeaders].flatMap(make =>
      make(endpoint)
    )
    for (const { title, wire } of inputs) {
      const { status, headers, text } = await exchange(port, `localhost:${port}`, wire)
      if (status >= 500) failures.push(`${title}: ${status} ${text.slice(0, 200)}`)
      if (headers['x-content-type-options'] !== 'nosniff' && status !== 417)
        failures.push(`${title}: nosniff`)
      if (/Error:|node_modules|\.ts:\d/.test(text)) failures.push(`${title}: ${text.slice(0, 200)}`)
    }
  }
  t.same(failures, [])
})
