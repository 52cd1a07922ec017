// What every relying party is given: a server as `npm start` runs it, a client of its own in the server's configuration, a port, and the person
// who signs in. The examples' own configuration is part of it, with other ports.

import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Lifetime } from '../support/lifetime.ts'
import { makePlace, mintmark, startMintmark } from '../support/process.ts'
import { freePort } from '../support/server.ts'

/** What is configured for each: members of its client besides id, name and secret. */
const parties = {
  'openid-client': (here: string) => ({
    ...web(here),
    backchannel_logout_uri: `${here}/backchannel`,
    backchannel_logout_session_required: true
  }),
  'auth-js': (here: string) => ({
    ...web(here),
    redirect_uris: [`${here}/auth/callback/mintmark`]
  }),
  // passport's OAuth client sends the secret in the body
  'passport-openidconnect': (here: string) => ({
    ...web(here),
    token_endpoint_auth_method: 'client_secret_post'
  }),
  'oidc-client-ts': (here: string) => ({
    ...web(here),
    type: 'spa'
  }),
  'mod-auth-openidc': (here: string) => ({
    ...web(here),
    redirect_uris: [`${here}/protected/callback`],
    backchannel_logout_uri: `${here}/protected/callback?logout=backchannel`,
    backchannel_logout_session_required: true
  }),
  authlib: web
}

function web(here: string) {
  return {
    type: 'web',
    redirect_uris: [`${here}/callback`],
    post_logout_redirect_uris: [`${here}/bye`]
  }
}

export type Party = keyof typeof parties

export interface Relying {
  port: number
  clientId: string
  clientSecret: string
}

export interface Setting {
  issuer: string
  person: { login: string; password: string }
  /** the API of examples/mintmark.json */
  audience: string
  party(name: Party): Relying
  /** ports of the web app and of the app in the browser, as the configuration has them */
  examplePorts: { web: number; spa: number }
  /** variables that `mintmark status -o env` prints */
  env: Record<string, string>
  /** requests at the token endpoint so far */
  tokenRequests(): number
  /** runs the command `mintmark`; answers what it printed */
  mintmark(args: string[]): Promise<string>
}

/** Starts the server; it ends with `life`. */
export async function createSetting(life: Lifetime): Promise<Setting> {
  const examplePorts = { web: await freePort(), spa: await freePort() }
  const examples = JSON.parse(
    readFileSync(new URL('../../examples/mintmark.json', import.meta.url), 'utf8').replaceAll(
      'http://localhost:4002',
      `http://localhost:${examplePorts.spa}`
    )
  )
  // so short that an app which asks for a new token in time does so at every call
  examples.resources[0].accessTokens = { lifetime: '30s' }
  const relying: Record<string, Relying> = {}
  const clients: object[] = []
  for (const [clientId, membersAt] of Object.entries(parties)) {
    const port = await freePort()
    const clientSecret = randomBytes(32).toString('base64url')
    relying[clientId] = { port, clientId, clientSecret }
    const members = membersAt(`http://localhost:${port}`)
    clients.push({
      client_id: clientId,
      client_name: clientId,
      ...(members.type === 'spa' ? {} : { client_secret: clientSecret }),
      ...members
    })
  }

  const place = makePlace(life)
  const file = join(place.folder, 'mintmark.json')
  const configuration = {
    ...examples,
    clients: [...examples.clients, ...clients],
    pkce: { exemptClient: 'passport-openidconnect' }
  }
  writeFileSync(file, JSON.stringify(configuration), { mode: 0o600 })
  place.env = { MINTMARK_CONFIG: file, MINTMARK_PORT: String(await freePort()) }
  const { issuer, log } = await startMintmark(life, place)

  async function command(args: string[]): Promise<string> {
    const { code, out, err } = await mintmark(life, place, args)
    if (code !== 0) throw new Error(`mintmark ${args.join(' ')}: ${err}`)
    return out
  }
  const env = readVariables(await command(['status', '-o', 'env']))
  return {
    issuer,
    audience: examples.resources[0].identifier,
    person: {
      login: env['MINTMARK_DEMO_LOGIN'] ?? '',
      password: env['MINTMARK_DEMO_PASSWORD'] ?? ''
    },
    party: name => {
      const found = relying[name]
      if (found === undefined) throw new Error(`${name} is not configured`)
      return found
    },
    examplePorts,
    env,
    tokenRequests: () =>
      log().filter(({ req }) => JSON.stringify(req ?? '').includes('"/oauth/token"')).length,
    mintmark: command
  }
}

/** Lines as `-o env` prints them, of values without quotes in them. */
export function readVariables(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/^(MINTMARK_\w+)='?(.*?)'?$/gm)].map(([, name, value]) => [name, value])
  )
}
