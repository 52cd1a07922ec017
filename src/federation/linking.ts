// Identities at other providers as ways into an account that is there already: link one that was proved at this browser, or unlink one. Who
// calls has made sure that the person signed in a moment ago. Refuses an identity that is somebody else's, and to take the last way in.

import type { AuditEvent } from '../audit/events.ts'
import type { Database, Queries } from '../store/database.ts'
import { createLinkedIdentityStore, type IdentityKey } from '../store/linked-identities.ts'
import type { Away, Offer } from './away.ts'
import type { Asked, UpstreamSignIn } from './sign-in.ts'
import type { Upstreams } from './upstreams.ts'

/** Whether an account can sign in in some other way: a password, a passkey … */
export type OtherWayIn = (sql: Queries, accountId: string) => Promise<boolean>

export interface ShownIdentity extends IdentityKey {
  /** of the provider */
  name: string
  label: string | undefined
  linkedAt: Date
  usedAt: Date | undefined
}

export function createLinking(deps: {
  upstreams: Upstreams
  away: Away
  database: Database
  signIn: Pick<UpstreamSignIn, 'signIn'>
  otherWays: readonly OtherWayIn[]
  appendEvent(sql: Queries, event: AuditEvent): Promise<void>
}) {
  const { upstreams, away, database } = deps

  /** What may be linked to this account; what somebody else asked for at this browser is not theirs. */
  async function offerFor(accountId: string, browser: string | undefined) {
    const offer = browser === undefined ? undefined : await away.offered(browser)
    if (offer === undefined || upstreams.find(offer.upstream) === undefined) return undefined
    const by = offer.origin.accountId
    return by === undefined || by === accountId ? offer : undefined
  }

  return {
    async list(accountId: string): Promise<ShownIdentity[]> {
      const found = await createLinkedIdentityStore({ sql: database }).list(accountId)
      return found.map(({ upstream, ...rest }) => ({ ...rest, name: upstreams.nameOf(upstream) }))
    },

    async offered(accountId: string, browser: string | undefined) {
      const offer = await offerFor(accountId, browser)
      return offer && { name: upstreams.nameOf(offer.upstream), label: offer.label }
    },

    /** Answers where to go on, if this was on the way to somewhere. */
    async link(
      accountId: string,
      browser: string | undefined,
      asked: Asked
    ): Promise<{ ok: true; to: string | undefined } | { ok: false; reason: 'gone' | 'taken' }> {
      const offer = await offerFor(accountId, browser)
      if (offer === undefined || browser === undefined) return { ok: false, reason: 'gone' }
      if ((await away.takeOffer(browser)) === 'gone') return { ok: false, reason: 'gone' }
      const { issuer, upstream, origin } = offer
      const linked = await database.transaction(async tx => {
        const outcome = await createLinkedIdentityStore({ sql: tx }).link(accountId, offer)
        if (outcome === 'linked') {
          await deps.appendEvent(tx, {
            type: 'identity.linked',
            ...{ accountId, ...asked },
            data: { issuer, upstream }
          })
        }
        return outcome
      })
      if (linked === 'taken') return { ok: false, reason: 'taken' }
      return { ok: true, to: await goOn(accountId, offer, origin.flow, asked) }
    },

    /** The person does not want it. */
    async decline(browser: string | undefined) {
      if (browser !== undefined) await away.takeOffer(browser)
    },

    async unlink(
      accountId: string,
      key: IdentityKey,
      asked: Asked
    ): Promise<{ ok: true } | { ok: false; reason: 'gone' | 'last' }> {
      return database.transaction(async tx => {
        const store = createLinkedIdentityStore({ sql: tx })
        // two at once would each see the other's as what is left
        await store.lock(accountId)
        const all = await store.list(accountId)
        const isIt = (one: IdentityKey) => one.issuer === key.issuer && one.subject === key.subject
        const wanted = all.find(isIt)
        if (wanted === undefined) return { ok: false, reason: 'gone' }
        // one whose provider is switched off opens nothing
        const others = all.filter(one => !isIt(one) && upstreams.find(one.upstream) !== undefined)
        if (others.length === 0 && !(await hasOtherWay(tx, accountId))) {
          return { ok: false, reason: 'last' }
        }
        await store.unlink(accountId, key)
        await deps.appendEvent(tx, {
          type: 'identity.unlinked',
          ...{ accountId, ...asked },
          data: { issuer: wanted.issuer, upstream: wanted.upstream }
        })
        return { ok: true }
      })
    }
  }

  /** The sign-in that it was on the way to: the identity was proved for it, and is this account's now. */
  async function goOn(accountId: string, offer: Offer, flow: string | undefined, asked: Asked) {
    if (flow === undefined) return undefined
    await deps.signIn.signIn(flow, accountId, offer.upstream, offer.amr, asked)
    return offer.origin.address
  }

  async function hasOtherWay(sql: Queries, accountId: string) {
    for (const way of deps.otherWays) if (await way(sql, accountId)) return true
    return false
  }
}

export type Linking = ReturnType<typeof createLinking>
