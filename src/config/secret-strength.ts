// Whether a secret that somebody configured is as random as one that we would have made. Client secrets are stored
// as a plain SHA-256, which is safe for random ones only. It owns the guess, which refuses typed, repeated and derived secrets; a
// machine cannot prove randomness, so passing is no proof.

const hexDigits = 64
const base64Characters = 43

/** What to do instead; stands in every refusal. */
export const randomSecretAdvice =
  'Make one with `openssl rand -hex 32`: 64 hex digits, or at least 43 characters of base64url.'

function repeats(text: string): boolean {
  // 10 characters of a random secret never occur twice; those of `abcabcabc…` or of one word typed over and over do
  for (let start = 0; start + 10 <= text.length; start++) {
    if (text.indexOf(text.slice(start, start + 10), start + 1) !== -1) return true
  }
  return false
}

/**
 * True if the secret could be 256 random bits.
 * Hex: 64 digits of one case, at least 10 different ones. Else base64 or base64url: 43 characters, at least 16 different ones, capitals
 * and small letters among them. Each bound fails less than one random secret in a hundred million.
 */
export function looksRandom(text: string): boolean {
  const different = new Set(text).size
  if (repeats(text)) return false
  if (/^([0-9a-f]+|[0-9A-F]+)$/.test(text)) return text.length >= hexDigits && different >= 10
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return false
  const isMixed = /[a-z]/.test(text) && /[A-Z]/.test(text)
  return text.replace(/=+$/, '').length >= base64Characters && different >= 16 && isMixed
}

/** The 32 bytes of a master key in hex, base64 or base64url; undefined if it is not that, or not random. */
export function parseMasterKey(text: string): Buffer | undefined {
  if (!looksRandom(text)) return undefined
  // base64url reads the characters of plain base64, too
  const bytes = Buffer.from(text, /^[0-9a-f]{64}$/i.test(text) ? 'hex' : 'base64url')
  return bytes.length === 32 ? bytes : undefined
}
