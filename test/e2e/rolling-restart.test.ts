// A rolling restart, as a deployment does it: two servers, one is stopped under load and started again, then the other. No request fails.
// Clients do as load balancers do: they use a connection for as long as it is kept, open new ones where /readyz says 200, and try again
// only where a connection is refused.
// `npm run restarts` does it a hundred times.

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { basic } from '../protocol/requests.ts'
import { secretOf } from '../support/configuration.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { makePlace, type Place, type Running, startMintmark } from '../support/process.ts'
import { freePort } from '../support/server.ts'

const issuer = 'https://id.example.com'
const rounds = Number(process.env['MINTMARK_RESTARTS'] ?? 2)
const clientCount = 50
/** A stop takes less than this, seconds: what an operator's supervisor must wait before it kills. */
const longestStop = 10

async function until(what: () => boolean): Promise<void> {
  while (!what()) await sleep(1)
}

interface Target {
  place: Place
  port: number
  server: Running
  ready: boolean
}

/** Two servers on one database, and the clients in front of them. */
async function startPair(t: Test, env: Record<string, string>) {
  const { url } = await createTestDatabase(t)
  const masterKey = randomBytes(32).toString('hex')
  const start = async (): Promise<Target> => {
    const port = await freePort()
    const place = makePlace(t, {
      DATABASE_URL: url,
      MINTMARK_MODE: 'production',
      MINTMARK_ISSUER: issuer,
      MINTMARK_PORT: String(port),
      MINTMARK_MASTER_KEY: masterKey,
      MINTMARK_SHUTDOWN__DELAY: '1s',
      MINTMARK_LOG__LEVEL: 'info',
      MINTMARK_CLIENTS_REVISION: '1',
      MINTMARK_CONFIG: 'mintmark.json',
      ...env
    })
    const client = { client_id: 'billing', type: 'machine', client_secret: secretOf('billing') }
    writeFileSync(join(place.folder, 'mintmark.json'), JSON.stringify({ clients: [client] }))
    return { place, port, server: await startMintmark(t, place), ready: true }
  }
  return [await start(), await start()] as const
}

const body = 'grant_type=client_credentials'

function open(port: number, agent: Agent | false): ClientRequest {
  const headers = {
    ...basic('billing').headers,
    host: new URL(issuer).host,
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': String(body.length)
  }
  return httpRequest({
    host: '127.0.0.1',
    port,
    method: 'POST',
    path: '/oauth/token',
    headers,
    agent
  })
}

async function statusOf(sent: ClientRequest): Promise<number> {
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  response.resume()
  await once(response, 'end')
  return response.statusCode ?? 0
}

function createClients(targets: readonly Target[]) {
  const failures: string[] = []
  let served = 0
  let inFlight = 0
  let ended = false

  async function one(agents: Map<Target, Agent>) {
    while (!ended) {
      // an agent has its connection back a moment after the answer
      await nextTurn()
      const isKept = (target: Target) =>
        Object.keys(agents.get(target)?.freeSockets ?? {}).length > 0
      const rank = (target: Target) => (isKept(target) ? 2 : Number(target.ready))
      const [preferred, other] = targets.toSorted((a, b) => rank(b) - rank(a))
      for (const target of [preferred, other]) {
        if (target === undefined) continue
        inFlight += 1
        try {
          const sent = open(target.port, agents.get(target) ?? false)
          sent.end(body)
          const status = await statusOf(sent)
          if (status !== 200) failures.push(`status ${status} from ${target.port}`)
          served += 1
          break
        } catch (error) {
          const { code, message } = error as NodeJS.ErrnoException
          if (code === 'ECONNREFUSED' && target === preferred) continue
          failures.push(`${code} ${message} from ${target.port}`)
          break
        } finally {
          inFlight -= 1
        }
      }
    }
    for (const agent of agents.values()) agent.destroy()
  }

  /** What a load balancer does. */
  async function check(target: Target) {
    while (!ended) {
      const answer = new Promise<number>(resolve => {
        const options = { host: '127.0.0.1', port: target.port, path: '/readyz', agent: false }
        const asked = httpRequest(options, response => {
          response.resume()
          resolve(response.statusCode ?? 0)
        })
        asked.on('error', () => resolve(0))
        asked.end()
      })
      target.ready = (await answer) === 200
      await sleep(50)
    }
  }

  const running = Promise.all([
    ...targets.map(check),
    ...Array.from({ length: clientCount }, () =>
      one(new Map(targets.map(target => [target, new Agent({ keepAlive: true, maxSockets: 1 })])))
    )
  ])
  return {
    failures,
    served: () => served,
    inFlight: () => inFlight,
    async end() {
      ended = true
      await running
    }
  }
}

/** Stops one of them while requests are under way, three of which have sent half of their body. */
async function stopUnderLoad(t: Test, target: Target, clients: ReturnType<typeof createClients>) {
  const halves: ClientRequest[] = []
  for (let count = 0; count < 3; count += 1) {
    const half = open(target.port, false)
    halves.push(half)
    half.write(body.slice(0, 10))
    const [socket] = await once(half, 'socket')
    if (socket.connecting) await once(socket, 'connect')
  }
  const answers = halves.map(statusOf)
  const servedBefore = clients.served()
  await until(
    () => clients.served() > servedBefore + clientCount && clients.inFlight() >= clientCount
  )
  const begun = performance.now()
  const stopped = target.server.stop()
  await until(() => !target.ready)
  for (const half of halves) half.end(body.slice(10))
  t.same(await Promise.all(answers), [200, 200, 200], 'what was half sent is answered')
  const { code, signal } = await stopped
  const seconds = (performance.now() - begun) / 1_000
  t.same([code, signal], [0, null], 'an orderly end')
  t.ok(seconds < longestStop, `in ${seconds.toFixed(1)} s`)
}

for (const [what, env, times] of [
  ['', {}, rounds],
  [', each with two workers', { MINTMARK_WORKERS: '2' }, Math.ceil(rounds / 4)]
] as const) {
  t.test(`two servers${what}, restarted in turn under load: no request fails`, async t => {
    const pair = await startPair(t, env)
    const clients = createClients(pair)
    t.teardown(() => clients.end())
    for (let round = 0; round < times; round += 1) {
      const target = pair[round % 2] as Target
      await until(() => pair.every(({ ready }) => ready))
      await stopUnderLoad(t, target, clients)
      target.server = await startMintmark(t, target.place)
    }
    await clients.end()
    t.same(clients.failures, [], `${clients.served()} requests`)
    t.comment(
      `${clients.served()} requests over ${times} restarts, ${clients.failures.length} failed`
    )
  })
}
