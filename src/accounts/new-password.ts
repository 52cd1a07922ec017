// Whether a password may be set: by the policy, and, where that is configured, by what is known from thefts elsewhere. The one function for
// every place where one is chosen: sign-up, reset, change, command line.

import type { BreachCheck } from './breach-check.ts'
import { checkPassword, type PasswordProblem } from './password-policy.ts'
import type { PreparedPassword } from './prepared-password.ts'

export type NewPasswordProblem = PasswordProblem | 'password_breached'

export type NewPasswordOutcome =
  | { ok: true; password: PreparedPassword }
  | { ok: false; reason: NewPasswordProblem }

/** `whose`: login, e-mail address, name, as far as there are any. */
export type CheckNewPassword = (
  typed: string,
  whose: { login?: string | undefined; email?: string | undefined; name?: string | undefined }
) => Promise<NewPasswordOutcome>

export function createNewPasswordCheck(options: {
  /** words of this place: the product's name, the issuer's host */
  contextWords: readonly string[]
  /** left out: nobody is asked */
  breaches?: BreachCheck | undefined
}): CheckNewPassword {
  const { contextWords, breaches } = options
  return async (typed, { login, email, name }) => {
    const own = [login, email, name].filter(word => word !== undefined)
    const checked = checkPassword(typed, [...own, ...contextWords])
    if (!checked.ok || breaches === undefined) return checked
    const answer = await breaches(checked.password)
    return answer === 'known' ? { ok: false, reason: 'password_breached' } : checked
  }
}
