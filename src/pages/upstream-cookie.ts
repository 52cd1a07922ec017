// The cookie that binds a request to another provider to the browser that made it: one random value, which the table has as a digest. Where an
// answer comes as a form of the provider's site (`form_post`) only `SameSite=None` is sent along, so then it is that; it opens nothing by
// itself, whoever sends a form from elsewhere lacks the `state` that belongs to it.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { randomSecret } from '../lib/secret.ts'

export interface UpstreamCookie {
  read(request: FastifyRequest): string | undefined
  /** The browser's value, made now if it has none; kept for as long as people may be away. */
  keep(request: FastifyRequest, reply: FastifyReply): string
}

export function createUpstreamCookie(options: {
  secure: boolean
  /** `cross-site`: a provider answers by a form */
  answers: 'same-site' | 'cross-site'
  lifetimeSeconds: number
}): UpstreamCookie {
  const { secure, lifetimeSeconds } = options
  const name = `${secure ? '__Host-' : 'mintmark_'}upstream`
  // browsers take `None` only with `Secure`
  const sameSite = secure && options.answers === 'cross-site' ? 'None' : 'Lax'
  const attributes = `Max-Age=${lifetimeSeconds}; Path=/; HttpOnly; SameSite=${sameSite}${secure ? '; Secure' : ''}`

  function read(request: FastifyRequest): string | undefined {
    const found = (request.headers.cookie ?? '')
      .split(';')
      .map(pair => pair.trim())
      .filter(pair => pair.startsWith(`${name}=`))
      .map(pair => pair.slice(name.length + 1))
    // two of one name: one of them is not ours (RFC 6265 §5.4 tells no order that could be relied on)
    const [value] = found
    return found.length === 1 && value !== undefined && /^[A-Za-z0-9_-]{43}$/.test(value)
      ? value
      : undefined
  }

  return {
    read,
    keep(request, reply) {
      const value = read(request) ?? randomSecret()
      // on the raw response: the engine's cookies stand there, too
      reply.raw.appendHeader('set-cookie', `${name}=${value}; ${attributes}`)
      return value
    }
  }
}
