// The server under attack, and what must hold whatever is sent: no fault of ours, a refusal that its reader understands, nothing private in
// it, headers as promised, nothing of the caller's secrets in the log, and a server that still answers.

import type { Test } from 'tap'
import { entry } from '../federation/visits.ts'
import { cibaSetting } from '../protocol/backchannel.ts'
import { exchangeSetting } from '../protocol/exchange.ts'
import type { Overrides } from '../support/configuration.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import type { Hostile } from './corpus.ts'
import { type Endpoint, endpointTable } from './endpoints.ts'
import { type Answer, exchange, type Wire } from './wire.ts'

export interface Arena extends TestServer {
  port: number
  host: string
  table: Endpoint[]
  send(wire: Wire): Promise<Answer>
  /** problems with an answer, in words; none: it holds */
  problemsOf(endpoint: Pick<Endpoint, 'reader' | 'cacheable'>, wire: Wire, answer: Answer): string[]
  /** promises that were rejected, and that nobody waited for */
  rejections: unknown[]
  /** number of rows in every table that requests can write to */
  rows(): Promise<Record<string, number>>
}

/** Tables that requests write to; what the server keeps for itself (settings, leases) is not among them. */
const writtenTables = [
  'accounts',
  'artifacts',
  'attempts',
  'audit_events',
  'backchannel_requests',
  'clients',
  'client_secrets',
  'consents',
  'denied_tokens',
  'grants',
  'managed_grants',
  'ping_notices',
  'refresh_families',
  'replay_records',
  'session_clients',
  'sessions'
]

/** Starts a server with everything switched on, and ends with the checks that hold for the whole run. */
export async function startArena(t: Test, overrides: Overrides = {}): Promise<Arena> {
  const rejections: unknown[] = []
  const note = (reason: unknown) => void rejections.push(reason)
  process.on('unhandledRejection', note)
  t.teardown(() => void process.off('unhandledRejection', note))

  const { clients = [], resources = [], ...rest } = overrides
  const server = await startTestServer(t, {
    ...{ registration: { enabled: true }, grantManagement: { enabled: true } },
    // nobody there: what is answered before anybody is asked
    upstreams: [entry('work', { issuer: 'https://login.example.com' })],
    ...{ ciba: cibaSetting.ciba, ...rest },
    clients: [...exchangeSetting.clients, ...cibaSetting.clients, ...clients],
    resources: [...exchangeSetting.resources, ...cibaSetting.resources, ...resources]
  })
  const { host, port } = new URL(server.issuer)
  const [stylesheet = ''] = server.server.stylesheets
  const send = (wire: Wire) => exchange(Number(port), host, wire)

  return {
    ...server,
    port: Number(port),
    host,
    table: endpointTable(stylesheet),
    send,
    rejections,
    problemsOf: (endpoint, wire, answer) => problemsOf(endpoint, wire, answer),
    async rows() {
      const counts: Record<string, number> = {}
      for (const table of writtenTables) {
        // machine tokens are written down in batches, whenever those come: of inputs that are right after all
        const rest = table === 'audit_events' ? ` WHERE type <> 'token.issued'` : ''
        const sql = `SELECT count(*)::int AS count FROM ${table}${rest}`
        const { rows } = await server.store.database.run<{ count: number }>(`hostile.${table}`, sql)
        counts[table] = rows[0]?.count ?? -1
      }
      return counts
    }
  }
}

/** Sends all inputs of one endpoint; each failure is told with the input that caused it. */
export async function throwAt(t: Test, arena: Arena, endpoint: Endpoint, inputs: Hostile[]) {
  const failures: string[] = []
  for (const { title, wire, status } of inputs) {
    const answer = await arena.send(wire)
    const problems = arena.problemsOf(endpoint, wire, answer)
    if (status !== undefined && !status.includes(answer.status)) {
      problems.push(`status ${answer.status}, expected ${status.join(' or ')}`)
    }
    for (const problem of problems)
      failures.push(`${title}: ${problem} — ${answer.text.slice(0, 200)}`)
  }
  t.same(failures, [], `${endpoint.route}: ${inputs.length} inputs`)
}

