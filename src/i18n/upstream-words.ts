// The words of signing in with other providers, as a type. Owns no wording (en.ts, ko.ts). A sentence in which a provider's
// name stands out is given back in parts, as everywhere (sentence.ts).

import type { Sentence, Term } from './sentence.ts'

/** Why a sign-in with another provider came to nothing. */
export type UpstreamProblem =
  | 'unsolicited'
  | 'declined'
  | 'unavailable'
  | 'not_trusted'
  | 'account_disabled'
  | 'no_account'
  | 'account_exists'
  | 'address_not_admitted'

export interface UpstreamWords {
  continueWith: <T>(provider: Term<T>) => Sentence<T>
  titles: Record<UpstreamProblem, string>
  problems: Record<UpstreamProblem, <T>(provider: Term<T>) => Sentence<T>>
  /** of an address that names none of ours */
  unknownProvider: string
  otherWays: string
  linkHint: string
  signInAndLink: string
  /** of the section and of its page */
  title: string
  lead: string
  none: string
  manage: string
  label: string
  linkedAt: string
  usedAt: string
  link: <T>(provider: Term<T>) => Sentence<T>
  unlink: string
  /** goes on from `unlink`, for who hears the button alone */
  unlinkOf: <T>(provider: Term<T>) => Sentence<T>
  confirmTitle: string
  confirm: <T>(provider: Term<T>, account: Term<T>) => Sentence<T>
  confirmWarning: string
  confirmSubmit: string
  confirmDecline: string
  done: Record<'linked' | 'unlinked' | 'declined', string>
  failures: Record<'gone' | 'taken' | 'last', string>
}
