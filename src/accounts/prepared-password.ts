// A password in its one form, before it is hashed or compared: NFC, 1 to 1,024 code points. NFC as in RFC 8265 §4.2.2 (OpaqueString),
// one of the two that NIST SP 800-63B-4 §3.1.1.2 allows; NFKC would make different passwords equal. Nothing is truncated or folded.
// Refuses lone surrogates (UTF-8 writes them all as U+FFFD) and NUL (other implementations end there); both before any hashing.

declare const prepared: unique symbol

/** A password that was normalised and measured: the only kind that is hashed. */
export type PreparedPassword = string & { readonly [prepared]: true }

export type PreparedOutcome =
  | { ok: true; password: PreparedPassword; codePoints: number }
  | { ok: false; reason: 'password_empty' | 'password_too_long' | 'password_malformed' }

/** Code points. A megabyte costs the hash five times its price (measured), so it never gets there. */
export const longestPassword = 1_024

// NFC never has more UTF-16 units than three times its input, nor its input more than eight times: beyond this, no need to normalise.
const typedLimit = longestPassword * 8

/** Prepares what was typed. Cheap for input of any size. */
export function preparePassword(typed: string): PreparedOutcome {
  if (typed === '') return { ok: false, reason: 'password_empty' }
  if (typed.length > typedLimit) return { ok: false, reason: 'password_too_long' }
  if (!typed.isWellFormed() || typed.includes('\0')) {
    return { ok: false, reason: 'password_malformed' }
  }
  const password = typed.normalize('NFC') as PreparedPassword
  const codePoints = [...password].length
  if (codePoints > longestPassword) return { ok: false, reason: 'password_too_long' }
  return { ok: true, password, codePoints }
}
