// How somebody signs in, wherever it leads: the screens (password, second factor …), which one is due, and when it is over. One address for
// all of them, so that reload, Back and the language menu always find the page that is due; a hidden `prompt` says which form was sent. A
// form of another screen than the one that is due shows that one, and proves nothing.

import type { FastifyReply, FastifyRequest } from 'fastify'
import type {
  FactorKind,
  Missing,
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
  /** `again`: a sign-in of before is not enough, here or at another provider */
  freshness: 'any' | 'again'
  /** who is signed in already and is asked only for what is missing (step-up, RFC 9470); signing in anew stays possible */
  signedIn?: ProvedSoFar | undefined
  headers: PageKind
  /** Signs in; answers where to go on. */
  finish(proved: ProvedSoFar): Promise<string>
}

/**
 * What a screen made of a form: somebody proved something, the form comes back as this document, or the browser goes elsewhere. A document
 * beside a proof is shown once (recovery codes), and leads on to `place.address`.
 */
export type ScreenOutcome =
  | { proved: ProvedSoFar; document?: string }
  | { document: string }
  | { to: string }

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
  /** of the screens that are due now, the prompts of the others: `?with=` leads there */
  others: readonly string[]
}

export interface SignInFlow {
  /** all fields that any screen's form has */
  fields: readonly string[]
  /** Sends the screen that is due, or goes on where nothing is missing any more. */
  show(place: SignInPlace): Promise<FastifyReply>
  /** Judges a form that has passed the CSRF check. */
  answer(place: SignInPlace, fields: Readonly<Record<string, string>>): Promise<FastifyReply>
}

/** By the names of the audit trail. */
export type SignInStep = 'sign_in.first_step' | 'sign_in.succeeded'

export interface SignInFlowDependencies {
  steps: SignInSteps
  issuer: string
  /** at the beginning, when nothing is proved; the first is shown, the others' forms stand on its page */
  first: readonly SignInScreen[]
  /** once somebody has proved who they are, and more is wanted; those without an entry cannot be asked for */
  second: Readonly<Partial<Record<FactorKind, SignInScreen>>>
  /** where the account has no factor that would do: one is added */
  enrol: Readonly<Partial<Record<FactorKind, SignInScreen>>>
  /** one thing is proved and more is demanded, or all is proved: told before there is a session, which is none if this fails */
  record(step: SignInStep, place: SignInPlace, proved: ProvedSoFar): Promise<void>
  /** after each complete sign-in, before the browser goes on */
  signedIn(place: SignInPlace, proved: ProvedSoFar): Promise<void>
  /** what somebody has to answer who has proved everything, before they are signed in */
  last?: LastScreen
}

/** A screen behind all proofs: its answer is taken as proof when it is no longer due. */
export interface LastScreen {
  isDue(accountId: string): Promise<boolean>
  screen: SignInScreen
}

const restart = 'restart'

/** Where a sign-in stands; `from` says where what is proved comes from. */
interface Standing {
  proved: ProvedSoFar | undefined
  from: 'nothing' | 'this sign-in' | 'the session'
  missing: Missing | undefined
  /** nothing is missing but an answer to this */
  last?: SignInScreen | undefined
}

