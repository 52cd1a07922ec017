// Relying parties that are told of sign-outs by back channel, all at one port: a path each. Says who was told what, unverified.

import { createServer } from 'node:http'
import type { Test } from 'tap'
import { claimsIn } from './requests.ts'

export async function listenForSignOuts(t: Test) {
  /** the claims of the logout tokens that came, by path */
  const told = new Map<string, Record<string, unknown>[]>()
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const token = new URLSearchParams(body).get('logout_token') ?? ''
    const name = request.url?.slice(1) ?? ''
    told.set(name, [...(told.get(name) ?? []), claimsIn(token)])
    response.end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  return { told, port: typeof address === 'object' ? address?.port : 0 }
}
