// A JWT that is presented for introspection or revocation, put out of the engine's sight: it refuses whatever looks like a JWT before it
// looks it up. Owns the request that goes on in place of the one that came.

import { IncomingMessage } from 'node:http'
import { randomSecret } from '../lib/secret.ts'
import { looksLikeJwt } from './access-tokens.ts'
import { isForm, readBody } from './form-body.ts'
import { bodyLimit } from './sentences.ts'

/** Replaces the one `token` parameter, if it is a JWT, by a random handle, which stands for it in this request only. */
export async function replaceToken(
  raw: IncomingMessage
): Promise<
  | 'too large'
  | { request: IncomingMessage; tokenHandle: { handle: string; jwt: string } | undefined }
> {
  let body = await readBody(raw, bodyLimit)
  if (body === undefined) return 'too large'
  let tokenHandle: { handle: string; jwt: string } | undefined
  if (isForm(raw)) {
    const form = new URLSearchParams(body.toString('utf8'))
    const [jwt, ...more] = form.getAll('token')
    // a parameter that comes twice is refused by the engine
    if (jwt !== undefined && more.length === 0 && looksLikeJwt(jwt)) {
      tokenHandle = { handle: randomSecret(), jwt }
      form.set('token', tokenHandle.handle)
      body = Buffer.from(form.toString())
    }
  }
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
  return { request, tokenHandle }
}
