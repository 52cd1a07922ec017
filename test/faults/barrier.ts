// A starting line for requests: each is sent but for its last byte, on a connection of its own; when all of them stand there, the last
// bytes leave together. No server can answer before, and none has a head start.

import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Answer, bytesOf, parseAnswer, type Wire } from '../hostile/wire.ts'

/** Longer than all of the server's own patience, milliseconds. */
const patience = 15_000

export interface Start {
  port: number
  host: string
  wire: Wire
}

/** One answer each, in order; undefined where the connection ended without one. */
export async function releaseTogether(starts: readonly Start[]): Promise<(Answer | undefined)[]> {
  const runners = await Promise.all(
    starts.map(async ({ port, host, wire }) => {
      const bytes = bytesOf(host, wire)
      const socket = connect(port, '127.0.0.1').setNoDelay(true)
      await once(socket, 'connect')
      const chunks: Buffer[] = []
      socket.on('data', chunk => chunks.push(chunk))
      socket.on('error', () => undefined)
      socket.setTimeout(patience, () => socket.destroy())
      const closed = once(socket, 'close')
      socket.write(bytes.subarray(0, -1))
      return { socket, last: bytes.subarray(-1), closed, chunks }
    })
  )
  // what was written has reached the servers, and waits there for its end
  await sleep(5)
  for (const { socket, last } of runners) socket.write(last)
  return Promise.all(
    runners.map(async ({ closed, chunks }) => {
      await closed
      return parseAnswer(Buffer.concat(chunks))
    })
  )
}
