// Hands out the app in the browser: three files, and where its issuer is. Any web server does the same. Node 20 or newer, nothing else.

import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'

const issuer = process.env.MINTMARK_ISSUER ?? 'http://localhost:3000'
const port = Number(process.env.SPA_PORT ?? 4002)
const types = { html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8' }
const files = { '/': 'index.html', '/app.js': 'app.js', '/sign-in.js': 'sign-in.js' }

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://spa')
  const headers = {
    // what the page may load, and whom it may talk to
    'content-security-policy': `default-src 'none'; script-src 'self'; connect-src 'self' ${issuer}; base-uri 'none'; frame-ancestors 'none'`,
    // the address has the code in it for a moment
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-cache'
  }
  const send = (status, type, body) =>
    response.writeHead(status, { ...headers, 'content-type': type }).end(body)
  if (pathname === '/settings.json') {
    return send(200, 'application/json', JSON.stringify({ issuer, clientId: 'things-spa' }))
  }
  const name = files[pathname]
  if (name === undefined) return send(404, 'text/plain', 'There is nothing here.')
  send(200, types[name.split('.').pop()], await readFile(new URL(name, import.meta.url)))
})
// `localhost` is what the redirect URI says
server.listen(port, '127.0.0.1', () =>
  console.log(`http://localhost:${port}/ signs in at ${issuer}`)
)
