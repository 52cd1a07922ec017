// Which requests wait for which person's answer (OpenID Connect CIBA Core §7), and how often one person may be asked. A request that was
// declined, or that nobody answered, counts for as long as `keptSeconds`: a client cannot ask again and again until somebody gives in.

import type { Queries, Statement } from './database.ts'

/** How many requests count at once, until they are approved or `keptSeconds` are over: of one client, and of all. */
export const mostRequests = { ofClient: 3, ofAccount: 10 } as const
export const keptSeconds = 600

export interface WaitingRequest {
  id: string
  accountId: string
  clientId: string
  bucket: number
  artifact: Buffer
  address: string | undefined
  createdAt: Date
  /** by the database's clock */
  remainingSeconds: number
}

export interface BackchannelRequestStore {
  /** Raises `backchannel_requests_full` when one more would be too many. */
  saveStatements(request: {
    accountId: string
    clientId: string
    bucket: number
    artifact: Buffer
    address: string | undefined
    lifetimeSeconds: number
  }): Statement[]
  /** Those that wait, the newest first, of clients that live. */
  waiting(accountId: string): Promise<WaitingRequest[]>
  find(accountId: string, id: string): Promise<WaitingRequest | undefined>
  /** Raises `request_decided` when it was decided already. */
  approveStatement(id: string): Statement
  declineStatement(id: string): Statement
}

interface Row {
  id: string
  account_id: string
  client_id: string
  bucket: number
  artifact: Buffer
  address: string | null
  created_at: Date
  remaining: number
}

const columns = `r.id, r.account_id, r.client_id, r.bucket, r.artifact, r.address, r.created_at,
  extract(epoch FROM r.expires_at - clock_time())::float8 AS remaining`

const live = `FROM backchannel_requests r JOIN clients c ON c.client_id = r.client_id AND c.disabled_at IS NULL
  WHERE r.account_id = $1 AND r.decided_at IS NULL AND r.expires_at > clock_time()`

const requestOf = (row: Row): WaitingRequest => ({
  id: row.id,
  accountId: row.account_id,
  clientId: row.client_id,
  bucket: row.bucket,
  artifact: row.artifact,
  address: row.address ?? undefined,
  createdAt: row.created_at,
  remainingSeconds: row.remaining
})

export function createBackchannelRequestStore({ sql }: { sql: Queries }): BackchannelRequestStore {
  return {
    saveStatements: request => [
      // of two requests for one person at once, the second one sees the first
      {
        name: 'backchannel_requests.lock',
        text: 'SELECT pg_advisory_xact_lock(7591022, hashtext($1))',
        values: [request.accountId]
      },
      {
        name: 'backchannel_requests.save',
        text: `WITH counted AS (
            SELECT count(*) AS of_account, count(*) FILTER (WHERE client_id = $2) AS of_client
            FROM backchannel_requests WHERE account_id = $1::uuid AND kept_until > clock_time()
          ), saved AS (
            INSERT INTO backchannel_requests (account_id, client_id, bucket, artifact, address, expires_at, kept_until)
            SELECT $1::uuid, $2, $3::integer, $4::bytea, $5, clock_time() + make_interval(secs => $6),
              clock_time() + make_interval(secs => greatest($6, ${keptSeconds}))
            FROM counted WHERE of_account < ${mostRequests.ofAccount} AND of_client < ${mostRequests.ofClient}
            RETURNING 1)
          SELECT require_match((SELECT count(*) FROM saved), 'backchannel_requests_full')`,
        values: [
          request.accountId,
          request.clientId,
          request.bucket,
          request.artifact,
          request.address ?? null,
          request.lifetimeSeconds
        ]
      }
    ],

    async waiting(accountId) {
      const { rows } = await sql.run<Row>(
        'backchannel_requests.waiting',
        `SELECT ${columns} ${live} ORDER BY r.created_at DESC, r.id LIMIT ${mostRequests.ofAccount}`,
        [accountId]
      )
      return rows.map(requestOf)
    },

    async find(accountId, id) {
      const { rows } = await sql.run<Row>(
        'backchannel_requests.find',
        `SELECT ${columns} ${live} AND r.id = $2`,
        [accountId, id]
      )
      return rows[0] && requestOf(rows[0])
    },

    // what was wanted is not asked for again and again: it stops counting
    approveStatement: id => ({
      name: 'backchannel_requests.approve',
      text: `WITH gone AS (DELETE FROM backchannel_requests WHERE id = $1 AND decided_at IS NULL RETURNING 1)
        SELECT require_match((SELECT count(*) FROM gone), 'request_decided')`,
      values: [id]
    }),

    declineStatement: id => ({
      name: 'backchannel_requests.decline',
      text: `WITH declined AS (UPDATE backchannel_requests SET decided_at = clock_time()
          WHERE id = $1 AND decided_at IS NULL RETURNING 1)
        SELECT require_match((SELECT count(*) FROM declined), 'request_decided')`,
      values: [id]
    })
  }
}