export function createSignInFlow(deps: SignInFlowDependencies): SignInFlow {
  const { steps, issuer, first } = deps
  const every = [
    ...first,
    ...Object.values(deps.second),
    ...Object.values(deps.enrol),
    ...(deps.last ? [deps.last.screen] : [])
  ]

  async function standingOf(place: SignInPlace): Promise<Standing> {
    const begun = await steps.find(place.flow)
    const proved = begun ?? place.signedIn
    if (proved === undefined) return { proved, from: 'nothing', missing: undefined }
    const missing = await steps.missing(proved, place.demand)
    // a session may be hours old, and that is not enough to add a factor (ASVS v5.0.0 §7.5.1): the sign-in begins anew
    const adds = missing !== 'nothing' && missing.kinds.length === 0
    if (begun === undefined && adds) return { proved: undefined, from: 'nothing', missing }
    if (begun === undefined) return { proved, from: 'the session', missing }
    const last = missing === 'nothing' ? await lastOf(proved) : undefined
    return { proved, from: 'this sign-in', missing, last }
  }

  async function lastOf({ accountId }: ProvedSoFar): Promise<SignInScreen | undefined> {
    return (await deps.last?.isDue(accountId)) === true ? deps.last?.screen : undefined
  }

  /** What was proved, once nothing is missing. Somebody's session alone never is: it was not enough, or they would not be here. */
  function over({ proved, from, missing, last }: Standing): ProvedSoFar | undefined {
    return missing === 'nothing' && from === 'this sign-in' && last === undefined
      ? proved
      : undefined
  }

  /** The screens whose forms count now; the first of them is shown. Who is signed in may also sign in anew, as somebody else. */
  function due({ proved, from, missing, last }: Standing): readonly SignInScreen[] {
    if (last !== undefined) return [last]
    if (proved === undefined || missing === undefined || missing === 'nothing') return first
    const { kinds, enrol } = missing
    const wanted =
      kinds.length > 0
        ? kinds.flatMap(kind => deps.second[kind] ?? [])
        : enrol.flatMap(kind => deps.enrol[kind] ?? [])
    if (wanted.length === 0) throw new Error('a factor is demanded that has no screen')
    return from === 'the session' ? [...wanted, ...first] : wanted
  }

  function stateFor(standing: Standing, screen: SignInScreen): ScreenState {
    const { proved, missing } = standing
    return {
      proved: first.includes(screen) ? undefined : proved,
      kinds: missing === undefined || missing === 'nothing' ? [] : missing.kinds,
      others: due(standing)
        .filter(other => other !== screen && !first.includes(other))
        .map(({ prompt }) => prompt)
    }
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
    await deps.record('sign_in.succeeded', place, proved)
    const to = await place.finish(proved)
    await deps.signedIn(place, proved)
    await steps.drop(place.flow)
    return onward(place, to)
  }

  return {
    fields: [...new Set(every.flatMap(screen => screen.fields).concat('prompt', restart))],

    async show(place) {
      const standing = await standingOf(place)
      const proved = over(standing)
      if (proved !== undefined) return finish(place, proved)
      const wanted = (place.request.query as Record<string, unknown>)['with']
      const screens = due(standing)
      const screen = screens.find(({ prompt }) => prompt === wanted) ?? screens[0]
      if (screen === undefined) throw new Error('there is no screen to begin with')
      return send(place, await screen.show(place, stateFor(standing, screen)))
    },

    async answer(place, fields) {
      if (fields[restart] === 'yes') {
        await steps.drop(place.flow)
        return onward(place, addressWith(place, first[0]?.prompt ?? ''))
      }
      const standing = await standingOf(place)
      const done = over(standing)
      if (done !== undefined) return finish(place, done)
      const screen = due(standing).find(({ prompt }) => prompt === fields['prompt'])
      // a form of the step before, or of a factor that is not asked for: show where the person is now
      if (screen === undefined) return onward(place, place.address)
      const state = stateFor(standing, screen)
      const outcome = await screen.answer(place, fields, state)
      if ('to' in outcome) return onward(place, outcome.to)
      if (!('proved' in outcome)) return send(place, outcome.document)
      const { proved, document } = outcome
      // a first screen begins anew: what was proved before it counts no more
      const before = state.proved?.accountId === proved.accountId ? state.proved : undefined
      const amr = [...new Set([...(before?.amr ?? []), ...proved.amr])]
      const all = { ...before, ...proved, amr }
      const isWhole = (await steps.missing(all, place.demand)) === 'nothing'
      if (document === undefined && isWhole && (await lastOf(all)) === undefined) {
        return finish(place, all)
      }
      await steps.save(place.flow, all)
      if (!isWhole && first.includes(screen)) await deps.record('sign_in.first_step', place, all)
      return document === undefined ? onward(place, place.address) : send(place, document)
    }
  }
}

/** The page of one screen, among those that are due. */
export function addressWith({ address }: Pick<SignInPlace, 'address'>, prompt: string): string {
  return `${address}${address.includes('?') ? '&' : '?'}with=${encodeURIComponent(prompt)}`
}
