// Connections and answers of an HTTP server: how many, how long, and how a server leaves. The server is Node's own, and so are its peers.

import { once } from 'node:events'
import { Agent, createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { peerOf, type TrafficOptions, watchTraffic } from '../../src/ops/traffic.ts'

const usual: TrafficOptions = {
  connections: 1_000,
  connectionsPerAddress: 1_000,
  trustedProxies: [],
  longestAnswerMillis: 60_000,
  checkEveryMillis: 50
}

/** A server whose answers the test holds back: `/held` is answered when it says so. */
async function startServer(t: Test, options: Partial<TrafficOptions> = {}) {
  const held: (() => void)[] = []
  let worked = 0
  const server = createServer((request, response) => {
    worked += 1
    if (request.url === '/held') held.push(() => response.end('held'))
    else if (request.url === '/large') response.end(Buffer.alloc(50_000_000))
    else response.end('at once')
  })
  const traffic = watchTraffic(server, { ...usual, ...options })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    server,
    traffic,
    held,
    worked: () => worked,
    port: (server.address() as AddressInfo).port
  }
}

async function get(port: number, path: string, agent: Agent | false = false) {
  const sent = httpRequest({ host: '127.0.0.1', port, path, agent })
  sent.end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  response.resume()
  await once(response, 'end')
  return { status: response.statusCode, connection: response.headers.connection }
}

/** Opens sockets one after the other; answers those that are still open when a byte has been around. */
async function openSockets(t: Test, port: number, count: number) {
  const sockets: Socket[] = []
  for (let at = 0; at < count; at += 1) {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined)
    t.teardown(() => socket.destroy())
    await once(socket, 'connect')
    sockets.push(socket.resume())
  }
  return {
    sockets,
    async open() {
      while (sockets.some(socket => socket.destroyed)) {
        for (const socket of sockets.splice(0)) if (!socket.destroyed) sockets.push(socket)
      }
      return sockets.length
    }
  }
}

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await what())) await sleep(10)
}

t.test('one address gets so many connections, and no more', async t => {
  const { port } = await startServer(t, { connectionsPerAddress: 5 })
  const crowd = await openSockets(t, port, 9)
  await until(async () => (await crowd.open()) === 5)
  await t.rejects(get(port, '/'), { code: 'ECONNRESET' })
  crowd.sockets[0]?.destroy()
  await until(() =>
    get(port, '/')
      .then(({ status }) => status === 200)
      .catch(() => false)
  )
  t.pass('a place that became free is given again')
})

t.test('a trusted proxy stands for many, and is limited only with all others', async t => {
  const limits = { connectionsPerAddress: 2, connections: 6, trustedProxies: ['127.0.0.0/8'] }
  const { port } = await startServer(t, limits)
  const crowd = await openSockets(t, port, 9)
  await until(async () => (await crowd.open()) === 6)
  t.pass('six of nine')
})

t.test('peers are told apart by IPv4 address, and by the /64 of IPv6', t => {
  t.equal(peerOf('203.0.113.7'), '203.0.113.7')
  t.equal(peerOf('::ffff:203.0.113.7'), '203.0.113.7')
  t.equal(peerOf('2001:db8:1:2::1'), peerOf('2001:db8:1:2:ffff:1:2:3'))
  t.not(peerOf('2001:db8:1:2::1'), peerOf('2001:db8:1:3::1'))
  t.equal(peerOf('2001:0db8::1'), peerOf('2001:db8:0:0:5::'))
  t.equal(peerOf('fe80::1%eth0'), peerOf('fe80::2'))
  t.equal(peerOf('::1'), '0:0:0:0')
  t.end()
})

t.test('the /64 of IPv6 is one address to connections, too', async t => {
  const { server } = await startServer(t, { connectionsPerAddress: 3 })
  const arrive = (remoteAddress: string) => {
    const socket = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() })
    t.teardown(() => socket.destroy())
    // Node's own way in for connections that it did not accept itself
    server.emit('connection', Object.assign(socket, { remoteAddress }))
    return socket
  }
  const home = [1, 2, 3].map(host => arrive(`2001:db8:1:2::${host}`))
  t.same(
    [arrive('2001:db8:1:2:ffff::4').destroyed, arrive('2001:db8:1:2::1').destroyed],
    [true, true]
  )
  t.notOk(arrive('2001:db8:1:3::1').destroyed, 'a neighbour')
  t.notOk(home.some(({ destroyed }) => destroyed))
})

