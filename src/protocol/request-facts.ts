// What the HTTP side knows of a request and the engine's side needs: who asks, and the handle that stands in for a JWT. Kept beside the
// request object, since the engine passes nothing else through.

import type { IncomingMessage } from 'node:http'
import type { RequestFacts } from './unit-of-work.ts'

export interface HttpRequestFacts extends RequestFacts {
  tokenHandle: { handle: string; jwt: string } | undefined
}

const known = new WeakMap<IncomingMessage, HttpRequestFacts>()

export function setRequestFacts(request: IncomingMessage, facts: HttpRequestFacts): void {
  known.set(request, facts)
}

export function requestFacts(request: IncomingMessage): HttpRequestFacts {
  return known.get(request) ?? { requestId: 'none', address: undefined, tokenHandle: undefined }
}
