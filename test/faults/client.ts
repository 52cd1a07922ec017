// A client as a plain OAuth library makes it: it keeps the newest refresh token, sends it again when no answer or a 5xx came (with a newly
// signed proof), and gives up its token at `invalid_grant`. Everything it sends and gets stands in the ledger.

import { Agent, request as httpRequest } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { App, Caller, Parameters } from '../protocol/requests.ts'
import { credentialsOf, type Installation, plain } from './installation.ts'
import { type Entry, hashOf, type Ledger } from './ledger.ts'

/** Longer than all of the server's own patience, milliseconds: no answer by then is a hang. */
const patience = 15_000
/** How long a library repeats a request, and its pause in between, milliseconds. */
const retrying = { longest: 10_000, pause: 100 }

export interface WireAnswer {
  status: number
  text: string
  location: string | undefined
}

export interface Wire {
  /** `refused`: nobody listened, so nothing was sent; `broken`: it may have been received, and no answer came. */
  send(port: number, path: string, init: WireInit): Promise<WireAnswer | 'refused' | 'broken'>
  /** requests that were neither answered nor ended in time */
  hangs(): number
  close(): void
}

interface WireInit {
  method?: string
  headers?: Record<string, string>
  body?: string
}

/** Connections that stay open, as a library's do. */
export function createWire(issuer: string): Wire {
  const agent = new Agent({ keepAlive: true })
  const { host } = new URL(issuer)
  let hung = 0
  return {
    hangs: () => hung,
    close: () => agent.destroy(),
    send: (port, path, { method = 'POST', headers = {}, body }) =>
      new Promise(resolve => {
        const length: Record<string, string> =
          body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
        const sent = httpRequest(
          {
            agent,
            host: '127.0.0.1',
            port,
            path,
            method,
            headers: { host, ...headers, ...length }
          },
          response => {
            const chunks: Buffer[] = []
            response.on('data', chunk => chunks.push(chunk))
            response.on('error', () => resolve('broken'))
            response.on('end', () =>
              resolve({
                status: response.statusCode ?? 0,
                text: Buffer.concat(chunks).toString('utf8'),
                location: response.headers.location
              })
            )
          }
        )
        sent.setTimeout(patience, () => {
          hung += 1
          sent.destroy()
        })
        sent.on('error', (error: NodeJS.ErrnoException) =>
          resolve(error.code === 'ECONNREFUSED' ? 'refused' : 'broken')
        )
        sent.on('close', () => resolve('broken'))
        sent.end(body)
      })
  }
}

export const formOf = (caller: Caller, parameters: Parameters) =>
  new URLSearchParams({
    ...caller.parameters,
    ...(parameters as Record<string, string>)
  }).toString()

export const formHeaders = (caller: Caller) => ({
  ...caller.headers,
  'content-type': 'application/x-www-form-urlencoded'
})

/** An answer of the token endpoint, as far as anybody here asks. */
export interface TokenAnswer {
  status: number
  error: string | undefined
  refreshToken: string | undefined
}

/** Sends a one-time value to the token endpoint of one process, once. Undefined: no answer. */
export async function spend(
  { ledger, wire, number, credentials }: ClientDependencies,
  port: number,
  kind: Entry['kind'],
  value: string,
  parameters: Parameters
): Promise<TokenAnswer | undefined> {
  // a retry signs anew: a proof or an assertion is good for one request (RFC 9449 §11.1, RFC 7523 §3)
  const caller = await credentials()
  const entry = ledger.sent({ client: number, kind, port, value })
  const answer = await wire.send(port, '/oauth/token', {
    headers: formHeaders(caller),
    body: formOf(caller, { ...parameters, grant_type: grantTypes[kind], [fields[kind]]: value })
  })
  if (typeof answer === 'string') {
    ledger.unanswered(entry, answer)
    return undefined
  }
  const body = answer.text.startsWith('{') ? JSON.parse(answer.text) : {}
  const told = {
    status: answer.status,
    error: body.error as string | undefined,
    refreshToken: body.refresh_token as string | undefined
  }
  ledger.answered(entry, {
    status: told.status,
    ...(told.error === undefined ? {} : { error: told.error }),
    ...(told.refreshToken === undefined ? {} : { refreshToken: told.refreshToken })
  })
  return told
}

const fields = {
  refresh_token: 'refresh_token',
  authorization_code: 'code',
  device_code: 'device_code'
} as const
const grantTypes = {
  refresh_token: 'refresh_token',
  authorization_code: 'authorization_code',
  device_code: 'urn:ietf:params:oauth:grant-type:device_code'
} as const

/**
 * Repeats what a library repeats: no answer and 5xx (and 429), the same value again, at the next process; until `longest` is over.
 * Undefined when it is.
 */
export async function persist(
  deps: ClientDependencies,
  kind: Entry['kind'],
  value: string,
  parameters: Parameters = {}
): Promise<TokenAnswer | undefined> {
  const { processes } = deps.installation
  const begun = performance.now()
  for (let turn = deps.number; performance.now() - begun < retrying.longest; turn++) {
    const port = processes[turn % processes.length]?.port ?? 0
    const answer = await spend(deps, port, kind, value, parameters)
    if (answer !== undefined && answer.status < 500 && answer.status !== 429) return answer
    await sleep(retrying.pause)
  }
  return undefined
}

export interface ClientDependencies {
  installation: Installation
  ledger: Ledger
  wire: Wire
  number: number
  /** made anew for each request */
  credentials: () => Promise<Caller>
}

export interface RefreshingClient {
  number: number
  /** the newest token that it was given */
  token(): string
  /** the first one of its present family: spent long ago */
  first(): string
  /** distinct tokens of its present family */
  seen(): number
  /** how often it had to give up its token */
  lost(): number
  /** Refreshes once, with retries. False when it could not, or lost its token. */
  refresh(): Promise<boolean>
  /** Refreshes until told to stop; after a loss it authorizes anew. */
  run(stopped: () => boolean): Promise<void>
}

export async function createClient(
  deps: Omit<ClientDependencies, 'credentials'>,
  app: App = plain
): Promise<RefreshingClient> {
  const { requests, issuer } = deps.installation
  const credentials = await credentialsOf(app, issuer)
  const all = { ...deps, credentials }
  let token = ''
  let first = ''
  let lost = 0
  let seen = new Set<string>()

  function keep(value: string) {
    token = value
    seen.add(hashOf(value))
  }

  async function authorize() {
    const tokens = await requests.tokens({ app: { ...app, caller: await credentials() } })
    first = tokens.refresh_token
    seen = new Set()
    keep(first)
  }

  async function refresh() {
    const answer = await persist(all, 'refresh_token', token)
    if (answer?.status === 200 && answer.refreshToken !== undefined) {
      keep(answer.refreshToken)
      return true
    }
    if (answer?.error === 'invalid_grant') {
      lost += 1
      token = ''
    }
    return false
  }

  await authorize()
  return {
    number: deps.number,
    token: () => token,
    first: () => first,
    seen: () => seen.size,
    lost: () => lost,
    refresh,
    async run(stopped) {
      while (!stopped()) {
        // the server may be away, too: then again
        if (token === '') await authorize().catch(() => sleep(retrying.pause))
        else await refresh()
      }
    }
  }
}
