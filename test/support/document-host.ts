// A site on loopback that serves client metadata documents, as developers' machines do. What stands at a path is changed at will, and
// every request is counted.

import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Lifetime } from './lifetime.ts'

export interface Page {
  status?: number
  headers?: Record<string, string>
  /** an object becomes JSON; text stays as it is */
  body?: object | string
  /** answers only when this resolves */
  after?: Promise<void>
}

export interface DocumentHost {
  origin: string
  /** Puts a document at a path, with the `client_id` and redirect URI of that place unless it has its own; answers the client_id. */
  put(path: string, document?: Record<string, unknown>, page?: Page): string
  /** Puts anything there. */
  putPage(path: string, page: Page): string
  /** requests for a path so far */
  asked(path: string): number
}

/** @param tls serves https with it; else http */
export async function startDocumentHost(
  t: Lifetime,
  tls?: { key: string; cert: string }
): Promise<DocumentHost> {
  const pages = new Map<string, Page>()
  const asked = new Map<string, number>()

  async function answer(path: string, response: ServerResponse) {
    asked.set(path, (asked.get(path) ?? 0) + 1)
    const { status = 200, headers = {}, body = '', after } = pages.get(path) ?? { status: 404 }
    await after
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text)
  }

  const listener: RequestListener = (request, response) => void answer(request.url ?? '', response)
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    return new Promise<void>(resolve => server.close(() => resolve()))
  })
  const scheme = tls === undefined ? 'http' : 'https'
  const origin = `${scheme}://localhost:${(server.address() as AddressInfo).port}`

  const putPage = (path: string, page: Page) => {
    pages.set(path, page)
    return origin + path
  }
  return {
    origin,
    putPage,
    put: (path, document = {}, page = {}) =>
      putPage(path, {
        ...page,
        body: {
          client_id: origin + path,
          client_name: 'Example Agent',
          redirect_uris: [`${origin}/callback`],
          grant_types: ['authorization_code', 'refresh_token'],
          ...document
        }
      }),
    asked: path => asked.get(path) ?? 0
  }
}
