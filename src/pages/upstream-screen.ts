// "Continue with …" on the page where a sign-in begins: one button a provider, each a form of its own, and what becomes of the press: the
// browser goes to the provider. A provider that cannot be asked gives a page that says so, and leads back to the other ways.

import type { Upstream } from '../federation/upstreams.ts'
import { renderUpstreamButtons, renderUpstreamProblem } from '../views/upstream.ts'
import type { OtherWay } from './password-screen.ts'
import type { SignInScreen } from './sign-in-flow.ts'
import type { UpstreamCookie } from './upstream-cookie.ts'

export interface UpstreamScreenDependencies {
  list: readonly Pick<Upstream, 'id' | 'name'>[]
  cookie: UpstreamCookie
  begin(
    id: string,
    browser: string,
    origin: {
      flow: string
      accountId: undefined
      address: string
      freshness: 'any' | 'again'
    }
  ): Promise<{ ok: true; to: string } | { ok: false }>
  /** the page that its buttons stand on */
  page: Pick<SignInScreen, 'show'>
}

const prompt = 'upstream'

/** The buttons, for the page of the first screen. */
export function upstreamButtons(list: UpstreamScreenDependencies['list']): OtherWay {
  return place => {
    if (list.length === 0) return undefined
    const { frame, action, csrf, carried } = place
    return renderUpstreamButtons(frame, { action, carried: { ...carried, csrf, prompt }, list })
  }
}

export function createUpstreamScreen(deps: UpstreamScreenDependencies): SignInScreen {
  return {
    prompt,
    fields: ['upstream'],
    show: deps.page.show,

    async answer(place, { upstream: id = '' }) {
      const { flow, address, freshness } = place
      const upstream = deps.list.find(one => one.id === id)
      if (upstream === undefined) return { to: address }
      const browser = deps.cookie.keep(place.request, place.reply)
      const begun = await deps.begin(id, browser, {
        ...{ flow, address, freshness },
        accountId: undefined
      })
      if (begun.ok) return { to: begun.to }
      place.reply.code(503).header('retry-after', 5)
      const problem = 'unavailable'
      return {
        document: renderUpstreamProblem(place.frame, {
          problem,
          name: upstream.name,
          otherWays: address,
          link: undefined
        })
      }
    }
  }
}
