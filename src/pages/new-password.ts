// The fields in which somebody chooses a password, twice, and what a page says of one that will not do. Owns the two fields; the policy is
// accounts/password-policy.ts.

import type { SelfServiceWords } from '../i18n/mail-words.ts'
import type { Problem } from '../views/form.ts'

export const newPasswordFields = ['password', 'password_again'] as const

export function newPasswordParts(words: SelfServiceWords) {
  return [
    {
      id: 'password',
      label: words.newPassword,
      type: 'password',
      autocomplete: 'new-password',
      hint: words.passwordHint
    },
    {
      id: 'password_again',
      label: words.passwordAgain,
      type: 'password',
      autocomplete: 'new-password'
    }
  ] as const
}

/** Both fields must be the same: a password that was mistyped is found out only much later. */
export function differ(
  words: SelfServiceWords,
  fields: Readonly<Record<'password' | 'password_again', string>>
): Problem[] {
  if (fields.password === fields.password_again) return []
  return [{ field: 'password_again', text: words.passwordProblems.different }]
}

/** The sentence about a refusal; `busy` concerns no field. */
export function passwordProblem(words: SelfServiceWords, reason: string): Problem {
  if (reason === 'busy') return { text: words.busy }
  const sentences: Readonly<Record<string, string>> = words.passwordProblems
  const text = sentences[reason] ?? words.passwordProblems.password_guessable
  return { field: 'password', text }
}

/** 503 where nobody looked, 422 where somebody did. */
export const statusOf = (reason: string) => (reason === 'busy' ? 503 : 422)
