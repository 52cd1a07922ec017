// What the HTTP side knows of a request and the engine's side needs: who asks, and the handle that stands in for a JWT. Kept beside the
// request object, since the engine passes nothing else through; it goes when the request goes.

import type { IncomingMessage } from 'node:http'
import type { ClientCertificate } from './client-certificates.ts'
import type { ForeignAssertion, RequestFacts } from './unit-of-work.ts'

export interface HttpRequestFacts extends RequestFacts {
  tokenHandle?: { handle: string; jwt: string } | undefined
  assertion?: ForeignAssertion | undefined
  certificate?: ClientCertificate | undefined
}

export interface RequestFactsBook {
  note(request: IncomingMessage, facts: HttpRequestFacts): void
  of(request: IncomingMessage): HttpRequestFacts
}

export function createRequestFactsBook(): RequestFactsBook {
  const known = new WeakMap<IncomingMessage, HttpRequestFacts>()
  return {
    note: (request, facts) => void known.set(request, facts),
    of: request => known.get(request) ?? { requestId: 'none', address: undefined }
  }
}
