// A TCP proxy between a server and its PostgreSQL: passes bytes on, late, or not at all, and may lead somewhere else. What stands in a
// black hole is not lost: it arrives when the hole ends, as packets that are sent again do.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type NetConnectOpts, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { socketFolderOf } from '../support/embedded-folder.ts'
import type { Lifetime } from '../support/lifetime.ts'

export interface PostgresProxy {
  /** the database's URL as it is reached through here */
  url: string
  /** PostgreSQL's answers arrive so much later, milliseconds */
  delayAnswers(milliseconds: number): void
  /** Nothing passes, in either direction, until `close` is called. */
  blackHole(): { close(): void }
  /** New connections lead there; those that are open are cut. */
  leadTo(target: NetConnectOpts): void
}

/** Where PostgreSQL of this URL listens: a socket in a folder. */
export function targetOf(url: string): NetConnectOpts {
  return { path: `${socketFolderOf(url)}/.s.PGSQL.5432` }
}

export async function startProxy(life: Lifetime, url: string, first = targetOf(url)) {
  let target = first
  let delay = 0
  let hole: Promise<void> | undefined
  const open = new Set<Socket>()

  /** Passes on in order, each piece when it is due. */
  function forward(from: Socket, to: Socket, late: () => number) {
    let line = Promise.resolve()
    const enqueue = (deliver: () => void) => {
      const due = performance.now() + late()
      line = line.then(async () => {
        const wait = due - performance.now()
        if (wait > 0) await sleep(wait)
        await hole
        deliver()
      })
    }
    from.on('data', chunk => enqueue(() => void (to.writable && to.write(chunk))))
    from.on('end', () => enqueue(() => void to.end()))
    from.on('error', () => undefined)
    // an end that was no good-bye reaches the other side, but not through a hole
    from.on('close', () => enqueue(() => void to.destroy()))
  }

  const server = createServer(near => {
    const far = connect(target)
    for (const socket of [near, far]) {
      socket.setNoDelay(true)
      open.add(socket)
      socket.once('close', () => open.delete(socket))
    }
    forward(near, far, () => 0)
    forward(far, near, () => delay)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const cut = () => {
    for (const socket of open) socket.destroy()
  }
  life.teardown(() => {
    cut()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const database = /@\/(\w+)\?/.exec(url)?.[1] ?? new URL(url).pathname.slice(1)
  const proxy: PostgresProxy = {
    url: `postgres://mintmark@127.0.0.1:${port}/${database}?sslmode=disable`,
    delayAnswers(milliseconds) {
      delay = milliseconds
    },
    blackHole() {
      const { promise, resolve } = Promise.withResolvers<void>()
      hole = promise
      return {
        close() {
          hole = undefined
          resolve()
        }
      }
    },
    leadTo(next) {
      target = next
      cut()
    }
  }
  return proxy
}
