// examples/backend-for-frontend as a process of its own, with its configuration, the API of the other example, and a person who signs in, looks
// at their things and signs out.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { createBrowser } from '../support/browser.ts'
import { secretOf } from '../support/configuration.ts'
import { passPages } from '../support/relying-party.ts'
import { freePort, person, startTestServer } from '../support/server.ts'

const file = (name: string) => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url))

/** Starts a program that prints where it listens; answers what it printed. */
async function start(name: string, env: Record<string, string>): Promise<string> {
  const child: ChildProcess = spawn(process.execPath, [file(name)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env
  })
  t.teardown(async () => {
    if (child.kill()) await once(child, 'exit')
  })
  if (child.stdout === null) throw new Error(`${name} has no output`)
  const [line] = await once(createInterface(child.stdout), 'line')
  return String(line)
}

t.test('a person signs in, sees their things, and signs out; no token leaves', async t => {
  const port = await freePort()
  const here = `http://localhost:${port}`
  const client = {
    client_id: 'things-bff',
    client_secret: secretOf('things-bff'),
    redirect_uris: [`${here}/auth/callback`],
    post_logout_redirect_uris: [`${here}/`]
  }
  // what the command of the README makes
  const clients = [{ ...client, type: 'web', client_name: 'Things', refresh_tokens: 'always' }]
  const { resources } = JSON.parse(readFileSync(file('backend-for-frontend/mintmark.json'), 'utf8'))
  const { issuer } = await startTestServer(t, { clients, resources })
  const env = {
    MINTMARK_CLIENT_ID: client.client_id,
    MINTMARK_CLIENT_SECRET: client.client_secret
  }
  const resource = 'https://things.example.com'
  const api = { MINTMARK_ISSUER: issuer, API_RESOURCE: resource, API_PORT: '0' }
  const [apiUrl = ''] = (await start('protect-an-api.mjs', api)).split(' ')
  const app = { ...env, MINTMARK_ISSUER: issuer, API_URL: apiUrl, BFF_PORT: `${port}` }
  t.equal(await start('backend-for-frontend/server.mjs', app), `${here}/`)

  const seen: string[] = []
  const atApp = createBrowser({ origin: here })
  const look = async (path: string) => {
    const page = await atApp.get(path)
    seen.push(page.html, JSON.stringify([...page.headers]))
    return page
  }
  t.match((await look('/')).html, '/page.js')
  t.match((await look('/page.js')).html, '/auth/session')
  t.equal((await look('/api/things')).status, 401)

  const atIssuer = createBrowser({ origin: issuer })
  const begun = await look('/auth/login')
  const first = await atIssuer.get(begun.location ?? '')
  const redirectUri = `${here}/auth/callback`
  const { callbackUrl } = await passPages(atIssuer, first, { ...person, redirectUri })
  t.equal((await look(callbackUrl.href)).location?.href, `${here}/`)
  t.match(JSON.parse((await look('/auth/session')).html), { claims: { name: 'Ada Lovelace' } })
  const things = await look('/api/things')
  t.match([things.status, JSON.parse(things.html)], [200, { things: ['a thing'] }])
  t.notMatch(seen.join('\n'), /eyJ[\w-]+\.[\w-]+\.[\w-]+/, 'no token in any answer')

  const out = await atApp.post('/auth/logout', {}, { 'x-csrf': '1' })
  const { location } = JSON.parse(out.html)
  t.match(location, `${issuer}/`)
  t.match(new URL(location).searchParams.get('post_logout_redirect_uri'), `${here}/`)
  t.equal((await look('/api/things')).status, 401)
})
