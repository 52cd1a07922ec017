// What a fault happens to: one database with clients and a person, and server processes on it, each a process of its own that can be
// killed and started again at its port. Everything ends with a lifetime, by process id.

import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { openStore, type Store } from '../../src/ops/parts.ts'
import { createServer } from '../../src/server.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import type { Impatience } from '../protocol/naive/impatient-database.ts'
import type { Naivety } from '../protocol/naive/naive-database.ts'
import {
  type App,
  basic,
  type Caller,
  createProver,
  createRequests,
  nobody,
  publicly,
  type Requests
} from '../protocol/requests.ts'
import { selfSigned } from '../support/certificates.ts'
import { type Overrides, secretOf, testConfig } from '../support/configuration.ts'
import type { Lifetime } from '../support/lifetime.ts'
import { freePort, masterKey, person } from '../support/server.ts'

const program = fileURLToPath(new URL('../support/server-process.ts', import.meta.url))
const naiveProgram = fileURLToPath(new URL('../protocol/naive/server-process.ts', import.meta.url))

/** A confidential app whose users are never asked, so that an authorization is one request. */
export const plain: App = {
  clientId: 'storefront',
  redirectUri: 'https://plain.example.com/callback',
  caller: basic('storefront')
}

/** The same, public, with DPoP. */
export const bound: App = {
  clientId: 'bound',
  redirectUri: 'https://bound.example.com/callback',
  caller: publicly('bound')
}

/** The same, public, with tokens that are bound to a certificate, which a proxy hands on (RFC 8705 §4, RFC 9440). */
export const certified: App = {
  clientId: 'certified',
  redirectUri: 'https://certified.example.com/callback',
  caller: publicly('certified')
}

const assertionKey = await generateKeyPair('ES256', { extractable: true })

/** Confidential, and proves it by a signed assertion, which is good for one request (RFC 7523 §3). */
export const asserting: App = {
  clientId: 'assertive',
  redirectUri: 'https://assertive.example.com/callback',
  caller: nobody
}

/** How a client of these apps shows who it is, made anew for each request: a proof or an assertion is good once. */
export async function credentialsOf(app: App, issuer: string): Promise<() => Promise<Caller>> {
  if (app === bound) {
    const prover = await createProver()
    const url = `${issuer}/oauth/token`
    return async () => ({ ...app.caller, headers: { DPoP: await prover.proof({ url }) } })
  }
  if (app === certified) {
    const { byteSequence } = await selfSigned()
    return async () => ({ ...app.caller, headers: { 'client-cert': byteSequence } })
  }
  if (app !== asserting) return async () => app.caller
  return async () => {
    const now = Math.floor(Date.now() / 1000)
    const client_assertion = await new SignJWT({ jti: randomUUID(), iat: now, exp: now + 60 })
      .setIssuer(app.clientId)
      .setSubject(app.clientId)
      .setAudience(issuer)
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .sign(assertionKey.privateKey)
    const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    return { headers: {}, parameters: { client_assertion_type, client_assertion } }
  }
}

