// Peers that are slow on purpose: silent, a byte a second of headers or of a body, and readers that do not read. Owns the sockets; each
// tells what it was told and when it was closed.

import { connect, type Socket } from 'node:net'

export interface SlowPeer {
  kind: SlowKind
  /** resolves with what came back, when the server has closed the connection */
  closed: Promise<string>
  socket: Socket
}

export type SlowKind = keyof typeof beginnings

/** What each kind says before it becomes slow, and the bytes that it drips then. */
const beginnings = {
  silent: () => ({ begin: '', drip: '' }),
  'slow headers': (host: string) => ({
    begin: `POST /oauth/token HTTP/1.1\r\nHost: ${host}\r\nX-Slow: `,
    drip: 'x'
  }),
  'slow body': (host: string) => ({
    begin: `POST /oauth/token HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 5000\r\n\r\n`,
    drip: 'a'
  }),
  // as many as a connection may wait for, and more
  'unread answers': (host: string) => ({
    begin: `GET /.well-known/openid-configuration HTTP/1.1\r\nHost: ${host}\r\n\r\n`.repeat(40),
    drip: ''
  })
} as const

export const slowKinds = Object.keys(beginnings) as SlowKind[]

/** Opens one; `everyMillis` lies between two bytes. */
export function openSlowPeer(port: number, kind: SlowKind, everyMillis: number): SlowPeer {
  const { begin, drip } = beginnings[kind](`localhost:${port}`)
  const socket = connect(port, '127.0.0.1')
  let received = ''
  const timer = drip === '' ? undefined : setInterval(() => socket.write(drip), everyMillis)
  const closed = new Promise<string>(resolve => {
    if (kind === 'unread answers') socket.pause()
    else socket.on('data', chunk => (received += chunk.toString('latin1')))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearInterval(timer)
      resolve(received)
    })
    // whoever does not read does not see the end either, but its writes fail
    if (kind === 'unread answers') {
      const probe = setInterval(() => socket.write('\r\n'), 500)
      socket.on('close', () => clearInterval(probe))
    }
  })
  if (begin !== '') socket.write(begin)
  return { kind, closed, socket }
}
