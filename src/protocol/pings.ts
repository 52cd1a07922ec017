// Pings (OpenID Connect CIBA Core §10.2): tells a client that a person has answered, once, with the token that the client chose for it. When, and
// what becomes of a failure, is ops/notice-delivery.ts. The engine would do it inside the answer, in memory and without a second try: its
// own way is never called (backchannel-approvals.ts).

import type { Outbound } from '../lib/outbound.ts'
import type { Sealer } from '../lib/seal.ts'
import { type PingNotice, pingContext } from '../store/ping-notices.ts'
import type { ClientSource } from './client.ts'
import type { Notifier } from './ports.ts'

export function createPingNotifier(deps: {
  clients: Pick<ClientSource, 'find'>
  outbound: Pick<Outbound, 'send'>
  seal: Pick<Sealer, 'open'>
  now: () => Date
}): Notifier<PingNotice> {
  return {
    async deliver(notice) {
      const client = await deps.clients.find(notice.clientId)
      const endpoint = client?.metadata.backchannel_client_notification_endpoint
      // it would fetch nothing any more
      if (endpoint === undefined || notice.expiresAt <= deps.now()) return 'gone'
      const opened = deps.seal.open(notice.sealed, pingContext(notice.id)).toString('utf8')
      const { requestId, token } = JSON.parse(opened) as { requestId: string; token: string }
      try {
        const { status } = await deps.outbound.send(endpoint, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: JSON.stringify({ auth_req_id: requestId }),
          maxBytes: 8 * 1024
        })
        // §10.2: "the Client Notification Endpoint SHOULD respond with an HTTP 204 No Content. The OP SHOULD also accept HTTP 200 OK"
        return status === 200 || status === 204 ? 'delivered' : { failed: `answered ${status}` }
      } catch (error) {
        return { failed: (error as Error).message }
      }
    }
  }
}
