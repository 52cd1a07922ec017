// A machine that calls an API: client credentials (RFC 6749 §4.4) for one API (`resource`, RFC 8707). Keeps the token until shortly before
// it expires, asks once however many calls wait, and asks again when the API no longer takes it. Refuses metadata of another issuer.
// Node 20 or newer, nothing else.

import { fileURLToPath } from 'node:url'

/** Answers a function that resolves to an access token; `forget` drops the one that is kept. `now` is in milliseconds. */
export function createTokenSource({
  issuer,
  clientId,
  clientSecret,
  resource,
  scope,
  now = Date.now
}) {
  let kept

  async function request() {
    const discovery = await fetch(`${issuer}/.well-known/oauth-authorization-server`)
    const metadata = await discovery.json()
    // RFC 8414 §3.3: "The "issuer" value returned MUST be identical to the authorization server's issuer identifier value"
    if (metadata.issuer !== issuer) throw new Error(`${issuer} calls itself ${metadata.issuer}`)

    // RFC 6749 §2.3.1: both parts are form-encoded before base64
    const [id, secret] = [clientId, clientSecret].map(part =>
      new URLSearchParams([['', part]]).toString().slice(1)
    )
    const asked = now()
    const response = await fetch(metadata.token_endpoint, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', resource, scope }),
      redirect: 'error'
    })
    const answer = await response.json()
    if (!response.ok) throw new Error(`${answer.error}: ${answer.error_description}`)
    // a token that runs out on its way to the API is refused there; short ones are used for half of their life
    const reserve = Math.min(30, answer.expires_in / 2)
    return { token: answer.access_token, until: asked + (answer.expires_in - reserve) * 1000 }
  }

  function startRequest() {
    const started = request()
    kept = started
    // a failure is told to who waits now, and not kept for who comes later
    started.catch(() => {
      if (kept === started) kept = undefined
    })
    return started
  }

  return {
    async token() {
      const waiting = kept ?? startRequest()
      const { token, until } = await waiting
      if (now() < until) return token
      // who notices first asks; the others wait with it
      const next = kept === undefined || kept === waiting ? startRequest() : kept
      return (await next).token
    },
    forget() {
      kept = undefined
    }
  }
}

/** GET with a token; once more with a new one when the API refuses a token that looked good (revoked, or the API's keys changed). */
export async function callApi(url, tokens) {
  const get = async () =>
    fetch(url, { headers: { authorization: `Bearer ${await tokens.token()}` }, redirect: 'error' })
  const response = await get()
  if (response.status !== 401) return response
  tokens.forget()
  return get()
}

function variable(name) {
  const value = process.env[name]
  if (value) return value
  console.error(`${name} is not set: see examples/README.md`)
  process.exit(1)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const issuer = variable('MINTMARK_ISSUER')
  const tokens = createTokenSource({
    issuer,
    clientId: variable('MINTMARK_DEMO_MACHINE_CLIENT_ID'),
    clientSecret: variable('MINTMARK_DEMO_MACHINE_CLIENT_SECRET'),
    resource: process.env.API_RESOURCE ?? 'https://things.example.com',
    scope: process.env.API_SCOPE ?? 'read:things'
  })
  const urls = process.argv.slice(2)
  for (const url of urls.length > 0 ? urls : ['http://127.0.0.1:4000/things']) {
    const response = await callApi(url, tokens)
    console.log(response.status, await response.text())
    if (!response.ok) process.exitCode = 1
  }
}
