// The cookie by which a browser is known again (accounts/known-devices.ts): no session, no credential, no account in it. Owns its name and
// attributes. Set only after a complete sign-in, and again at each, so that it lasts for whoever comes back.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { deviceSeconds, type KnownDevices } from '../accounts/known-devices.ts'

const named = (secure: boolean) => (secure ? '__Host-device' : 'mintmark_device')

/** What the browser keeps, whatever it is; undefined where it keeps nothing. */
export function deviceIn(request: FastifyRequest, secure: boolean): string | undefined {
  const start = `${named(secure)}=`
  const pair = (request.headers.cookie ?? '').split(';').find(part => part.trim().startsWith(start))
  return pair?.trim().slice(start.length)
}

/** Makes the browser known to the account that has signed in at it, or known for longer. */
export async function rememberDevice(
  devices: Pick<KnownDevices, 'remember'>,
  secure: boolean,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  signedIn: { accountId: string; clientId?: string | undefined }
): Promise<void> {
  const value = await devices.remember({
    ...signedIn,
    device: deviceIn(request, secure),
    userAgent: request.headers['user-agent'],
    address: request.ip,
    requestId: request.id
  })
  const attributes = `Max-Age=${deviceSeconds}; Path=/; HttpOnly; SameSite=Lax`
  // on the raw response, where the engine has put its own: Fastify's would take their place
  reply.raw.appendHeader(
    'set-cookie',
    `${named(secure)}=${value}; ${attributes}${secure ? '; Secure' : ''}`
  )
}
