// Text of strangers that people are shown. Refuses what would look like something else than it is: bidirectional controls reorder what stands
// around a name on a page, invisible characters make two names look the same. U+200C and U+200D stay: Persian and emoji need them.

const deceptive =
  /[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/u

/** Why a text may not be shown, as the end of a sentence; undefined when it may. */
export function shownTextProblem(text: string): string | undefined {
  if (!text.isWellFormed() || /\p{Cc}/u.test(text)) return 'must not contain control characters'
  if (deceptive.test(text)) {
    return 'must not contain invisible characters, nor those that change the direction of writing'
  }
  return undefined
}
