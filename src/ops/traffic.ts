// What comes in over HTTP, as connections and as requests being answered: how many connections there may be, how long a peer may take to
// read its answer, and how a stopping server gets rid of both without losing a request. Time-outs for what peers send are Node's own
// (http-limits.ts).

import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { isIPv6, type Server as NetServer, type Socket } from 'node:net'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { createAddressList } from '../lib/address-list.ts'

export interface TrafficOptions {
  /** connections at most: all, and of one address */
  connections: number
  connectionsPerAddress: number
  /** addresses and CIDR ranges that stand for many peers, and are not limited one by one */
  trustedProxies: readonly string[]
  /** an answer that is not through after this ends with its connection: nobody reads it */
  longestAnswerMillis: number
  checkEveryMillis: number
}

export interface Traffic {
  /** `leaving` from the first moment of a stop */
  state(): 'serving' | 'leaving'
  /**
   * Ends all connections in order. Until `delayMillis` are over everything is served, and each answer is the last of its connection, so
   * that peers go elsewhere; then nobody else is let in; then what is in flight is finished, for `patienceMillis` at most.
   */
  leave(delayMillis: number, patienceMillis: number): Promise<void>
}

/** One peer: an IPv4 address, or the /64 that one IPv6 host commonly has to itself. */
export function peerOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  if (!isIPv6(plain)) return plain
  const [head = '', tail] = plain.split('::')
  const groups = head === '' ? [] : head.split(':')
  const rest = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - groups.length - rest.length
  const all = [...groups, ...Array.from({ length: zeros }, () => '0'), ...rest]
  return all
    .slice(0, 4)
    .map(group => Number.parseInt(group, 16).toString(16))
    .join(':')
}

/**
 * Requests that may wait on one connection for answers before them. Node reads whatever has arrived in one go, and would work on
 * thousands of them before it turns to anybody else.
 */
const pipelined = 10

/** How long connections stay open after the port was closed, for requests that were on their way; none where nobody is behind a balancer. */
const longestGraceMillis = 500

/** Watches a server that has its listener and does not listen yet. */
export function watchTraffic(server: Server, options: TrafficOptions): Traffic {
  const proxies = createAddressList(options.trustedProxies)
  const ofPeer = new Map<string, number>()
  /** also those that are still in a TLS handshake, which HTTP does not know yet */
  const sockets = new Set<Socket>()
  /** answers on their way, and since when */
  const answers = new Map<ServerResponse, number>()
  let state: 'serving' | 'leaving' = 'serving'
  let accepted = 0

  server.maxConnections = options.connections
  // before Node's own listener, which begins to parse
  server.prependListener('connection', (socket: Socket) => {
    accepted += 1
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    const address = socket.remoteAddress
    if (address === undefined) return
    if (proxies.has(address)) return
    const peer = peerOf(address)
    const count = (ofPeer.get(peer) ?? 0) + 1
    ofPeer.set(peer, count)
    socket.once('close', () => {
      const left = (ofPeer.get(peer) ?? 1) - 1
      if (left === 0) ofPeer.delete(peer)
      else ofPeer.set(peer, left)
    })
    if (count > options.connectionsPerAddress) socket.destroy()
  })

  /** answers that a connection waits for; once it asked for too many, nothing more is heard from it */
  const waiting = new WeakMap<Socket, number>()
  const handlers = server.listeners('request') as ((
    request: IncomingMessage,
    response: ServerResponse
  ) => void)[]
  server.removeAllListeners('request')
  server.on('request', (request, response) => {
    const { socket } = request
    const before = waiting.get(socket) ?? 0
    if (before >= pipelined) {
      socket.pause()
      return
    }
    answers.set(response, performance.now())
    waiting.set(socket, before + 1)
    // RFC 9112 §9.6: "A server that sends a "close" connection option MUST initiate closure of the connection after it sends the
    // response": one that is about to end says so on each answer, and no request follows that would be lost
    const isLast = before + 1 === pipelined
    if (isLast || state === 'leaving') response.shouldKeepAlive = false
    response.once('close', () => {
      answers.delete(response)
      if (!isLast) waiting.set(socket, (waiting.get(socket) ?? 1) - 1)
    })
    for (const handle of handlers) handle.call(server, request, response)
  })

  const checking = setInterval(() => {
    const since = performance.now() - options.longestAnswerMillis
    for (const [response, begun] of answers) if (begun < since) response.socket?.destroy()
  }, options.checkEveryMillis)
  checking.unref()
  server.once('close', () => clearInterval(checking))

  async function finished(graceMillis: number, patienceMillis: number): Promise<void> {
    const begun = performance.now()
    // Who has connected and was not accepted yet would be cut off with the port: a process that was kept from running has many of them.
    // Each turn of the event loop accepts one.
    for (let before = -1; before !== accepted; ) {
      before = accepted
      await nextTurn()
      if (performance.now() - begun > longestGraceMillis) break
    }
    // not http's own close: it ends idle connections before what has arrived on them was read
    const closed = new Promise<void>(resolve => {
      const stop = Object.getPrototypeOf(Object.getPrototypeOf(server)) as NetServer
      stop.close.call(server, () => resolve())
    })
    const patience = setTimeout(() => {
      for (const socket of sockets) socket.destroy()
    }, patienceMillis)
    // A request may be on its way on any connection that nobody was told the end of. What has arrived is read in between, and is no
    // longer idle; a connection that was kept by the headers of its last answer, sent before the stop, is idle only later.
    const idling = setInterval(async () => {
      if (performance.now() - begun < graceMillis) return
      // a timer comes before what has arrived since the last turn is read
      await nextTurn()
      server.closeIdleConnections()
    }, 50)
    await nextTurn()
    if (graceMillis === 0) server.closeIdleConnections()
    await closed
    clearTimeout(patience)
    clearInterval(idling)
  }

  return {
    state: () => state,
    async leave(delayMillis, patienceMillis) {
      state = 'leaving'
      for (const response of answers.keys()) response.shouldKeepAlive = false
      if (!server.listening) return
      if (delayMillis > 0) await sleep(delayMillis)
      await finished(Math.min(delayMillis, longestGraceMillis), patienceMillis)
    }
  }
}
