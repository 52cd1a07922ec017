// Bodies that are read before the engine sees the request: a limit in bytes while reading, and a form as a query string. Refuses what is no
// form, and what would not fit into an address.

import { IncomingMessage } from 'node:http'

/** Bytes of a posted request that is answered with an address: Node takes 16 KiB of headers, and cookies come along. */
const queryLimit = 8 * 1024

/** The whole body; undefined when it is larger than `limit` bytes. */
export async function readBody(
  request: AsyncIterable<Buffer>,
  limit: number
): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > limit) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The request that goes on in place of one whose body was read. */
export function withBody(raw: IncomingMessage, body: Buffer): IncomingMessage {
  const request = new IncomingMessage(raw.socket)
  request.method = raw.method ?? 'POST'
  request.url = raw.url ?? ''
  request.httpVersion = raw.httpVersion
  request.httpVersionMajor = raw.httpVersionMajor
  request.httpVersionMinor = raw.httpVersionMinor
  request.headers = { ...raw.headers, 'content-length': String(body.length) }
  delete request.headers['transfer-encoding']
  request.push(body)
  request.push(null)
  // an incoming message that ends incomplete closes the client's socket
  request.complete = true
  return request
}

export function isForm({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return /^application\/x-www-form-urlencoded\s*(;|$)/i.test(headers['content-type'] ?? '')
}

/**
 * "Authorization Servers MUST support the use of the HTTP GET and POST methods" (OpenID Connect Core §3.1.2.1; the same for sign-out,
 * RP-Initiated Logout §2): the parameters of a posted form, each as often as it stands there, for the same request by GET.
 */
export async function readAsQuery(
  request: IncomingMessage
): Promise<{ parameters: string } | { refused: { status: number; text: string } }> {
  if (!isForm(request)) {
    const text = 'send the parameters as application/x-www-form-urlencoded'
    return { refused: { status: 415, text } }
  }
  const body = await readBody(request, queryLimit)
  if (body === undefined) {
    const text = `a posted request may have ${queryLimit} bytes; push a larger one to /oauth/par (RFC 9126)`
    return { refused: { status: 413, text } }
  }
  return { parameters: new URLSearchParams(body.toString('utf8')).toString() }
}
