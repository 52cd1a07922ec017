// How somebody signs in, wherever it leads: the screens (password, second factor …), which one is due, and when it is over. One address for
// all of them, so that reload, Back and the language menu always find the page that is due; a hidden `prompt` says which form was sent. A
// form of another screen than the one that is due shows that one, and proves nothing.

import type { FastifyReply, FastifyRequest } from 'fastify'
import type {
  FactorKind,
  ProvedSoFar,
  SignInDemand,
  SignInSteps
} from '../accounts/sign-in-steps.ts'
import type { Frame } from '../views/layout.ts'
import { type PageKind, pageHeaders } from './headers.ts'

/** Where somebody is signing in: for a client's request, or for a page of ours. */
export interface SignInPlace {
  request: FastifyRequest
  reply: FastifyReply
  frame: Frame
  /** names this sign-in at this browser, and is known to no other: an interaction, or the cookie of the sign-in page */
  flow: string
  client: { clientId: string; name: string } | undefined
  /** path that forms are posted to */
  action: string
  /** path that shows the screen that is due */
  address: string
  csrf: string
  /** more that travels along in each form */
  carried: Record<string, string>
  loginHint: string | undefined
  demand: SignInDemand
  headers: PageKind
  /** Signs in; answers where to go on. */
  finish(proved: ProvedSoFar): Promise<string>
}

/** What a screen made of a form: somebody proved something, the form comes back as this document, or the browser goes elsewhere. */
export type ScreenOutcome = { proved: ProvedSoFar } | { document: string } | { to: string }

/** One screen of a sign-in. */
export interface SignInScreen {
  /** the value of the hidden field `prompt` in its form */
  prompt: string
  /** the other fields of its form */
  fields: readonly string[]
  /** The document; `proved` is what was proved so far, `kinds` the second factors that would do. */
  show(place: SignInPlace, state: ScreenState): Promise<string>
  answer(
    place: SignInPlace,
    fields: Readonly<Record<string, string>>,
    state: ScreenState
  ): Promise<ScreenOutcome>
}

export interface ScreenState {
  proved: ProvedSoFar | undefined
  kinds: readonly FactorKind[]
  /** nothing is missing but an answer to this */
  last?: SignInScreen | undefined
}

export interface SignInFlow {
  /** all fields that any screen's form has */
  fields: readonly string[]
  /** Sends the screen that is due, or goes on where nothing is missing any more. */
  show(place: SignInPlace): Promise<FastifyReply>
  /** Judges a form that has passed the CSRF check. */
  answer(place: SignInPlace, fields: Readonly<Record<string, string>>): Promise<FastifyReply>
}

export interface SignInFlowDependencies {
  steps: SignInSteps
  issuer: string
  /** at the beginning, when nothing is proved; the first is shown, the others' forms stand on its page */
  first: readonly SignInScreen[]
  /** once somebody has proved who they are, and more is wanted; those without an entry cannot be asked for */
  second: Readonly<Partial<Record<FactorKind, SignInScreen>>>
  /** what somebody has to answer who has proved everything, before they are signed in */
  last?: LastScreen
}

/** A screen behind all proofs: its answer is taken as proof when it is no longer due. */
export interface LastScreen {
  isDue(accountId: string): Promise<boolean>
  screen: SignInScreen
}

const restart = 'restart'

export function createSignInFlow(deps: SignInFlowDependencies): SignInFlow {
  const { steps, issuer, first } = deps
  const later = [...Object.values(deps.second), ...(deps.last ? [deps.last.screen] : [])]

  async function stateOf(place: SignInPlace) {
    const proved = await steps.find(place.flow)
    if (proved === undefined) return { proved, kinds: [], over: undefined }
    const missing = await steps.missing(proved, place.demand)
    if (missing === 'nothing') {
      const last = await lastOf(proved)
      return { proved, kinds: [], last, over: last === undefined ? proved : undefined }
    }
    return { proved, kinds: missing.kinds, over: undefined }
  }

  async function lastOf({ accountId }: ProvedSoFar): Promise<SignInScreen | undefined> {
    return (await deps.last?.isDue(accountId)) === true ? deps.last?.screen : undefined
  }

  /** The screens whose forms count now; the first of them is shown. */
  function due({ proved, kinds, last }: ScreenState): readonly SignInScreen[] {
    if (proved === undefined) return first
    if (last !== undefined) return [last]
    return kinds.flatMap(kind => deps.second[kind] ?? [])
  }

  function send(place: SignInPlace, document: string) {
    return place.reply
      .headers(pageHeaders(place.headers, issuer))
      .type('text/html; charset=utf-8')
      .send(document)
  }

  // 303: a browser must not post the password on
  function onward(place: SignInPlace, to: string) {
    return place.reply.headers(pageHeaders(place.headers, issuer)).redirect(to, 303)
  }

  async function finish(place: SignInPlace, proved: ProvedSoFar) {
    const to = await place.finish(proved)
    await steps.drop(place.flow)
    return onward(place, to)
  }

  async function show(place: SignInPlace) {
    const state = await stateOf(place)
    if (state.over !== undefined) return finish(place, state.over)
    const wanted = (place.request.query as Record<string, unknown>)['with']
    const screens = due(state)
    const screen = screens.find(({ prompt }) => prompt === wanted) ?? screens[0]
    if (screen === undefined) throw new Error('a factor is demanded that has no screen')
    return send(place, await screen.show(place, state))
  }

  return {
    fields: [
      ...new Set([...first, ...later].flatMap(screen => screen.fields).concat('prompt', restart))
    ],
    show,

    async answer(place, fields) {
      const state = await stateOf(place)
      if (fields[restart] === 'yes') {
        await steps.drop(place.flow)
        return onward(place, place.address)
      }
      if (state.over !== undefined) return finish(place, state.over)
      const screen = due(state).find(({ prompt }) => prompt === fields['prompt'])
      // a form of the step before, or of a factor that is not asked for: show where the person is now
      if (screen === undefined) return onward(place, place.address)
      const outcome = await screen.answer(place, fields, state)
      if ('document' in outcome) return send(place, outcome.document)
      if ('to' in outcome) return onward(place, outcome.to)
      const { proved } = outcome
      const before = state.proved?.accountId === proved.accountId ? state.proved.amr : []
      const all = { ...proved, amr: [...new Set([...before, ...proved.amr])] }
      const isWhole = (await steps.missing(all, place.demand)) === 'nothing'
      if (isWhole && (await lastOf(all)) === undefined) return finish(place, all)
      await steps.save(place.flow, all)
      return onward(place, place.address)
    }
  }
}
