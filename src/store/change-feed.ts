// The change feed: what other processes changed that this one caches, over LISTEN on a connection of its own; where that leads through a
// pooler, which LISTEN does not pass, by asking for it. It is believed only while it was confirmed less than a second ago (a connection
// can be lost silently); otherwise callers must ask the database. It reconnects for ever; a gap tells every listener to forget what it
// knows.

import pg from 'pg'
import { withFullVerification } from './connection-url.ts'
import { isPooled, type Pooler } from './pooler.ts'

/** Tables whose triggers announce `table:key` (migrations). */
export type WatchedTable =
  | 'clients'
  | 'client_secrets'
  | 'signing_keys'
  | 'server_secrets'
  | 'logout_notices'
  | 'ping_notices'
  | 'mails'

export interface ChangeFeed {
  /** Heard from less than a second ago: caches may be believed. */
  confirmed(): boolean
  on(table: WatchedTable, listener: (key: string) => void): void
  /** Called after a gap: everything cached is doubtful. */
  onGap(listener: () => void): void
  /** Resolves once the first confirmation arrived. */
  ready(): Promise<void>
  end(): Promise<void>
}

const believedMillis = 1_000
const heartbeatMillis = 400
const reconnectMillis = 500

const snapshot = 'pg_snapshot_xmin(pg_current_snapshot())::text AS oldest'
/** What was written by transactions that had not ended at the last look. What ended before it was seen then. */
const asking = `SELECT ${snapshot}, coalesce((SELECT json_agg(json_build_array(id, watched, key) ORDER BY id)
    FROM changes WHERE xid >= $1::xid8), '[]') AS changed`

/** Opens the feed. Give it a direct connection if there is one: it hears at once, and asks for little. */
export function createChangeFeed(options: {
  url: string
  /** left out: found out at each connection */
  pooler?: Pooler | undefined
  onError?: (error: Error) => void
}): ChangeFeed {
  const listeners = new Map<string, ((key: string) => void)[]>()
  const gapListeners: (() => void)[] = []
  let confirmedAt = Number.NEGATIVE_INFINITY
  let client: pg.Client | undefined
  let ended = false
  let reported = false
  let wake: (() => void) | undefined
  let firstConfirmation: () => void
  const ready = new Promise<void>(resolve => {
    firstConfirmation = resolve
  })

  /** Not a wall clock: it must not jump. */
  const monotonic = () => performance.now()

  function tell(table: string, key: string) {
    for (const listener of listeners.get(table) ?? []) listener(key)
  }

  function heard(message: pg.Notification) {
    const separator = message.payload?.indexOf(':') ?? -1
    if (message.payload === undefined || separator < 0) return
    tell(message.payload.slice(0, separator), message.payload.slice(separator + 1))
  }

  /** Begins to listen; answers a look that confirms what was heard. */
  async function listen(connection: pg.Client): Promise<() => Promise<unknown>> {
    connection.on('notification', heard)
    await connection.query('LISTEN mintmark_changes')
    // Notifications arrive before the answer of a later query on the same connection: once this answers, all that was committed before
    // it was asked has been heard.
    return () => connection.query('SELECT 1')
  }

  /** Begins to ask; answers a look that tells what it finds. */
  async function poll(connection: pg.Client): Promise<() => Promise<unknown>> {
    const first = await connection.query<{ oldest: string }>(`SELECT ${snapshot}`)
    let oldest = first.rows[0]?.oldest
    /** a transaction that runs for long keeps others that have ended in view */
    let told = new Set<number>()
    return async () => {
      const { rows } = await connection.query<{
        oldest: string
        changed: [id: number, table: string, key: string][]
      }>(asking, [oldest])
      const { changed = [] } = rows[0] ?? {}
      for (const [id, table, key] of changed) if (!told.has(id)) tell(table, key)
      told = new Set(changed.map(([id]) => id))
      oldest = rows[0]?.oldest
    }
  }

  function pause(milliseconds: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, milliseconds)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** One connection's life: listen, or ask, then confirm until it breaks. */
  async function live() {
    const connection = new pg.Client({
      connectionString: withFullVerification(options.url),
      application_name: 'mintmark-feed',
      connectionTimeoutMillis: 3_000,
      // a heartbeat without an answer means that the connection is lost
      query_timeout: believedMillis
    })
    let broken: Error | undefined
    connection.on('error', error => {
      broken = error
      wake?.()
    })
    try {
      await connection.connect()
      client = connection
      const pooled = await isPooled(connection, options.pooler)
      const look = await (pooled ? poll(connection) : listen(connection))
      // what changed before this was not announced to us
      for (const listener of gapListeners) listener()
      while (!ended && broken === undefined) {
        const asked = monotonic()
        await look()
        // what was committed before it was asked is known by now: so the time of asking counts, not that of the answer
        confirmedAt = asked
        reported = false
        firstConfirmation()
        await pause(heartbeatMillis)
      }
      if (broken !== undefined) throw broken
    } finally {
      client = undefined
      confirmedAt = Number.NEGATIVE_INFINITY
      connection.end().catch(() => undefined)
    }
  }

  const running = (async () => {
    while (!ended) {
      try {
        await live()
      } catch (error) {
        if (ended) break
        // once an outage, not once a try
        if (!reported) options.onError?.(error as Error)
        reported = true
        await pause(reconnectMillis)
      }
    }
  })()

  return {
    confirmed: () => monotonic() - confirmedAt < believedMillis,
    on(table, listener) {
      const known = listeners.get(table) ?? []
      listeners.set(table, [...known, listener])
    },
    onGap(listener) {
      gapListeners.push(listener)
    },
    ready: () => ready,
    async end() {
      ended = true
      wake?.()
      await client?.end().catch(() => undefined)
      await running
    }
  }
}
