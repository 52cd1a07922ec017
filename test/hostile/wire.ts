// A client that sends exactly the bytes it is given, one connection a request: what fetch and http.request refuse to send is what these
// tests are about. Knows just enough of HTTP/1.1 to read an answer that closes its connection.

import { connect, type Socket } from 'node:net'

/** A request, byte for byte as it stands here. */
export interface Wire {
  method?: string
  /** request target, as written: no normalisation */
  target: string
  /** pairs, so that names may repeat; `host`, `connection` and `content-length` are added unless named */
  headers?: readonly (readonly [string, string])[]
  body?: string | Buffer
  /** sends the body in chunks (RFC 9112 §7.1), without content-length */
  chunked?: true
}

export interface Answer {
  status: number
  /** lower-case names; what came twice is joined by `, `, as RFC 9110 §5.3 allows */
  headers: Record<string, string>
  text: string
}

/** How long an answer may take, milliseconds, before the test calls it missing. */
const patience = 15_000

/** Sends a request and reads the answer. @throws Error when the connection ends without one */
export async function exchange(port: number, host: string, wire: Wire): Promise<Answer> {
  const answer = await exchangeBytes(port, bytesOf(host, wire))
  if (answer === undefined) throw new Error(`no answer to ${JSON.stringify(wire).slice(0, 1000)}`)
  return answer
}

/** The request as bytes. */
export function bytesOf(host: string, wire: Wire): Buffer {
  const { method = 'GET', target, headers = [], chunked } = wire
  const body = Buffer.from(wire.body ?? '')
  const named = new Set(headers.map(([name]) => name.toLowerCase()))
  const all: (readonly [string, string])[] = [...headers]
  if (!named.has('host')) all.unshift(['host', host])
  if (!named.has('connection')) all.push(['connection', 'close'])
  if (chunked) all.push(['transfer-encoding', 'chunked'])
  else if (!named.has('content-length') && (wire.body !== undefined || method === 'POST')) {
    all.push(['content-length', String(body.length)])
  }
  const head = `${method} ${target} HTTP/1.1\r\n${all.map(([n, v]) => `${n}: ${v}\r\n`).join('')}\r\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), chunked ? inChunks(body) : body])
}

function inChunks(body: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < body.length; at += 65_536) {
    const part = body.subarray(at, at + 65_536)
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'))
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')])
}

/** Sends bytes and reads until the server closes; undefined when it closed without a word. */
export function exchangeBytes(port: number, bytes: Buffer): Promise<Answer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket: Socket = connect(port, '127.0.0.1')
    const tooLong = setTimeout(() => {
      socket.destroy()
      const answer = parseAnswer(Buffer.concat(chunks))
      if (answer === undefined) reject(new Error('the server neither answered nor closed'))
      else resolve(answer)
    }, patience)
    socket.on('data', chunk => chunks.push(chunk))
    // a server that has answered may reset what is still being sent
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(tooLong)
      resolve(parseAnswer(Buffer.concat(chunks)))
    })
    socket.write(bytes)
  })
}

/** An answer whose connection was closed behind it; undefined when it is no whole head. */
export function parseAnswer(bytes: Buffer): Answer | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const [statusLine = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1])
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`
  }
  const body = bytes.subarray(end + 4)
  const chunked = headers['transfer-encoding'] === 'chunked'
  return { status, headers, text: (chunked ? dechunk(body) : body).toString('utf8') }
}

function dechunk(body: Buffer): Buffer {
  const parts: Buffer[] = []
  let at = 0
  while (at < body.length) {
    const lineEnd = body.indexOf('\r\n', at)
    const size = Number.parseInt(body.subarray(at, lineEnd).toString('latin1'), 16)
    if (!(size > 0)) break
    parts.push(body.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = lineEnd + 2 + size + 2
  }
  return Buffer.concat(parts)
}