t.test(
  'thousands of requests in one breath: ten are worked on, and the connection ends',
  async t => {
    const { port, worked } = await startServer(t)
    const socket = connect(port, '127.0.0.1').on('error', () => undefined)
    let received = ''
    socket.on('data', chunk => (received += chunk.toString('latin1')))
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2_000))
    await once(socket, 'close')
    t.equal(received.split('HTTP/1.1 200').length - 1, 10)
    t.match(received.split('HTTP/1.1 200').at(-1), /connection: close/i)
    t.equal(worked(), 10)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.teardown(() => agent.destroy())
    for (let turn = 0; turn < 30; turn += 1) {
      t.match(await get(port, '/', agent), { status: 200, connection: 'keep-alive' }, 'one by one')
    }
  }
)

t.test('an answer that nobody reads ends with its connection', async t => {
  const { server, port } = await startServer(t, { longestAnswerMillis: 300 })
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  t.teardown(() => socket.destroy())
  const count = () =>
    new Promise<number>(resolve => server.getConnections((_, all) => resolve(all)))
  socket.pause()
  socket.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n')
  await until(async () => (await count()) === 1)
  await until(async () => (await count()) === 0)
  t.pass('closed')
})

t.test(
  'who leaves serves everybody until the delay is over, and each answer is the last of its connection',
  async t => {
    const { traffic, held, port } = await startServer(t)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.teardown(() => agent.destroy())
    t.match(await get(port, '/', agent), { status: 200, connection: 'keep-alive' })
    const early = get(port, '/held')
    await until(() => held.length === 1)
    t.equal(traffic.state(), 'serving')

    const left = traffic.leave(2_000, 10_000)
    t.equal(traffic.state(), 'leaving')
    t.match(await get(port, '/', agent), { status: 200, connection: 'close' }, 'a kept connection')
    t.match(await get(port, '/'), { status: 200, connection: 'close' }, 'a new one')
    await until(() =>
      get(port, '/')
        .then(() => false)
        .catch(({ code }) => code === 'ECONNREFUSED')
    )
    held[0]?.()
    t.match(await early, { status: 200, connection: 'close' }, 'one that was under way before')
    await left
  }
)

/** Peers that send while this thread is kept from running; what they were answered, by how often. */
async function answersOfLatecomers(
  t: Test,
  { waitMillis, kept }: { waitMillis: number; kept: boolean }
) {
  const delayMillis = 500
  const { traffic, port } = await startServer(t)
  const flag = new Int32Array(new SharedArrayBuffer(4))
  const peers = new Worker(new URL('./peers-in-a-thread.ts', import.meta.url), {
    workerData: { port, count: 20, waitMillis, kept, flag }
  })
  t.teardown(() => peers.terminate())
  await once(peers, 'message')
  const reported = once(peers, 'message')
  const begun = performance.now()
  const left = traffic.leave(delayMillis, 10_000)
  // connections that are kept stay for half a second after the port was closed
  const blockedUntil = delayMillis + (kept ? 700 : 100)
  if (kept) await sleep(delayMillis + 300)
  // where the event loop has looked for what has arrived, and looks at its timers next
  await nextTurn()
  peers.postMessage('go')
  Atomics.wait(flag, 0, 0, 30_000)
  const rest = blockedUntil - (performance.now() - begun)
  if (rest > 0) Atomics.wait(flag, 0, 1, rest)
  const [answers] = (await reported) as [string[]]
  await left
  const counts: Record<string, number> = {}
  for (const answer of answers) counts[answer] = (counts[answer] ?? 0) + 1
  return counts
}

t.test('a server that was kept from running until its delay was over loses nobody', async t => {
  const served = { 'HTTP/1.1 200 OK': 20 }
  t.same(
    await answersOfLatecomers(t, { waitMillis: 0, kept: false }),
    served,
    'who connected and was not accepted yet'
  )
  t.same(
    await answersOfLatecomers(t, { waitMillis: 700, kept: false }),
    served,
    'and whose request came a moment later'
  )
})

t.test('nor is a request lost that came on a kept connection just before it is closed', async t => {
  let answers: Record<string, number> = {}
  // where this thread slept for too long, the connections were closed before anything was sent on them
  for (let attempt = 0; attempt < 10; attempt += 1) {
    answers = await answersOfLatecomers(t, { waitMillis: 0, kept: true })
    if (!('closed' in answers) && !('EPIPE' in answers)) break
  }
  t.same(answers, { 'HTTP/1.1 200 OK': 20 })
})

t.test('who neither sends nor reads is let down when patience is over', async t => {
  const { traffic, held, port, server } = await startServer(t)
  const sent = get(port, '/held').catch(({ code }) => code)
  const silent = connect(port, '127.0.0.1').on('error', () => undefined)
  t.teardown(() => silent.destroy())
  await until(() => held.length === 1)
  await traffic.leave(0, 200)
  t.equal(await sent, 'ECONNRESET')
  t.notOk(server.listening)
})
