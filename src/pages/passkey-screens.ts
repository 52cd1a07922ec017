// Passkeys in a sign-in: the button on the page of the password, with the offer in its login field, and the screens that judge what comes of
// them: as the first step, which is all that is needed, as the second, and making one where a second is needed and there is none. Owns the
// way from an answer to what the page says and its status. A passkey that was not accepted leads to a page of its own, so that the password's
// page need not know of it.

import type { PasskeyRequest, PasskeySignIn, Passkeys } from '../accounts/passkeys.ts'
import { wordsOf } from '../views/layout.ts'
import { passkeyForm } from '../views/passkey-form.ts'
import {
  type PasskeyProblem,
  type PasskeyStepPage,
  renderPasskeySignIn,
  renderPasskeyStep
} from '../views/passkey-sign-in.ts'
import { renderNewRecoveryCodes } from '../views/recovery-codes.ts'
import {
  accountOf,
  auditContextOf,
  type FactorScreenDependencies,
  stepPage
} from './factor-screens.ts'
import { markProblem } from './password-check.ts'
import type { OtherWay } from './password-screen.ts'
import type { ScreenState, SignInPlace, SignInScreen } from './sign-in-flow.ts'

export interface PasskeyScreens {
  /** the button, for the page of the password */
  button: OtherWay
  first: SignInScreen
  second: SignInScreen
  enrol: SignInScreen
}

type Refused = Extract<PasskeySignIn, { ok: false }>

const prompt = 'passkey'

export function createPasskeyScreens(deps: {
  passkeys: Pick<
    Passkeys,
    | 'rpId'
    | 'signInOptions'
    | 'secondFactorOptions'
    | 'registrationOptions'
    | 'signIn'
    | 'secondFactor'
    | 'register'
  >
  accountName: FactorScreenDependencies['accountName']
  /** path of the script, base path included */
  script: string
}): PasskeyScreens {
  const { passkeys, script } = deps

  function requestOf(place: SignInPlace, answer: string): PasskeyRequest {
    return { answer, flow: place.flow, ...auditContextOf(place) }
  }

  function signalOf(refused: Refused | undefined) {
    const id = refused?.reason === 'refused' ? refused.unknownCredential : undefined
    if (id === undefined) return undefined
    const options = { rpId: passkeys.rpId, credentialId: id }
    return { method: 'signalUnknownCredential' as const, options }
  }

  async function showFirst(place: SignInPlace, refused?: Refused) {
    const problem = refused && problemOf(refused)
    mark(place, problem)
    return renderPasskeySignIn(place.frame, {
      action: place.action,
      csrf: place.csrf,
      clientName: place.client?.name,
      carried: place.carried,
      options: passkeys.signInOptions(place.flow),
      otherWay: place.address,
      script,
      signal: signalOf(refused),
      problem
    })
  }

  async function showStep(
    place: SignInPlace,
    state: ScreenState,
    more: Pick<PasskeyStepPage, 'step' | 'options' | 'signal' | 'problem'>
  ) {
    mark(place, more.problem)
    const page = await stepPage(place, state, deps.accountName)
    return renderPasskeyStep(place.frame, { ...page, ...more, script })
  }

  async function showSecond(place: SignInPlace, state: ScreenState, refused?: Refused) {
    return showStep(place, state, {
      step: 'use',
      options: await passkeys.secondFactorOptions(place.flow, accountOf(state)),
      signal: signalOf(refused),
      problem: refused && problemOf(refused)
    })
  }

  async function showEnrol(place: SignInPlace, state: ScreenState, problem?: PasskeyProblem) {
    const accountId = accountOf(state)
    const accountName = (await deps.accountName(accountId)) ?? accountId
    const options = await passkeys.registrationOptions(place.flow, { accountId, accountName })
    return showStep(place, state, { step: 'create', options, problem })
  }

  return {
    button(place) {
      const words = wordsOf(place.frame).passkeys
      return passkeyForm(words, {
        action: place.action,
        csrf: place.csrf,
        carried: { prompt, ...place.carried },
        options: passkeys.signInOptions(place.flow),
        use: 'autofill',
        label: words.signIn,
        look: 'other',
        script
      })
    },

    first: {
      prompt,
      fields: ['passkey'],
      show: place => showFirst(place),
      async answer(place, { passkey = '' }) {
        const outcome = await passkeys.signIn(requestOf(place, passkey))
        if (!outcome.ok) return { document: await showFirst(place, outcome) }
        return { proved: { accountId: outcome.accountId, amr: outcome.amr } }
      }
    },

    second: {
      prompt,
      fields: ['passkey'],
      show: (place, state) => showSecond(place, state),
      async answer(place, { passkey = '' }, state) {
        const outcome = await passkeys.secondFactor(requestOf(place, passkey), accountOf(state))
        if (!outcome.ok) return { document: await showSecond(place, state, outcome) }
        return { proved: { accountId: outcome.accountId, amr: outcome.amr } }
      }
    },

    enrol: {
      prompt: 'enrol_passkey',
      fields: ['passkey'],
      show: (place, state) => showEnrol(place, state),
      async answer(place, { passkey = '' }, state) {
        const accountId = accountOf(state)
        const otherwise = wordsOf(place.frame).passkeys.unnamed
        const request = { ...requestOf(place, passkey), accountId, otherwise }
        const outcome = await passkeys.register(request, 'first')
        if (!outcome.ok) {
          // another window was first: what it made is asked for now
          if (outcome.reason === 'has one') return { to: place.address }
          return { document: await showEnrol(place, state, registrationProblem(outcome.reason)) }
        }
        const proved = { accountId, amr: outcome.amr }
        if (outcome.codes.length === 0) return { proved }
        const page = { codes: outcome.codes, onward: place.address }
        return { proved, document: renderNewRecoveryCodes(place.frame, page) }
      }
    }
  }
}

/** What a page says of a registration that came to nothing. */
export function registrationProblem(
  reason: 'refused' | 'expired' | 'known' | 'too many' | 'has one'
): 'notAdded' | 'expired' | 'known' | 'tooMany' {
  if (reason === 'too many') return 'tooMany'
  return reason === 'expired' || reason === 'known' ? reason : 'notAdded'
}

/** Status and Retry-After, as a wrong password has them. */
function mark(place: SignInPlace, problem: PasskeyProblem | undefined): void {
  if (typeof problem !== 'object') markProblem(place.reply, problem && { kind: 'incorrect' })
  else markProblem(place.reply, { kind: 'throttled', seconds: problem.throttledSeconds })
}

function problemOf(refused: Refused): PasskeyProblem {
  if (refused.reason === 'throttled') return { throttledSeconds: refused.retryAfterSeconds }
  return refused.reason
}
