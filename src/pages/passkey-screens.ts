// Passkeys in a sign-in: the button on the page of the password, with the offer in its login field, and the screens that judge what comes of
// them, as the first step (which is all that is needed) and as the second. Owns the way from an answer to what the page says and its
// status. A passkey that was not accepted leads to a page of its own, so that the password's page need not know of it.

import type { PasskeyRequest, PasskeySignIn, Passkeys } from '../accounts/passkeys.ts'
import type { FactorKind } from '../accounts/sign-in-steps.ts'
import { wordsOf } from '../views/layout.ts'
import { type Child, html } from '../views/markup.ts'
import { passkeyForm } from '../views/passkey-form.ts'
import { type PasskeySignInPage, renderPasskeySignIn } from '../views/passkey-sign-in.ts'
import { markProblem } from './password-check.ts'
import type { OtherWay } from './password-screen.ts'
import type { ScreenState, SignInPlace, SignInScreen } from './sign-in-flow.ts'

export interface PasskeyScreens {
  /** the button, for the page of the password */
  button: OtherWay
  first: SignInScreen
  second: SignInScreen
}

type Refused = Extract<PasskeySignIn, { ok: false }>

const prompt = 'passkey'

export function createPasskeyScreens(deps: {
  passkeys: Pick<
    Passkeys,
    'rpId' | 'signInOptions' | 'secondFactorOptions' | 'signIn' | 'secondFactor'
  >
  /** path of the script, base path included */
  script: string
}): PasskeyScreens {
  const { passkeys, script } = deps

  function requestOf(place: SignInPlace, answer: string): PasskeyRequest {
    const { request, flow, client } = place
    const from = { address: request.ip, requestId: request.id, clientId: client?.clientId }
    return { answer, flow, ...from }
  }

  async function render(
    place: SignInPlace,
    step: Pick<PasskeySignInPage, 'step' | 'options' | 'others'>,
    refused?: Refused
  ) {
    const throttled = refused?.reason === 'throttled' ? refused.retryAfterSeconds : undefined
    if (throttled !== undefined) markProblem(place.reply, { kind: 'throttled', seconds: throttled })
    else markProblem(place.reply, refused && { kind: 'incorrect' })
    const unknown = refused?.reason === 'refused' ? refused.unknownCredential : undefined
    return renderPasskeySignIn(place.frame, {
      ...step,
      action: place.action,
      csrf: place.csrf,
      clientName: place.client?.name,
      carried: place.carried,
      script,
      signal:
        unknown === undefined
          ? undefined
          : {
              method: 'signalUnknownCredential',
              options: { rpId: passkeys.rpId, credentialId: unknown }
            },
      problem: refused && problemOf(refused)
    })
  }

  function showFirst(place: SignInPlace, refused?: Refused) {
    const words = wordsOf(place.frame).passkeys
    const others = html`<p><a href="${place.address}">${words.otherWay}</a></p>`
    const options = passkeys.signInOptions(place.flow)
    return render(place, { step: 'first', options, others }, refused)
  }

  async function showSecond(place: SignInPlace, state: ScreenState, refused?: Refused) {
    const options = await passkeys.secondFactorOptions(place.flow, provedBy(state))
    return render(place, { step: 'second', options, others: otherKinds(place, state) }, refused)
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
        const outcome = await passkeys.secondFactor(requestOf(place, passkey), provedBy(state))
        if (!outcome.ok) return { document: await showSecond(place, state, outcome) }
        return { proved: { accountId: outcome.accountId, amr: outcome.amr } }
      }
    }
  }
}

/** Who the second step is for: the flow shows it only once that is known. */
function provedBy({ proved }: ScreenState): string {
  if (proved === undefined) throw new Error('a second factor is asked of nobody')
  return proved.accountId
}

function problemOf(refused: Refused): NonNullable<PasskeySignInPage['problem']> {
  if (refused.reason === 'throttled') return { throttledSeconds: refused.retryAfterSeconds }
  return refused.reason
}

/** Links to the factors that would do as well. */
function otherKinds(place: SignInPlace, { kinds }: ScreenState): Child {
  const others = kinds.filter((kind: FactorKind) => kind !== prompt)
  if (others[0] === undefined) return undefined
  const { otherWay } = wordsOf(place.frame).passkeys
  const joint = place.address.includes('?') ? '&' : '?'
  return html`<p><a href="${place.address}${joint}with=${others[0]}">${otherWay}</a></p>`
}
