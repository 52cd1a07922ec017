// A JWT that is presented for introspection or revocation, put out of the engine's sight: it refuses whatever looks like a JWT before it
// looks it up. Owns the request that goes on in place of the one that came.

import type { IncomingMessage } from 'node:http'
import { randomSecret } from '../lib/secret.ts'
import { looksLikeJwt } from './access-tokens.ts'
import { isForm, readBody, withBody } from './form-body.ts'
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
  return { request: withBody(raw, body), tokenHandle }
}
