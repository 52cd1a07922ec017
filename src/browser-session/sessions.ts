// Sessions of browsers: begun at a sign-in with an id that nobody had before (ASVS 7.2.4), prolonged by use up to an absolute end, and ended.
// Owns their lifetimes and what is in them; the tokens' own life is token-refresh.ts's.

import { digest, isSessionId, keyOf, newSessionId, open, seal } from './sealed.ts'
import type { SessionRow, SessionStore } from './session-store.ts'

/** What a session holds, sealed. */
export interface SessionContent {
  /** of the ID token */
  claims: Record<string, unknown> & { sub: string; sid?: string }
  idToken: string
  accessToken: string
  /** seconds since the epoch */
  accessTokenExpiresAt: number
  /** seconds since the epoch: from then on another one is asked for */
  accessTokenRenewAt: number
  refreshToken?: string
}

/** A session that is alive, as it was when it was read. */
export interface LiveSession {
  /** the cookie's value */
  id: string
  key: string
  row: SessionRow
  content: SessionContent
}

export type Sessions = ReturnType<typeof createSessions>

/** `now` in milliseconds since the epoch. */
export function createSessions(options: {
  store: SessionStore
  issuer: string
  idleSeconds: number
  absoluteSeconds: number
  now: () => number
}) {
  const { store, issuer, idleSeconds, absoluteSeconds } = options
  const seconds = () => Math.floor(options.now() / 1000)
  /** a use is written down no more often than this */
  const touchSeconds = Math.min(60, idleSeconds / 10)
  const subjectOf = (sub: string) => digest('subject', `${issuer}\n${sub}`)
  const sidOf = (sid: string) => digest('sid', `${issuer}\n${sid}`)
  const endOf = (row: Pick<SessionRow, 'createdAt' | 'lastUsedAt'>) =>
    Math.min(row.lastUsedAt + idleSeconds, row.createdAt + absoluteSeconds)

  return {
    /** Answers the new session's id. */
    async begin(content: SessionContent): Promise<{ id: string; maxAgeSeconds: number }> {
      const id = newSessionId()
      const now = seconds()
      const times = { createdAt: now, lastUsedAt: now }
      const { sub, sid } = content.claims
      await store.create(keyOf(id), {
        version: 1,
        ...times,
        expiresAt: endOf(times),
        subject: subjectOf(sub),
        ...(typeof sid === 'string' ? { sid: sidOf(sid) } : {}),
        sealed: seal(id, content)
      })
      return { id, maxAgeSeconds: endOf(times) - now }
    },

    /** undefined: there is no such session, or not any more. */
    async find(id: string | undefined): Promise<LiveSession | undefined> {
      if (id === undefined || !isSessionId(id)) return undefined
      const key = keyOf(id)
      const row = await store.read(key)
      if (row === undefined) return undefined
      if (endOf(row) <= seconds()) {
        await store.delete(key)
        return undefined
      }
      const content = open(id, row.sealed) as SessionContent | undefined
      return content && { id, key, row, content }
    },

    /**
     * Writes down that a session is used, now and then. Answers for how long its cookie counts; undefined: nothing was written. Who loses
     * against another change has lost nothing: the next use writes.
     */
    async touch({ key, row }: LiveSession): Promise<number | undefined> {
      const now = seconds()
      if (now - row.lastUsedAt < touchSeconds) return undefined
      const used = { ...row, version: row.version + 1, lastUsedAt: now }
      const expiresAt = endOf(used)
      return (await store.replace(key, row.version, { ...used, expiresAt }))
        ? expiresAt - now
        : undefined
    },

    /** Changes a row that nobody changed meanwhile; answers the session as it is then. */
    async change(
      session: LiveSession,
      changes: { content?: SessionContent; refreshingUntil: number | undefined }
    ): Promise<LiveSession | undefined> {
      const { refreshingUntil: _, ...row } = session.row
      const content = changes.content ?? session.content
      const changed: SessionRow = {
        ...row,
        version: row.version + 1,
        ...(changes.refreshingUntil === undefined
          ? {}
          : { refreshingUntil: changes.refreshingUntil }),
        sealed: changes.content ? seal(session.id, content) : row.sealed
      }
      const done = await store.replace(session.key, row.version, changed)
      return done ? { ...session, row: changed, content } : undefined
    },

    async end({ key }: Pick<LiveSession, 'key'>): Promise<void> {
      await store.delete(key)
    },

    /**
     * Ends what the issuer ended. Without `sid`, all sessions of the person that began before it said so; the clocks may differ by a little.
     */
    async endByIssuer(said: { sub?: string; sid?: string; iat: number }): Promise<void> {
      await store.deleteEnded({
        createdUntil: said.iat + 5,
        ...(said.sub === undefined ? {} : { subject: subjectOf(said.sub) }),
        ...(said.sid === undefined ? {} : { sid: sidOf(said.sid) })
      })
    },

    /** When a session ends by itself: if it is not used, and in any case. Seconds since the epoch. */
    endsOf: ({ row }: LiveSession) => ({
      idleUntil: endOf(row),
      until: row.createdAt + absoluteSeconds
    })
  }
}
