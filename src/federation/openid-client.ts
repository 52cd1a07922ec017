// How openid-client talks here: by our own way out (lib/outbound.ts), which looks where an address leads, follows no redirect, and is done
// with an answer that is large or slow. Owns how our secret is shown to a provider.

import * as oidc from 'openid-client'
import type { Outbound } from '../lib/outbound.ts'

/** Key sets with certificate chains are large: Microsoft's has some fifty kilobytes. */
const maxBytes = 256 * 1024

export type Asks = Pick<Outbound, 'send'>

export function fetchThrough(outbound: Asks): oidc.CustomFetch {
  return async (url, { method, headers, body }) => {
    if (method !== 'GET' && method !== 'POST')
      throw new TypeError(`${method} is not sent to others`)
    const answer = await outbound.send(url, {
      method,
      headers,
      maxBytes,
      ...(body === undefined || body === null ? {} : { body: String(body) })
    })
    const bodiless = answer.status === 204 || answer.status === 205
    return new Response(bodiless ? null : new Uint8Array(answer.body), {
      status: answer.status,
      headers: Object.entries(answer.headers).flatMap(([name, value]) =>
        [value ?? []].flat().map((one): [string, string] => [name, one])
      )
    })
  }
}

/** RFC 6749 §2.3.1; `apple`: as `client_secret_post`, with a secret that is made each time */
export function authenticationBy(
  method: 'client_secret_basic' | 'client_secret_post' | 'apple',
  secret: string | (() => Promise<string>)
): oidc.ClientAuth {
  if (typeof secret === 'string') {
    return method === 'client_secret_basic'
      ? oidc.ClientSecretBasic(secret)
      : oidc.ClientSecretPost(secret)
  }
  const byJwt = async (
    _: oidc.ServerMetadata,
    client: oidc.ClientMetadata,
    body: URLSearchParams
  ) => {
    body.set('client_id', client.client_id)
    body.set('client_secret', await secret())
  }
  // the type has no promise, and the library awaits it
  return byJwt as unknown as oidc.ClientAuth
}
