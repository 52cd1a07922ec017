// People who are away at a provider, and identities that were proved and are nobody's yet: rows that one browser alone can use, once. Owns what
// is sealed in them. Refuses to say why a row is not there: unknown, over, spent, of another browser and of another provider are one answer.

import type { Sealer } from '../lib/seal.ts'
import { digest, randomSecret } from '../lib/secret.ts'
import {
  offerContext,
  requestContext,
  type UpstreamRequestStore
} from '../store/upstream-requests.ts'
import type { Binding } from './provider.ts'

/** Where a person goes on when they are back. */
export interface Origin {
  /** names the sign-in at this browser (pages/sign-in-flow.ts); undefined: somebody who is signed in links an identity */
  flow: string | undefined
  /** who links it */
  accountId: string | undefined
  /** path of ours */
  address: string
  freshness: 'any' | 'again'
}

/** An identity that was proved at this browser. */
export interface Offer {
  upstream: string
  issuer: string
  subject: string
  label: string | undefined
  amr: string[]
  origin: Origin
}

/** As long as somebody may take at the provider, and then to say whose it is. */
export const awaySeconds = 600

/** Every method throws Fault `store_unavailable` when the database does not answer. */
export function createAway(deps: { rows: UpstreamRequestStore; seal: Sealer }) {
  const { rows, seal } = deps
  const requestId = (state: string) => digest('upstream request', state)
  const browserId = (browser: string) => digest('upstream browser', browser)
  const offerId = (browser: string) => digest('upstream offer', browser)

  return {
    /** Values for one request, not written down yet. */
    bind: (redirectUri: string, freshness: Binding['freshness']): Binding => ({
      redirectUri,
      freshness,
      state: randomSecret(),
      nonce: randomSecret(),
      verifier: randomSecret()
    }),

    async leave(browser: string, upstream: string, binding: Binding, origin: Origin) {
      const id = requestId(binding.state)
      const { nonce, verifier } = binding
      const sealed = seal.seal(JSON.stringify({ nonce, verifier, origin }), requestContext(id))
      await rows.begin({ id, browser: browserId(browser), upstream, sealed }, awaySeconds)
    },

    /** Exactly one caller gets it. */
    async comeBack(
      browser: string,
      upstream: string,
      state: string,
      redirectUri: string
    ): Promise<{ binding: Binding; origin: Origin } | undefined> {
      const id = requestId(state)
      const sealed = await rows.spend(id, browserId(browser), upstream)
      if (sealed === undefined) return undefined
      const opened = seal.open(sealed, requestContext(id)).toString('utf8')
      const { nonce, verifier, origin } = JSON.parse(opened) as {
        nonce: string
        verifier: string
        origin: Origin
      }
      const { freshness } = origin
      return { binding: { redirectUri, freshness, state, nonce, verifier }, origin }
    },

    async offer(browser: string, offer: Offer) {
      const id = offerId(browser)
      await rows.offer(id, seal.seal(JSON.stringify(offer), offerContext(id)), awaySeconds)
    },

    async offered(browser: string): Promise<Offer | undefined> {
      const id = offerId(browser)
      const sealed = await rows.offered(id)
      if (sealed === undefined) return undefined
      return JSON.parse(seal.open(sealed, offerContext(id)).toString('utf8')) as Offer
    },

    takeOffer: (browser: string) => rows.takeOffer(offerId(browser))
  }
}

export type Away = ReturnType<typeof createAway>
