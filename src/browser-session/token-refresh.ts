// An access token that is fresh enough, for as many requests as ask at once: one of them refreshes (one process, by a lease in the session's
// row), the others wait, or go on with the token at hand while it counts. Only the issuer's `invalid_grant` ends a session; whatever else
// fails leaves it as it was.

import { setTimeout as pause } from 'node:timers/promises'
import { IssuerUnavailable, LoginRequired } from './failure.ts'
import { isOver, type RelyingParty } from './relying-party.ts'
import type { LiveSession, SessionContent, Sessions } from './sessions.ts'

/** longer than a request to the issuer may take */
const leaseSeconds = 15
/** a token is renewed this long before it expires; a short one in the last quarter of its life */
const reserveSeconds = 30
/** for an issuer that does not say how long a token counts */
const usualSeconds = 300
const pollMilliseconds = 50
/** after a failure the issuer is left alone this long */
const restMilliseconds = 1_000
const mostSwaps = 20

export type Tokens = Pick<
  SessionContent,
  'accessToken' | 'accessTokenExpiresAt' | 'accessTokenRenewAt' | 'refreshToken' | 'idToken'
>

/** What the issuer answered, as it is kept; what it did not send anew stays. `now` in seconds. */
export function tokensOf(
  answer: {
    access_token: string
    expires_in?: number | undefined
    refresh_token?: string | undefined
    id_token?: string | undefined
  },
  now: number,
  before?: Tokens
): Tokens {
  const refreshToken = answer.refresh_token ?? before?.refreshToken
  const lifetime = answer.expires_in ?? usualSeconds
  return {
    accessToken: answer.access_token,
    accessTokenExpiresAt: now + lifetime,
    accessTokenRenewAt: now + lifetime - Math.min(reserveSeconds, lifetime / 4),
    idToken: answer.id_token ?? before?.idToken ?? '',
    ...(refreshToken === undefined ? {} : { refreshToken })
  }
}

/** `now` in milliseconds since the epoch. */
export function createTokenRefresh(options: {
  sessions: Sessions
  relyingParty: RelyingParty
  now: () => number
}) {
  const { sessions, relyingParty, now } = options
  const flights = new Map<string, Promise<string>>()
  let rest: { until: number; cause: unknown } | undefined
  const seconds = () => now() / 1000

  const isFresh = ({ content }: LiveSession) => seconds() < content.accessTokenRenewAt
  /** What goes on with a token that still counts, and must not without. */
  function atHand({ content }: LiveSession, cause: unknown): string {
    if (seconds() < content.accessTokenExpiresAt) return content.accessToken
    throw new IssuerUnavailable('the access token could not be renewed', { cause })
  }

  async function current(id: string): Promise<LiveSession> {
    const session = await sessions.find(id)
    if (session === undefined) throw new LoginRequired('the session is over')
    return session
  }

  /** Asks the issuer, as the only one; the lease is in the row that was read. */
  async function refresh(leased: LiveSession, refreshToken: string): Promise<string> {
    let content: SessionContent
    try {
      const asked = seconds()
      const answer = await relyingParty.refresh(refreshToken)
      rest = undefined
      content = { ...leased.content, ...tokensOf(answer, asked, leased.content) }
    } catch (cause) {
      return failed(leased, refreshToken, cause)
    }
    // a use that was written down meanwhile has changed the row, and must not cost the new tokens
    let session: LiveSession | undefined = leased
    for (let swaps = 0; swaps < mostSwaps && session; swaps += 1) {
      if (await sessions.change(session, { content, refreshingUntil: undefined })) {
        return content.accessToken
      }
      session = await sessions.find(leased.id)
    }
    // signed out while the answer was on its way: what it brought must not live on
    await relyingParty.revoke(content.refreshToken)
    throw new LoginRequired('the session was ended')
  }

  async function failed(leased: LiveSession, refreshToken: string, cause: unknown) {
    const session = await current(leased.id)
    if (isOver(cause)) {
      // another process may have been quicker, with a lease of its own
      if (session.content.refreshToken !== refreshToken) return session.content.accessToken
      await sessions.end(session)
      throw new LoginRequired('the issuer ended the session', { cause })
    }
    await sessions.change(session, { refreshingUntil: undefined })
    rest = { until: now() + restMilliseconds, cause }
    return atHand(session, cause)
  }

  /** One round: undefined means that somebody else was quicker, and to look again. */
  async function attempt(id: string): Promise<string | undefined> {
    const session = await current(id)
    const { accessToken, accessTokenExpiresAt, refreshToken } = session.content
    const counts = seconds() < accessTokenExpiresAt
    if (isFresh(session)) return accessToken
    if (refreshToken === undefined) {
      if (counts) return accessToken
      await sessions.end(session)
      throw new LoginRequired('the access token has expired, and there is no refresh token')
    }
    if (rest && Math.abs(rest.until - now()) <= restMilliseconds && now() < rest.until) {
      return atHand(session, rest.cause)
    }
    if ((session.row.refreshingUntil ?? 0) > seconds()) {
      if (counts) return accessToken
      await pause(pollMilliseconds)
      return undefined
    }
    const leased = await sessions.change(session, { refreshingUntil: seconds() + leaseSeconds })
    return leased && refresh(leased, refreshToken)
  }

  async function fly(id: string): Promise<string> {
    const giveUp = Date.now() + 2 * leaseSeconds * 1000
    while (Date.now() < giveUp) {
      const token = await attempt(id)
      if (token !== undefined) return token
    }
    throw new IssuerUnavailable('the access token is being renewed for too long')
  }

  return {
    /**
     * @throws LoginRequired when the session is over
     * @throws IssuerUnavailable when there is no token that still counts, and none to be had right now
     */
    accessToken(session: LiveSession): Promise<string> {
      if (isFresh(session)) return Promise.resolve(session.content.accessToken)
      const running = flights.get(session.key)
      if (running) return running
      const flight = fly(session.id).finally(() => flights.delete(session.key))
      flights.set(session.key, flight)
      return flight
    }
  }
}
