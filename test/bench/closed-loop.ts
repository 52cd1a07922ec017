// The bench's client: so many connections, each of which sends its next request when the answer to the last one is in. A rotation can only
// be measured so, since each request is made of the answer before it. Knows as much of HTTP/1.1 as the servers of the bench speak.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** What one connection says: the next request, or undefined when it has none left. */
export interface Speaker {
  next(): string | undefined
  /** @throws Error when the answer is not what was asked for */
  answered(status: number, body: string): void
}

export interface Measured {
  requests: number
  seconds: number
  /** milliseconds, sorted */
  latencies: number[]
}

interface Received {
  status: number
  body: string
  length: number
}

/** The first answer in `text`, when it is whole. Bodies are ASCII here, so characters are bytes. */
function received(text: string): Received | undefined {
  const head = text.indexOf('\r\n\r\n')
  if (head === -1) return undefined
  const size = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, head))?.[1]
  if (size === undefined) throw new Error(`no content-length: ${text.slice(0, head)}`)
  const length = head + 4 + Number(size)
  if (text.length < length) return undefined
  return { status: Number(text.slice(9, 12)), body: text.slice(head + 4, length), length }
}

async function converse(port: number, speaker: Speaker, until: number, latencies: number[]) {
  const socket: Socket = connect(port, '127.0.0.1').setNoDelay(true).setEncoding('latin1')
  await once(socket, 'connect')
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let pending = ''
  let sentAt = 0
  function send() {
    const request = performance.now() < until ? speaker.next() : undefined
    if (request === undefined) return resolve()
    sentAt = performance.now()
    socket.write(request, 'latin1')
  }
  socket.on('data', chunk => {
    try {
      pending += chunk
      const answer = received(pending)
      if (answer === undefined) return
      latencies.push(performance.now() - sentAt)
      pending = pending.slice(answer.length)
      speaker.answered(answer.status, answer.body)
      send()
    } catch (error) {
      reject(error as Error)
    }
  })
  socket.on('error', reject)
  socket.on('close', () => reject(new Error('the server closed the connection')))
  send()
  await promise.finally(() => socket.destroy())
}

/** Runs all speakers until the time is over, or they have nothing left to say. */
export async function closedLoop(
  port: number,
  speakers: readonly Speaker[],
  seconds: number
): Promise<Measured> {
  const begun = performance.now()
  const latencies: number[] = []
  const until = begun + seconds * 1000
  await Promise.all(speakers.map(speaker => converse(port, speaker, until, latencies)))
  return {
    requests: latencies.length,
    seconds: (performance.now() - begun) / 1000,
    latencies: latencies.sort((a, b) => a - b)
  }
}
