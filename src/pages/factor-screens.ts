// Screens of a sign-in that ask for a second factor: a code of an authenticator app, a recovery code, and setting up an app where the account
// has no factor and must have one. Owns the way from a posted code to what was proved. Refuses to look at a code for anybody but the account
// that has proved who it is in this sign-in.

import { create } from 'qrcode'
import type { CodeOutcome, RecoveryCodes } from '../accounts/recovery-codes.ts'
import type { Totp, TotpOffer } from '../accounts/totp.ts'
import type { QrSquares } from '../views/qr-code.ts'
import { renderNewRecoveryCodes } from '../views/recovery-codes.ts'
import {
  type CodeProblem,
  renderFactorCode,
  renderRecoveryUsed,
  type StepPage
} from '../views/second-factor.ts'
import { type OfferView, renderTotpEnrolment } from '../views/totp-enrolment.ts'
import {
  addressWith,
  type ScreenState,
  type SignInPlace,
  type SignInScreen
} from './sign-in-flow.ts'

export interface FactorScreenDependencies {
  totp: Totp
  recoveryCodes: Pick<RecoveryCodes, 'use'>
  accountName(accountId: string): Promise<string | undefined>
}

/** Methods of a one-time code after something else (RFC 8176 §2). */
const byCode = ['otp', 'mfa']

/** Whose sign-in it is. A screen of a second factor is shown and judged for nobody else. */
export function accountOf({ proved }: ScreenState): string {
  if (proved === undefined) throw new Error('a second factor before the first')
  return proved.accountId
}

/** What every screen after the first has. */
export async function stepPage(
  place: SignInPlace,
  state: ScreenState,
  accountName: FactorScreenDependencies['accountName']
): Promise<StepPage> {
  const accountId = accountOf(state)
  return {
    action: place.action,
    csrf: place.csrf,
    clientName: place.client?.name,
    carried: place.carried,
    accountName: (await accountName(accountId)) ?? accountId,
    others: state.others.map(prompt => ({ prompt, href: addressWith(place, prompt) }))
  }
}

/** For the audit trail. */
export function auditContextOf({ request, client }: SignInPlace) {
  return { address: request.ip, requestId: request.id, clientId: client?.clientId }
}

/** Status and Retry-After of a page that comes back; 422 like a wrong password (password-check.ts). */
export function markCode(place: Pick<SignInPlace, 'reply'>, problem: CodeProblem | undefined) {
  if (problem === undefined) return
  if (problem.kind === 'throttled') place.reply.header('retry-after', problem.seconds)
  place.reply.code(problem.kind === 'throttled' ? 429 : 422)
}

export function problemOf(outcome: Extract<CodeOutcome, { ok: false }>): CodeProblem {
  return outcome.reason === 'throttled'
    ? { kind: 'throttled', seconds: outcome.retryAfterSeconds }
    : { kind: 'wrong' }
}

/** The offer with its QR code. */
export function offerView(offer: TotpOffer): OfferView {
  const { modules } = create(offer.uri, { errorCorrectionLevel: 'M' })
  const qr: QrSquares = { size: modules.size, dark: (x, y) => modules.get(y, x) === 1 }
  return { ...offer, qr }
}

function codeScreen(
  deps: FactorScreenDependencies,
  kind: 'totp' | 'recovery_code',
  check: (
    place: SignInPlace,
    accountId: string,
    code: string
  ) => Promise<{ ok: true; document?: string } | Extract<CodeOutcome, { ok: false }>>
): SignInScreen {
  async function render(place: SignInPlace, state: ScreenState, problem?: CodeProblem) {
    markCode(place, problem)
    const page = await stepPage(place, state, deps.accountName)
    return renderFactorCode(place.frame, { ...page, kind, problem })
  }

  return {
    prompt: kind,
    fields: ['code'],
    show: (place, state) => render(place, state),

    async answer(place, { code = '' }, state) {
      if (code.trim() === '') return { document: await render(place, state, { kind: 'missing' }) }
      const accountId = accountOf(state)
      const { ok, ...outcome } = await check(place, accountId, code)
      if (ok) return { proved: { accountId, amr: byCode }, ...outcome }
      const refused = outcome as Extract<CodeOutcome, { ok: false }>
      return { document: await render(place, state, problemOf(refused)) }
    }
  }
}

/** The screens on which a factor is proved, by its kind. */
export function createFactorScreens(
  deps: FactorScreenDependencies
): Record<'totp' | 'recovery_code', SignInScreen> {
  return {
    totp: codeScreen(deps, 'totp', (place, accountId, code) =>
      deps.totp.verify(accountId, code, auditContextOf(place))
    ),
    recovery_code: codeScreen(deps, 'recovery_code', async (place, accountId, code) => {
      const used = await deps.recoveryCodes.use(accountId, code, auditContextOf(place))
      if (!used.ok) return used
      const page = { left: used.left, onward: place.address }
      return { ok: true, document: renderRecoveryUsed(place.frame, page) }
    })
  }
}

/** The screen on which an app is set up in the middle of a sign-in. */
export function createTotpEnrolmentScreen(deps: FactorScreenDependencies): SignInScreen {
  const { totp } = deps
  // an offer is good for this sign-in of this account
  const enrolmentOf = (place: SignInPlace, state: ScreenState) => ({
    accountId: accountOf(state),
    place: `sign-in ${place.flow}`
  })

  async function render(
    place: SignInPlace,
    state: ScreenState,
    again?: { offer: string; problem: CodeProblem }
  ) {
    markCode(place, again?.problem)
    const page = await stepPage(place, state, deps.accountName)
    const enrolment = enrolmentOf(place, state)
    const { accountName } = page
    const kept = again && totp.offerAgain(enrolment, accountName, again.offer)
    const offer = offerView(kept ?? totp.offer(enrolment, accountName))
    return renderTotpEnrolment(place.frame, { ...page, offer, problem: again?.problem })
  }

  return {
    prompt: 'enrol_totp',
    fields: ['offer', 'code'],
    show: (place, state) => render(place, state),

    async answer(place, { offer = '', code = '' }, state) {
      const back = async (problem: CodeProblem) => ({
        document: await render(place, state, { offer, problem })
      })
      if (code.trim() === '') return back({ kind: 'missing' })
      const enrolment = enrolmentOf(place, state)
      const context = auditContextOf(place)
      const done = await totp.confirm(enrolment, { sealed: offer, code }, 'first', context)
      if (!done.ok) {
        // another window was first: its app is asked for now
        return done.reason === 'enrolled' ? { to: place.address } : back({ kind: 'wrong' })
      }
      const proved = { accountId: enrolment.accountId, amr: byCode }
      if (done.codes.length === 0) return { proved }
      const page = { codes: done.codes, onward: place.address }
      return { proved, document: renderNewRecoveryCodes(place.frame, page) }
    }
  }
}
