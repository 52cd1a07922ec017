// More server processes beside a test's own, on its database and under its issuer: what a load balancer would choose from. Requests reach
// a process by its port; the Host header stays the issuer's, as a proxy would pass it on.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import type { Overrides } from './configuration.ts'
import { freePort, masterKey, type TestServer } from './server.ts'

export interface ServerProcess {
  port: number
  child: ChildProcess
  /** Sends a request to this process, whatever the issuer's port is. */
  fetch(path: string, init?: ProcessRequest): Promise<ProcessResponse>
}

export interface ProcessRequest {
  method?: string
  headers?: Record<string, string>
  body?: string
}

export interface ProcessResponse {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
}

/** A request to one process, under the issuer's name. */
export function fetchFrom(
  port: number,
  issuer: string,
  path: string,
  { method = 'GET', headers = {}, body }: ProcessRequest = {}
): Promise<ProcessResponse> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      {
        host: '127.0.0.1',
        port,
        path,
        method,
        agent: false,
        headers: {
          host: new URL(issuer).host,
          ...headers,
          ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) })
        }
      },
      response => {
        const chunks: Buffer[] = []
        response.on('data', chunk => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString('utf8')
          })
        )
      }
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

/** Starts another process on the database of `main`; it is ended with `t`. */
export async function startServerProcess(
  t: Test,
  main: TestServer,
  overrides: Overrides = {}
): Promise<ServerProcess> {
  const port = await freePort()
  const file = fileURLToPath(new URL('./server-process.ts', import.meta.url))
  const given = {
    issuer: main.issuer,
    port,
    url: main.databaseUrl,
    masterKey: masterKey.toString('base64'),
    overrides
  }
  const child = spawn(process.execPath, [file, JSON.stringify(given)], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  })
  await once(child.stdout as NonNullable<typeof child.stdout>, 'data')
  return {
    port,
    child,
    fetch: (path, init) => fetchFrom(port, main.issuer, path, init)
  }
}
