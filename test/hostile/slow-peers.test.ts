// Hundreds of slow peers at once: each is closed within the limits, and everybody else is served meanwhile (fault 17, #204). `npm run
// slow` does it with two thousand, against the limits of production, and reports latencies.

import t from 'tap'
import { basic, createRequests } from '../protocol/requests.ts'
import { startTestServer } from '../support/server.ts'
import { openSlowPeer, type SlowKind } from '../support/slow-peers.ts'

const each = 150

t.test('slow peers are closed, and a hundred requests are answered meanwhile', async t => {
  const main = await startTestServer(t, { http: { connectionsPerAddress: 5_000 } })
  const { server } = main.server.app
  const port = Number(new URL(main.issuer).port)
  // the limits of production take half a minute; Node reads them at each of its checks, every two seconds
  server.headersTimeout = 2_000
  server.requestTimeout = 4_000
  const kinds: SlowKind[] = ['silent', 'slow headers', 'slow body']
  const peers = kinds.flatMap(kind =>
    Array.from({ length: each }, () => openSlowPeer(port, kind, 500))
  )
  t.teardown(() => peers.forEach(({ socket }) => void socket.destroy()))
  let closed = 0
  for (const peer of peers) void peer.closed.then(() => (closed += 1))

  const requests = createRequests(main)
  const statuses: number[] = []
  for (let turn = 0; turn < 20; turn += 1) {
    const answers = await Promise.all([
      ...Array.from({ length: 4 }, () => requests.machine('billing', {}, basic('billing'))),
      requests.get('/.well-known/openid-configuration')
    ])
    statuses.push(...answers.map(({ status }) => status))
  }
  t.equal(statuses.length, 100)
  t.same([...new Set(statuses)], [200], 'everybody else is served')

  const told = await Promise.all(peers.map(async peer => [peer.kind, await peer.closed] as const))
  t.equal(closed, kinds.length * each, 'all are closed')
  for (const kind of kinds) {
    const answers = new Set(
      told.filter(([its]) => its === kind).map(([, text]) => text.slice(0, 13))
    )
    answers.delete('')
    t.strictSame([...answers], ['HTTP/1.1 408 '], `${kind}: told, or cut off`)
  }
})

t.test('limits of production', async t => {
  const { server } = await startTestServer(t)
  const { headersTimeout, requestTimeout, keepAliveTimeout, maxRequestsPerSocket, maxConnections } =
    server.app.server
  t.match(
    { headersTimeout, requestTimeout, keepAliveTimeout, maxRequestsPerSocket, maxConnections },
    {
      headersTimeout: 10_000,
      requestTimeout: 20_000,
      keepAliveTimeout: 65_000,
      maxRequestsPerSocket: 1_000,
      maxConnections: 10_000
    }
  )
})
