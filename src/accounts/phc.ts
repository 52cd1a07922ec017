// Argon2id hashes as PHC strings: `$argon2id$v=19$m=19456,t=2,p=1$salt$hash` (PHC string format; RFC 9106 for the parameters).
// Owns writing and reading them. Refuses other variants and parameters beyond its bounds: a row must not decide how much memory a
// verification takes.

/** RFC 9106 §3.1: memory in KiB, passes, lanes. */
export interface Argon2Parameters {
  memory: number
  passes: number
  lanes: number
}

/** The raw function: the tag of RFC 9106 §3 over password and salt. */
export type DeriveTag = (
  password: string,
  salt: Buffer,
  parameters: Argon2Parameters,
  tagBytes: number
) => Promise<Buffer>

export interface Argon2Hash extends Argon2Parameters {
  salt: Buffer
  hash: Buffer
}

// OWASP Password Storage, ASVS v5.0.0 appendix C: 19 MiB, t=2, p=1. The bounds leave room for imports and for a stronger choice.
const bounds = { memory: [8, 262_144], passes: [1, 16], lanes: [1, 8] } as const
const pattern =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/

function within(value: number, [least, most]: readonly [number, number]): boolean {
  return value >= least && value <= most
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}

/** Reads a PHC string; undefined when it is not argon2id of version 19 within bounds. */
export function parsePhc(text: string): Argon2Hash | undefined {
  const [, m, t, p, salt, hash] = pattern.exec(text) ?? []
  if (m === undefined || salt === undefined || hash === undefined) return undefined
  const memory = Number(m)
  const passes = Number(t)
  const lanes = Number(p)
  // RFC 9106 §3.1: "Memory size m MUST be an integer number of kibibytes from 8*p"
  const sound =
    within(memory, bounds.memory) &&
    within(passes, bounds.passes) &&
    within(lanes, bounds.lanes) &&
    memory >= 8 * lanes
  if (!sound) return undefined
  return {
    memory,
    passes,
    lanes,
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64')
  }
}

/** Writes a PHC string: base64 without padding. */
export function formatPhc({ memory, passes, lanes, salt, hash }: Argon2Hash): string {
  return `$argon2id$v=19$m=${memory},t=${passes},p=${lanes}$${base64(salt)}$${base64(hash)}`
}
