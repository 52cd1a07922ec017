// What may become a password (NIST SP 800-63B-4 §3.1.1.2, OWASP ASVS v5.0.0 §6.2): 8 to 1,024 code points of any script, no composition
// rules, no expiry; refused are the most common ones, mere runs and repetitions, and words that everybody would try here: login, e-mail
// address, name, product, host.
// Asked when a password is set, never when one is used.

import { estimateGuesses } from '../lib/password-guesses.ts'
import { commonPasswords } from './common-passwords.ts'
import { type PreparedPassword, preparePassword } from './prepared-password.ts'

export type PasswordProblem =
  | 'password_empty'
  | 'password_too_short'
  | 'password_too_long'
  | 'password_malformed'
  | 'password_common'
  | 'password_guessable'
  | 'password_weak'

/** As a power of ten: under this, the limits of sign-in let a patient guesser through within days (authenticate.ts). */
const leastGuesses = 4

/** Code points; ASVS v5.0.0 §6.2.1. */
export const shortestPassword = 8

function foldCase(text: string): string {
  return text.normalize('NFKC').toLowerCase()
}

/** One character again and again, or a walk up or down the code points: `aaaaaaaa`, `12345678`, `hgfedcba`. */
function isRun(text: string): boolean {
  const points = [...text].map(character => character.codePointAt(0) ?? 0)
  const steps = new Set(points.slice(1).map((point, index) => point - (points[index] ?? 0)))
  return steps.size === 1 && [0, 1, -1].some(step => steps.has(step))
}

/** A password's word: without what people hang on it to please a composition rule (`Mintmark2026!`). */
function withoutTail(text: string): string {
  return text.replace(/[\d\p{P}\p{S}]{1,6}$/u, '')
}

/** The forms of a context word that count: itself, and for an address its local part and the first label of its domain. */
function wordsOf(context: string): string[] {
  const folded = foldCase(context)
  const [local = '', domain = ''] = folded.split('@')
  // a full name: as it is, written together, and each part
  const parts = folded.split(/\s+/)
  return [folded, parts.join(''), ...parts, local, domain.split('.', 1)[0] ?? ''].filter(
    word => word.length >= 3
  )
}

/**
 * Checks a password that somebody wants to set; answers it prepared.
 * @param contextWords words of this place: the account's login, address and name, the product's name, the issuer's host
 */
export function checkPassword(
  typed: string,
  contextWords: readonly string[]
): { ok: true; password: PreparedPassword } | { ok: false; reason: PasswordProblem } {
  const outcome = preparePassword(typed)
  if (!outcome.ok) return outcome
  if (outcome.codePoints < shortestPassword) return { ok: false, reason: 'password_too_short' }
  const folded = foldCase(outcome.password)
  const forms = [folded, withoutTail(folded)]
  if (forms.some(form => commonPasswords.has(form)) || isRun(folded)) {
    return { ok: false, reason: 'password_common' }
  }
  const words = contextWords.flatMap(wordsOf)
  if (forms.some(form => words.includes(form))) return { ok: false, reason: 'password_guessable' }
  const tried = { has: (word: string) => commonPasswords.has(word) || words.includes(word) }
  if (estimateGuesses(folded, tried) < leastGuesses) {
    return { ok: false, reason: 'password_weak' }
  }
  return { ok: true, password: outcome.password }
}
