// One process of an app that has several: the app of the other tests with its sessions in PostgreSQL, on a port of its own. Its parent sends
// how far ahead its clock is, and it says how many refreshes it sent.

import { fastify } from 'fastify'
import {
  type BrowserSessionOptions,
  createBrowserSessions
} from '../../src/browser-session/browser-session.ts'
import { createPostgresStore } from './postgres-store.ts'
import { shortOf } from './short-token.ts'

const [url = '', port = '0', json = '{}'] = process.argv.slice(2)
let aheadSeconds = 0
let refreshes = 0
process.on('message', ahead => {
  aheadSeconds = Number(ahead)
  process.send?.('set')
})
process.on('disconnect', () => process.exit(0))

const sessions = createBrowserSessions({
  ...(JSON.parse(json) as BrowserSessionOptions),
  store: await createPostgresStore(url),
  now: () => Date.now() + aheadSeconds * 1000,
  fetch: async (input, init) => {
    if (String(init?.body).includes('grant_type=refresh_token')) refreshes += 1
    return globalThis.fetch(input, init)
  }
})
const app = fastify()
await app.register(sessions.routes)
app.get('/api/token', { onRequest: sessions.requireSession() }, async request => ({
  ...shortOf(await sessions.sessionOf(request).accessToken()),
  refreshes
}))
await app.listen({ port: Number(port), host: '127.0.0.1' })
process.send?.('listening')
