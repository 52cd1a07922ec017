// The change feed: what other processes changed that this one caches, over LISTEN on a connection of its own. It is believed only while
// it was confirmed less than a second ago (a connection can be lost silently); otherwise callers must ask the database. It reconnects
// for ever; a gap tells every listener to forget what it knows.

import pg from 'pg'
import { withFullVerification } from './connection-url.ts'

/** Tables whose triggers announce `table:key` (migrations). */
export type WatchedTable = 'clients' | 'client_secrets' | 'signing_keys' | 'server_secrets'

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

/** `url` must be a direct connection: LISTEN does not pass a pooler in transaction mode. */
export function createChangeFeed(options: {
  url: string
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

  function heard(message: pg.Notification) {
    const separator = message.payload?.indexOf(':') ?? -1
    if (message.payload === undefined || separator < 0) return
    const table = message.payload.slice(0, separator)
    const key = message.payload.slice(separator + 1)
    for (const listener of listeners.get(table) ?? []) listener(key)
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

  /** One connection's life: listen, then confirm until it breaks. */
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
    connection.on('notification', heard)
    try {
      await connection.connect()
      client = connection
      await connection.query('LISTEN mintmark_changes')
      // what changed before LISTEN took effect was not announced to us
      for (const listener of gapListeners) listener()
      while (!ended && broken === undefined) {
        const asked = monotonic()
        // Notifications arrive before the answer of a later query on the same connection: once this answers, all that was committed
        // before it was asked has been heard. So the time of asking counts, not that of the answer.
        await connection.query('SELECT 1')
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
