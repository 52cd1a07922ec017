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
  /** the server takes no more on this connection (RFC 9112 §9.6) */
  last: boolean
}

/** The first answer in `text`, when it is whole. Bodies are ASCII here, so characters are bytes. */
function received(text: string): Received | undefined {
  const head = text.indexOf('\r\n\r\n')
  if (head === -1) return undefined
  const size = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, head))?.[1]
  if (size === undefined) throw new Error(`no content-length: ${text.slice(0, head)}`)
  const length = head + 4 + Number(size)
  if (text.length < length) return undefined
  const last = /\r\nconnection: *close/i.test(text.slice(0, head))
  return { status: Number(text.slice(9, 12)), body: text.slice(head + 4, length), length, last }
}

async function converse(port: number, speaker: Speaker, until: number, latencies: number[]) {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let socket = await open()
  let pending = ''
  let sentAt = 0

  async function open(): Promise<Socket> {
    const opened = connect(port, '127.0.0.1').setNoDelay(true).setEncoding('latin1')
    await once(opened, 'connect')
    opened.on('data', chunk => void read(String(chunk)).catch(reject))
    opened.on('error', reject)
    opened.on('close', () => reject(new Error('the server closed the connection')))
    return opened
  }

  function send() {
    const request = performance.now() < until ? speaker.next() : undefined
    if (request === undefined) return resolve()
    sentAt = performance.now()
    socket.write(request, 'latin1')
  }

  async function read(chunk: string) {
    pending += chunk
    const answer = received(pending)
    if (answer === undefined) return
    latencies.push(performance.now() - sentAt)
    pending = pending.slice(answer.length)
    speaker.answered(answer.status, answer.body)
    if (answer.last) {
      socket.removeAllListeners('close').destroy()
      socket = await open()
    }
    send()
  }

  send()
  await promise.finally(() => socket.removeAllListeners('close').destroy())
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
