// Where sessions are kept: the port for a store that the processes of an app share, and a bounded one in the memory of one process. What a
// store is given opens nothing: its keys are digests, and only the browser's cookie opens `sealed`.

/** One session, as it is kept. Plain data: JSON can carry it. */
export interface SessionRow {
  /** another one with each change */
  version: number
  /** seconds since the epoch; the store may delete the row from then on */
  expiresAt: number
  /** seconds since the epoch */
  createdAt: number
  /** seconds since the epoch */
  lastUsedAt: number
  /** seconds since the epoch: until then one process is refreshing the tokens */
  refreshingUntil?: number
  /** digests of the issuer's `sub` and `sid`, for back-channel logout */
  subject: string
  sid?: string
  sealed: string
}

/** Which sessions the issuer ended. */
export interface EndedSessions {
  subject?: string
  sid?: string
  /** seconds since the epoch: sessions that began later are others */
  createdUntil: number
}

/**
 * Needs no transaction and no lock: `replace` compares and sets, in one step. In SQL that is
 * `UPDATE … SET … WHERE key = $1 AND version = $2`, in Redis a script of four lines.
 */
export interface SessionStore {
  create(key: string, row: SessionRow): Promise<void>
  read(key: string): Promise<SessionRow | undefined>
  /** Puts `row` in the place of the one with this version, and answers false when that is not there. */
  replace(key: string, version: number, row: SessionRow): Promise<boolean>
  delete(key: string): Promise<void>
  /** Deletes the rows that have every member that is given. */
  deleteEnded(ended: EndedSessions): Promise<void>
}

/**
 * Keeps sessions in this process: for an app of one process, which a restart signs everybody out of. When `max` is reached, the session that
 * was not read for longest leaves.
 */
export function createMemoryStore({
  max = 10_000,
  now = Date.now
}: {
  max?: number
  /** milliseconds since the epoch */
  now?: () => number
} = {}): SessionStore {
  // in the order of their last use
  const rows = new Map<string, SessionRow>()

  function keep(key: string, row: SessionRow): void {
    rows.delete(key)
    rows.set(key, row)
  }

  return {
    async create(key, row) {
      if (rows.size >= max) {
        for (const [old, { expiresAt }] of rows) {
          if (expiresAt * 1000 <= now()) rows.delete(old)
        }
      }
      const [oldest] = rows.keys()
      if (rows.size >= max && oldest !== undefined) rows.delete(oldest)
      keep(key, row)
    },

    async read(key) {
      const row = rows.get(key)
      if (row) keep(key, row)
      return row
    },

    async replace(key, version, row) {
      if (rows.get(key)?.version !== version) return false
      keep(key, row)
      return true
    },

    async delete(key) {
      rows.delete(key)
    },

    async deleteEnded({ subject, sid, createdUntil }) {
      for (const [key, row] of rows) {
        if (row.createdAt > createdUntil) continue
        if (sid !== undefined && row.sid !== sid) continue
        if (subject !== undefined && row.subject !== subject) continue
        rows.delete(key)
      }
    }
  }
}
