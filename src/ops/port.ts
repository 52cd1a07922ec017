// Which port the server listens on: the configured one, else the one it had before, else the first free one. An issuer never moves by
// itself, so a port that was used before and is taken now refuses the start. The port is held from the choice until the server listens:
// of two servers that start at the same time, the second one sees that it is taken.

import { createServer, type Server } from 'node:net'
import { Fault } from '../lib/fault.ts'

const firstPort = 3000
const portsTried = 100

export interface HeldPort {
  port: number
  /** something to tell the operator */
  note: string | undefined
  /** Lets go of it, for whoever listens on it in the next moment. */
  release(): void
}

async function tryPort(port: number, host: string): Promise<Server | NodeJS.ErrnoException> {
  // nobody is answered before the server is complete
  const holder = createServer(socket => socket.destroy())
  return new Promise(resolve => {
    holder.once('error', resolve)
    holder.listen({ port, host, exclusive: true }, () => resolve(holder))
  })
}

/**
 * Holds a port, or tells that it is taken.
 * @throws Fault `configuration_invalid` when it can be nobody's: no such address here, no right to use it
 */
async function hold(port: number, host: string): Promise<Server | undefined> {
  const held = await tryPort(port, host)
  if (!(held instanceof Error)) return held
  if (held.code === 'EADDRINUSE') return undefined
  throw new Fault(
    'configuration_invalid',
    `Port ${port} of ${host} cannot be listened on (${held.code}). Set MINTMARK_HOST to an address of this machine, and MINTMARK_PORT to a port that this user may use.`,
    held
  )
}

/** Whether clients that take `localhost` for ::1, as browsers do first, would reach somebody else. */
async function isTakenOnIpv6(port: number, host: string): Promise<boolean> {
  if (host !== '127.0.0.1') return false
  const probe = await tryPort(port, '::1')
  if (probe instanceof Error) return probe.code === 'EADDRINUSE'
  probe.close()
  return false
}

/**
 * Chooses a port and holds it.
 * @throws Fault `busy` when it is taken
 */
export async function holdPort(options: {
  host: string
  configured: number | undefined
  remembered: number | undefined
}): Promise<HeldPort> {
  const { host, configured, remembered } = options
  const taken = (port: number) => `Port ${port} is taken by another process.`
  const heldBy = (port: number, holder: Server, note?: string): HeldPort => ({
    port,
    note,
    release: () => void holder.close()
  })

  if (configured !== undefined) {
    const holder = await hold(configured, host)
    if (holder !== undefined) return heldBy(configured, holder)
    throw new Fault(
      'busy',
      `${taken(configured)} End that process, or set MINTMARK_PORT to another port.`
    )
  }
  const free = async (port: number) =>
    (await isTakenOnIpv6(port, host)) ? undefined : hold(port, host)
  if (remembered !== undefined) {
    const holder = await free(remembered)
    if (holder !== undefined) return heldBy(remembered, holder)
    throw new Fault(
      'busy',
      `${taken(remembered)} This server has used it since its first start, and its issuer must not move by itself: end that process, or set MINTMARK_PORT to another port once.`
    )
  }
  for (let port = firstPort; port < firstPort + portsTried; port += 1) {
    const holder = await free(port)
    if (holder === undefined) continue
    if (port === firstPort) return heldBy(port, holder)
    return heldBy(port, holder, `Port ${firstPort} is taken: listening on ${port}.`)
  }
  throw new Fault(
    'busy',
    `No free port from ${firstPort} to ${firstPort + portsTried - 1}; set MINTMARK_PORT.`
  )
}
