// The notices that this server owes, a queue each: to clients logout tokens (OpenID Connect Back-Channel Logout 1.0) and pings (OpenID Connect
// CIBA), to people mails. Owns what log, audit trail and metrics say of them. How one is delivered is the protocol's, and mail's; when, is notice-delivery.ts.

import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditBatch } from '../audit/batch.ts'
import type { Notifier } from '../protocol/ports.ts'
import type { ChangeFeed } from '../store/change-feed.ts'
import type { Queries } from '../store/database.ts'
import { createLogoutNoticeStore, type LogoutNotice } from '../store/logout-notices.ts'
import { createMailQueue, mailRetrySeconds, type QueuedMail } from '../store/mails.ts'
import { createPingNoticeStore, type PingNotice } from '../store/ping-notices.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { startNoticeDelivery } from './notice-delivery.ts'
import type { Task } from './sweep.ts'

/** Milliseconds. */
const longestMailAtStop = 4_000

export interface Notices {
  /** for the leader of the background job: what a process left behind that died */
  tasks: readonly Task[]
  /** Takes on no more, and waits for what is on its way. */
  end(): Promise<void>
}

export function startNotices(deps: {
  sql: Queries
  logoutTokens: Notifier<LogoutNotice>
  pings: Notifier<PingNotice>
  mails: Notifier<QueuedMail>
  feed: Pick<ChangeFeed, 'on' | 'onGap'>
  audit: Pick<AuditBatch, 'add'>
  metrics: Pick<Metrics, 'logoutNotices' | 'pings' | 'mails'>
  log: { warn(data: object, message: string): void }
}): Notices {
  const { sql, feed, audit, metrics, log } = deps
  const logoutTokens = startNoticeDelivery({
    what: 'logout token',
    table: 'logout_notices',
    queue: createLogoutNoticeStore({ sql }),
    notifier: deps.logoutTokens,
    about: ({ clientId }) => ({ clientId }),
    event: ({ clientId, accountId, attempts }, reason) =>
      reason === undefined
        ? { type: 'logout_notice.delivered', clientId, accountId, data: { attempts } }
        : { type: 'logout_notice.failed', clientId, accountId, data: { attempts, reason } },
    count: outcome => metrics.logoutNotices.inc({ outcome }),
    ...{ feed, audit, log }
  })
  const pings = startNoticeDelivery({
    what: 'ping',
    table: 'ping_notices',
    queue: createPingNoticeStore({ sql }),
    notifier: deps.pings,
    about: ({ clientId }) => ({ clientId }),
    event: ({ clientId, accountId, attempts }, reason) =>
      reason === undefined
        ? { type: 'ping.delivered', clientId, accountId, data: { attempts } }
        : { type: 'ping.failed', clientId, accountId, data: { attempts, reason } },
    count: outcome => metrics.pings.inc({ outcome }),
    ...{ feed, audit, log }
  })
  const mails = startNoticeDelivery({
    what: 'mail',
    table: 'mails',
    restMillis: 50,
    queue: createMailQueue({ sql }),
    retry: mailRetrySeconds,
    notifier: deps.mails,
    about: ({ kind, accountId }) => ({ kind, accountId }),
    event: ({ kind, accountId, attempts }, reason) =>
      reason === undefined
        ? { type: 'mail.sent', accountId, data: { kind, attempts } }
        : { type: 'mail.failed', accountId, data: { kind, attempts, reason } },
    count: outcome => metrics.mails.inc({ outcome }),
    ...{ feed, audit, log }
  })
  return {
    tasks: [
      { name: 'deliver logout tokens', run: logoutTokens.run },
      { name: 'deliver pings', run: pings.run },
      { name: 'send mails', run: mails.run }
    ],
    async end() {
      // a mail server takes longer than a stop may: what it has not confirmed by then is sent again, under the same id
      const mailed = Promise.race([
        mails.end(),
        sleep(longestMailAtStop, undefined, { ref: false })
      ])
      await Promise.all([logoutTokens.end(), pings.end(), mailed])
    }
  }
}