const clients = [
  {
    client_id: asserting.clientId,
    type: 'web',
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks: {
      keys: [{ ...(await exportJWK(assertionKey.publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }]
    },
    redirect_uris: [asserting.redirectUri],
    first_party: true,
    refresh_tokens: 'always'
  },
  {
    client_id: plain.clientId,
    type: 'web',
    client_secret: secretOf(plain.clientId),
    redirect_uris: [plain.redirectUri],
    first_party: true,
    refresh_tokens: 'always'
  },
  {
    client_id: bound.clientId,
    type: 'spa',
    redirect_uris: [bound.redirectUri],
    first_party: true,
    refresh_tokens: 'always',
    dpop_bound_access_tokens: true
  },
  {
    client_id: certified.clientId,
    type: 'native',
    redirect_uris: [certified.redirectUri],
    first_party: true,
    refresh_tokens: 'always',
    tls_client_certificate_bound_access_tokens: true
  }
]

/** The scenario's clients are the proxy, too: what they say in its header is believed. */
const proxied = {
  trustedProxies: ['127.0.0.1', '::1'],
  clientCertificates: { from: 'proxy' }
}

export interface ServerProcess {
  port: number
  /** of the process that runs now */
  pid(): number
  /** SIGKILL; resolves when it is gone */
  kill(): Promise<void>
  /** Resolves when it answers. */
  start(): Promise<void>
}

export interface Installation {
  issuer: string
  url: string
  processes: readonly ServerProcess[]
  /** a person at a browser, and requests at the first process */
  requests: Requests
  /** the test's own connection: what the rows say is no server's word */
  store: Store
}

export interface InstallOptions {
  processes?: number
  overrides?: Overrides
  pool?: number
  /** the control: servers that spend naively, or have no patience with PostgreSQL, or too much */
  naivety?: Naivety | Impatience
  /** the database as the servers reach it, when something stands in between */
  reachedBy?: string
}

/** Brings a migrated database to life: clients, a person, and the processes, all answering. */
export async function install(
  life: Lifetime,
  url: string,
  options: InstallOptions = {}
): Promise<Installation> {
  const { processes: count = 1, reachedBy = url, naivety, pool } = options
  const overrides = {
    ...proxied,
    ...options.overrides,
    clients: [...clients, ...(options.overrides?.clients ?? [])]
  }
  const ports: number[] = []
  while (ports.length < count) ports.push(await freePort())
  const issuer = `http://localhost:${ports[0]}`

  const log = createLogger({ level: 'fatal', stream: process.stderr })
  const store = openStore({ url, directUrl: url, pool: 4, log })
  life.teardown(() => store.end())
  await store.feed.ready()
  const config = testConfig(issuer, overrides)
  const declared = await createServer({ config, masterKey, store, log })
  const reconciled = await declared.clients.reconcile(config.clients, { from: 'key', value: 1 })
  if (!reconciled.ok) throw new Error(JSON.stringify(reconciled.problems))
  await declared.accounts.service.create({ ...person, locale: 'en' }, 'cli')
  await declared.close()

  const given = { issuer, url: reachedBy, masterKey: masterKey.toString('base64'), overrides }
  const processes = ports.map(port =>
    serverProcess(life, port, naivety === undefined ? program : naiveProgram, {
      ...given,
      ...(pool === undefined ? {} : { pool }),
      ...(naivety === undefined ? {} : { naivety })
    })
  )
  await Promise.all(processes.map(one => one.start()))
  const requests = createRequests({ issuer, store })
  return { issuer, url, processes, requests, store }
}

function serverProcess(life: Lifetime, port: number, file: string, given: object): ServerProcess {
  let child: ChildProcess | undefined
  const running = () => child?.exitCode === null && child.signalCode === null
  // a script that is interrupted leaves nothing behind
  const onExit = () => void child?.kill('SIGKILL')
  process.once('exit', onExit)
  async function kill() {
    if (child === undefined || !running()) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  let over = false
  life.teardown(async () => {
    over = true
    process.off('exit', onExit)
    await kill()
  })
  return {
    port,
    pid: () => (running() ? (child?.pid ?? 0) : 0),
    kill,
    async start() {
      // a scenario that took too long may still be at work
      if (over) throw new Error('the scenario is over')
      // without the loader that tap adds to every Node: a restart is part of what is timed here
      const env = { ...process.env, NODE_OPTIONS: '' }
      const started = spawn(process.execPath, [file, JSON.stringify({ ...given, port })], {
        env,
        stdio: ['ignore', 'pipe', 'pipe']
      })
      child = started
      let said = ''
      started.stderr.on('data', (text: Buffer) => {
        said = (said + text).slice(-2_000)
      })
      const ended = once(started, 'exit').then(([code, signal]) => {
        throw new Error(`a server ended with ${signal ?? code} before it answered: ${said}`)
      })
      await Promise.race([once(started.stdout, 'data'), ended])
      ended.catch(() => undefined)
    }
  }
}
