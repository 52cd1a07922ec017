// What people type as their login, folded to one form per account: aliases by case, width, normalisation or domain spelling meet in one
// row and in one attempt counter (CVE-2025-24806 class). Owns the syntax of e-mail addresses too (RFC 5321 §4.1.2, dot-string only).
// Refuses what reads differently to different programs: control and invisible characters, several @, @ in disguise, quotes, comments.

import { domainToASCII } from 'node:url'

export type LoginProblem = 'login_empty' | 'login_too_long' | 'login_malformed'

export type FoldedLogin = { ok: true; login: string } | { ok: false; reason: LoginProblem }

/** RFC 5321 §4.5.3.1: a local part of 64 octets, a path of 256 with its brackets. */
const localOctets = 64
const loginOctets = 254
/** Before normalising, which may shrink a text, but must not be given a megabyte. */
const typedLimit = 1_024

// RFC 5322 §3.2.3 dot-atom, with the letters, marks and digits of every script (RFC 6531 §3.3)
const dotAtom =
  /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u
const domainCharacters = /^[\p{L}\p{M}\p{N}.\u3002-]+$/u
const domainLabel = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
/** Controls (CR and LF make two mail headers), invisible and direction characters, line separators, unassigned and private code points. */
const forbidden = /[\p{C}\p{Zl}\p{Zp}]|\p{Variation_Selector}|\p{Default_Ignorable_Code_Point}/u

/**
 * Compatibility normalisation and case folding (Unicode §5.18.4, toNFKC_Casefold). By way of capitals, because lower case alone keeps
 * ß and the final sigma apart from what capitals make of them; lower case first, because ẞ has no other capital.
 */
function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase().toUpperCase().toLowerCase().normalize('NFKC')
}

/** Trimmed and free of what may stand in no identifier; undefined when it is not. */
function readable(typed: string): string | undefined {
  if (!typed.isWellFormed() || forbidden.test(typed)) return undefined
  return typed.trim()
}

/**
 * The ASCII form of a domain (RFC 5891), so that both spellings of an internationalised one are the same; undefined when malformed. Not
 * folded before: fold would turn faß.de into fass.de, which is somebody else's (RFC 5894 §4.3).
 */
function foldDomain(domain: string): string | undefined {
  if (!domainCharacters.test(domain)) return undefined
  const ascii = domainToASCII(domain)
  const labels = ascii.split('.')
  // a last label of digits alone is an IPv4 address to a URL parser, which also reads 0x7f.1
  const last = labels.at(-1) ?? ''
  if (ascii === '' || /^\d+$/.test(last) || !labels.every(label => domainLabel.test(label))) {
    return undefined
  }
  return ascii
}

function octets(text: string): number {
  return Buffer.byteLength(text)
}

/**
 * Folds a login: an e-mail address if it has an @, else a name of the same characters as a local part. Folding a folded login changes
 * nothing. Plus-tags and dots stay: only the mailbox's host knows what they mean (RFC 5321 §2.3.11).
 */
export function foldLogin(typed: string): FoldedLogin {
  if (typed.length > typedLimit) return { ok: false, reason: 'login_too_long' }
  if (typed.trim() === '') return { ok: false, reason: 'login_empty' }
  const trimmed = readable(typed)
  if (trimmed === undefined) return { ok: false, reason: 'login_malformed' }
  const [local = '', domain, ...more] = trimmed.split('@')
  // An @ in disguise (U+FF20, U+FE6B) shows when folded, and is no character of a local part or a domain.
  const foldedLocal = fold(local)
  if (more.length > 0 || forbidden.test(foldedLocal) || !dotAtom.test(foldedLocal)) {
    return { ok: false, reason: 'login_malformed' }
  }
  let login = foldedLocal
  if (domain !== undefined) {
    const foldedDomain = foldDomain(domain)
    if (foldedDomain === undefined || octets(foldedLocal) > localOctets) {
      return { ok: false, reason: 'login_malformed' }
    }
    login = `${foldedLocal}@${foldedDomain}`
  }
  if (octets(login) > loginOctets) return { ok: false, reason: 'login_too_long' }
  return { ok: true, login }
}

/**
 * Parses an e-mail address for mail and for the `email` claim. The local part keeps its case, which is its host's business
 * (RFC 5321 §2.4); the domain gets its one form.
 */
export function parseEmail(typed: string): { ok: true; email: string } | { ok: false } {
  const folded = foldLogin(typed)
  const trimmed = folded.ok ? readable(typed) : undefined
  if (!folded.ok || trimmed === undefined) return { ok: false }
  const at = folded.login.indexOf('@')
  if (at < 0) return { ok: false }
  const local = trimmed.slice(0, trimmed.indexOf('@')).normalize('NFC')
  return { ok: true, email: `${local}${folded.login.slice(at)}` }
}
