// The page of an app in the browser with oidc-client-ts: one file of the library, and a UserManager that the test speaks to. Hands out
// static files and nothing else.

import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'

const { issuer, clientId, port } = JSON.parse(process.argv[2])
const here = `http://localhost:${port}`
const entry = fileURLToPath(import.meta.resolve('oidc-client-ts'))
const library = entry.replace(/dist\/.*$/, 'dist/browser/oidc-client-ts.min.js')
const settings = {
  authority: issuer,
  client_id: clientId,
  redirect_uri: `${here}/callback`,
  post_logout_redirect_uri: `${here}/bye`,
  scope: 'openid profile email offline_access',
  prompt: 'consent',
  loadUserInfo: true,
  automaticSilentRenew: false
}
const page = `<!doctype html><meta charset="utf-8"><title>App</title><link rel="icon" href="data:,">
<script src="/oidc-client-ts.js"></script>
<script>window.manager = new oidc.UserManager(${JSON.stringify(settings)})</script>
<h1>App</h1>`

createServer(async (request, reply) => {
  const script = request.url === '/oidc-client-ts.js'
  reply.setHeader('content-type', script ? 'text/javascript' : 'text/html; charset=utf-8')
  reply.end(script ? await readFile(library) : page)
}).listen(port, '127.0.0.1')