/** After the last request: nothing was left behind. */
export async function assertUnharmed(t: Test, arena: Arena): Promise<void> {
  // one turn of the event loop, for a rejection that nobody waits for
  await new Promise(resolve => setImmediate(resolve))
  const answer = await arena.send({ target: '/.well-known/openid-configuration' })
  t.equal(answer.status, 200, 'the server still answers')
  t.same(
    arena.log.filter(({ level }) => level === 'error' || level === 'fatal'),
    [],
    'nothing was logged as an error'
  )
  t.same(arena.rejections, [], 'no promise was rejected that nobody waited for')
}

/** Members of bodies that tell what is behind them. */
const innards =
  /\bat .*\(?(file:|node:|\/).*:\d+:\d+|node_modules|\.(ts|js|mjs):\d|TypeError|SyntaxError|RangeError|ReferenceError|\bSELECT\b|\bINSERT\b|\bpg_(catalog|stat|class|temp)|postgres|oidc-provider|fastify|koa\b|FST_ERR|node\.js/i

// RFC 6749 §5.2: %x20-21 / %x23-5B / %x5D-7E
const description = /^[\x20\x21\x23-\x5b\x5d-\x7e]{10,}$/

function problemsOf(
  endpoint: Pick<Endpoint, 'reader' | 'cacheable'>,
  wire: Wire,
  answer: Answer
): string[] {
  const { status, headers, text } = answer
  const problems: string[] = []
  const expect = (holds: boolean, problem: string) => void (holds || problems.push(problem))
  const type = headers['content-type'] ?? ''
  const head = wire.method === 'HEAD'
  // 408, 431 and the like are refused before there is a request: by whoever reads bytes
  const unread = headers['connection'] === 'close' && [408, 431, 501].includes(status)

  expect(status < 500 || status === 501, `status ${status}`)
  // a token, or another random value, may spell anything
  const words = text.replace(/eyJ[\w-]+(\.[\w-]*)+|[\w-]{20,}/g, '')
  // a stylesheet has words of its own (`select`)
  expect(
    type.startsWith('text/css') || !innards.test(words),
    `tells what is behind: ${innards.exec(words)?.[0]}`
  )
  expect(headers['x-content-type-options'] === 'nosniff' || status === 417, 'no nosniff')
  expect(
    headers['x-powered-by'] === undefined && headers['server'] === undefined,
    'names a product'
  )
  if (status === 405) expect(headers['allow'] !== undefined, '405 without Allow')
  if (status === 401) expect(headers['www-authenticate'] !== undefined, '401 without a challenge')
  if (!endpoint.cacheable && status !== 417) {
    const cached = headers['cache-control'] ?? ''
    expect(cached.split(', ').includes('no-store'), `cache-control: ${cached}`)
  }
  if (status < 400 || head || status === 417) return problems

  if (endpoint.reader === 'client' || unread || type.startsWith('application/json')) {
    expect(/^application\/json(;|$)/.test(type), `content-type ${type}`)
    expect(endpoint.reader === 'client' || unread || status === 400, 'JSON for a person')
    const body = parse(text)
    expect(/^[a-z_]+$/.test(String(body?.['error'])), `error ${JSON.stringify(body?.['error'])}`)
    const told = String(body?.['error_description'])
    expect(description.test(told), `error_description ${JSON.stringify(told)}`)
  } else {
    expect(type === 'text/html; charset=utf-8', `content-type ${type}`)
    expect(text.startsWith('<!doctype html>'), 'not a page of ours')
    expect(pageHeadersHold(headers), 'not the headers of a page')
  }
  return problems
}

/** What every page promises about itself. */
export function pageHeadersHold(headers: Record<string, string>): boolean {
  const policy = headers['content-security-policy'] ?? ''
  const directives = [
    "default-src 'none'",
    "object-src 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'"
  ]
  return (
    directives.every(directive => policy.includes(directive)) &&
    !policy.includes('unsafe-inline') &&
    headers['referrer-policy'] === 'no-referrer' &&
    headers['x-frame-options'] === 'DENY' &&
    headers['cross-origin-opener-policy'] === 'same-origin' &&
    headers['access-control-allow-origin'] === undefined
  )
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
}
