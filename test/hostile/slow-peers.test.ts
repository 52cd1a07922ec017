// Hundreds of slow peers at once: each is closed within the limits, and everybody else is served meanwhile (fault 17, #204). `npm run
// slow` does it with two thousand, against the limits of production, and reports latencies.

import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { basic, createRequests } from '../protocol/requests.ts'
import { startTestServer } from '../support/server.ts'
import { openSlowPeer, type SlowKind } from '../support/slow-peers.ts'

const each = 150

t.test('slow peers are closed, and a hundred requests are answered meanwhile', async t => {
  const main = await startTestServer(t, { http: { connectionsPerAddress: 5_000 } })
  const { server } = main.server.app
  const port = Number(new URL(main.issuer).port)
  // the limits of production take half a minute; Node reads them at each of its checks
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
  t.match(server.app.initialConfig, { bodyLimit: 64 * 1024 })
  t.match(server.app.server, {
    headersTimeout: 10_000,
    requestTimeout: 20_000,
    connectionsCheckingInterval: 250,
    keepAliveTimeout: 65_000,
    maxRequestsPerSocket: 1_000,
    maxConnections: 10_000
  })
})

t.test('so many connections of one address as are configured', async t => {
  const { issuer } = await startTestServer(t, { http: { connectionsPerAddress: 10 } })
  const port = Number(new URL(issuer).port)
  const peers = Array.from({ length: 14 }, () => openSlowPeer(port, 'silent', 500))
  t.teardown(() => peers.forEach(({ socket }) => void socket.destroy()))
  const told: string[] = []
  const four = new Promise<void>(resolve => {
    for (const peer of peers) {
      void peer.closed.then(text => {
        told.push(text)
        if (told.length === 4) resolve()
      })
    }
  })
  await four
  t.same(told, ['', '', '', ''], 'cut off at once: whoever is too slow is told so')
})

t.test('an answer that takes half a minute ends with its connection', async t => {
  const main = await startTestServer(t)
  const { database } = main.store
  const now = performance.now.bind(performance)
  t.teardown(() => {
    performance.now = now
  })
  const waiting = `SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'`
  /** A request that waits for a lock, until the server gives up that lock after three seconds, or the connection. */
  const ask = () =>
    database.transaction(async tx => {
      await tx.run('test.lock', 'LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE')
      const failed = createRequests(main)
        .code()
        .then(String, error => String(error.cause?.code ?? error))
      while ((await database.run('test.waiting', waiting)).rowCount === 0) await sleep(10)
      performance.now = () => now() + 30_100
      const how = await failed
      performance.now = now
      return how
    })
  let how = ''
  // on a busy machine the lock may be given up first
  for (let tries = 0; tries < 5 && !/ECONNRESET|UND_ERR_SOCKET/.test(how); tries++)
    how = await ask()
  t.match(how, /ECONNRESET|UND_ERR_SOCKET/)
})
