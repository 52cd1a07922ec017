// The fields in which somebody chooses a password, twice, and what a page says of one that will not do. Owns the second field; the first is
// views/password-field.ts, the policy accounts/new-password.ts.

import type { Field, Problem } from '../views/form.ts'
import { type Frame, wordsOf } from '../views/layout.ts'
import type { Markup } from '../views/markup.ts'
import {
  type NewPasswordProblem,
  newPasswordField,
  newPasswordProblem
} from '../views/password-field.ts'

export const newPasswordFields = ['password', 'password_again'] as const

/** What was wrong: the policy's word for it, or that the two differ. */
export type Refused = NewPasswordProblem | 'different'

export function newPasswordParts(
  frame: Frame,
  given: { username?: string; refused?: string | undefined; contextWords?: readonly string[] }
): [Markup, Omit<Field, 'problem'>] {
  const { selfService: words, passwords } = wordsOf(frame)
  const { refused = '', username, contextWords = username === undefined ? [] : [username] } = given
  const problem = Object.hasOwn(passwords.problems, refused)
    ? (refused as NewPasswordProblem)
    : undefined
  return [
    newPasswordField(frame, {
      id: 'password',
      label: words.newPassword,
      problem: problem === 'busy' ? undefined : problem,
      ...{ username, contextWords }
    }),
    {
      id: 'password_again',
      label: words.passwordAgain,
      type: 'password',
      autocomplete: 'new-password'
    }
  ]
}

/** Both fields must be the same: a password that was mistyped is found out only much later. */
export function differ(
  fields: Readonly<Record<'password' | 'password_again', string>>
): 'different' | undefined {
  return fields.password === fields.password_again ? undefined : 'different'
}

/** The sentence about a refusal; `busy` concerns no field. */
export function passwordProblem(frame: Frame, reason: Refused): Problem {
  if (reason === 'different') {
    return { field: 'password_again', text: wordsOf(frame).selfService.different }
  }
  const text = newPasswordProblem(frame, reason)
  return reason === 'busy' ? { text } : { field: 'password', text }
}

/** 503 where nobody looked, 422 where somebody did. */
export const statusOf = (reason: string) => (reason === 'busy' ? 503 : 422)
