// A command that signs its user in without a browser of its own (device flow, RFC 8628) and calls an API for them. Keeps the refresh token
// in a file that only the user can read, so the next call asks for nothing. `things.mjs`, `things.mjs logout`. Node 20 or newer, nothing else.

import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const issuer = process.env.MINTMARK_ISSUER ?? 'http://localhost:3000'
const resource = process.env.API_RESOURCE ?? 'https://things.example.com'
const api = process.env.API_URL ?? 'http://127.0.0.1:4000/things'
const clientId = 'things-cli'
const file =
  process.env.THINGS_TOKENS ??
  join(process.env.XDG_STATE_HOME ?? join(homedir(), '.local/state'), 'things/tokens.json')

/** What the server answers to a form; a refusal is thrown with its code. */
async function post(url, parameters) {
  const body = new URLSearchParams({ client_id: clientId, ...parameters })
  const response = await fetch(url, { method: 'POST', body, redirect: 'error' })
  const text = await response.text()
  const answer = text ? JSON.parse(text) : {}
  if (response.ok) return answer
  throw Object.assign(new Error(answer.error_description ?? answer.error), { code: answer.error })
}

async function discover() {
  const response = await fetch(`${issuer}/.well-known/oauth-authorization-server`)
  const metadata = await response.json()
  // RFC 8414 §3.3: "The "issuer" value returned MUST be identical to the authorization server's issuer identifier value"
  if (metadata.issuer !== issuer) throw new Error(`${issuer} calls itself ${metadata.issuer}`)
  return metadata
}

// nothing is lost: the device code lives, and the next poll asks again
const waiting = new Set(['authorization_pending', 'temporarily_unavailable'])

async function signIn(metadata) {
  const scope = 'openid offline_access read:things'
  const device = await post(metadata.device_authorization_endpoint, { scope, resource })
  console.error(`Open ${device.verification_uri_complete}`)
  console.error(`and check that it shows ${device.user_code}.`)
  let interval = device.interval ?? 5
  const until = Date.now() + device.expires_in * 1000
  while (Date.now() < until) {
    await sleep(interval * 1000)
    try {
      return await post(metadata.token_endpoint, {
        grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
        device_code: device.device_code
      })
    } catch (error) {
      // RFC 8628 §3.5: "the interval MUST be increased by 5 seconds for this and all subsequent requests"
      if (error.code === 'slow_down') interval += 5
      else if (!waiting.has(error.code)) throw error
    }
  }
  throw new Error('Nobody signed in. Try again.')
}

async function keptToken() {
  try {
    return JSON.parse(await readFile(file, 'utf8')).refresh_token
  } catch {
    return undefined
  }
}

/** The refresh token rotates with each use: the next one is on the disk, whole, before anything else is done. */
async function keep({ refresh_token }) {
  if (refresh_token === undefined) return
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const written = `${file}.${process.pid}`
  await writeFile(written, JSON.stringify({ refresh_token }), { mode: 0o600 })
  await rename(written, file)
}

/** With the kept token, else by signing in. */
async function tokens(metadata) {
  const refresh_token = await keptToken()
  if (refresh_token !== undefined) {
    try {
      return await post(metadata.token_endpoint, {
        grant_type: 'refresh_token',
        refresh_token,
        resource
      })
    } catch (error) {
      // revoked or expired; anything else is an outage, and the token is kept
      if (error.code !== 'invalid_grant') throw error
    }
  }
  return signIn(metadata)
}

async function main([command = 'list']) {
  const metadata = await discover()
  if (command === 'logout') {
    const token = await keptToken()
    await rm(file, { force: true })
    if (token !== undefined) await post(metadata.revocation_endpoint, { token })
    return console.error('Signed out.')
  }
  const answer = await tokens(metadata)
  await keep(answer)
  const headers = { authorization: `Bearer ${answer.access_token}` }
  const response = await fetch(api, { headers, redirect: 'error' })
  console.log(response.status, await response.text())
  if (!response.ok) process.exitCode = 1
}

main(process.argv.slice(2)).catch(error => {
  console.error(error.message)
  process.exitCode = 1
})
