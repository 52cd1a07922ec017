// Logout tokens (OpenID Connect Back-Channel Logout 1.0): makes one for a notice of the queue and posts it to its relying party, once. When,
// and what becomes of a failure, is ops/notice-delivery.ts. The engine would do it inside the request that signs out, in memory and
// without a second try: its own way is turned off (client.ts).
//
// Facts of the engine (9.13.3), held by test/protocol/logout-notices.test.ts: `IdToken#issue({ use: 'logout' })` signs with the client's ID
// token algorithm, types it `logout+jwt` and lets it live two minutes; `sub` follows the client's subject type.

import { randomUUID } from 'node:crypto'
import type { Provider } from 'oidc-provider'
import type { Outbound } from '../lib/outbound.ts'
import type { LogoutNotice } from '../store/logout-notices.ts'
import type { Notifier } from './ports.ts'

/** §2.4: the member name is a URI, its value an empty object. */
const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'

export function createLogoutNotifier(deps: {
  provider(): Provider
  outbound: Pick<Outbound, 'send'>
}): Notifier<LogoutNotice> {
  async function tokenFor(notice: LogoutNotice): Promise<{ uri: string; token: string } | 'gone'> {
    const provider = deps.provider()
    const client = await provider.Client.find(notice.clientId)
    const uri = client?.backchannelLogoutUri
    if (client === undefined || uri === undefined) return 'gone'
    const token = new provider.IdToken({ sub: notice.accountId }, { client })
    Object.assign(token, { mask: { sub: null } })
    // §2.4: "sub", "sid", or both. Both: some relying parties keep sessions by one, some by the other.
    token.set('sid', notice.sid)
    token.set('events', { [logoutEvent]: {} })
    token.set('jti', randomUUID())
    return { uri, token: await token.issue({ use: 'logout' }) }
  }

  return {
    async deliver(notice) {
      const made = await tokenFor(notice)
      if (made === 'gone') return 'gone'
      try {
        const { status } = await deps.outbound.send(made.uri, {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: new URLSearchParams({ logout_token: made.token }).toString(),
          maxBytes: 8 * 1024
        })
        // §2.8: "If the logout succeeded, the RP MUST respond with HTTP 200 OK." Frameworks answer 204, and the text allows for it.
        return status === 200 || status === 204 ? 'delivered' : { failed: `answered ${status}` }
      } catch (error) {
        return { failed: (error as Error).message }
      }
    }
  }
}
