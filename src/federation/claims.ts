// What a provider says about a person, made into what we take of it. Owns which words count: an address is verified only if they say so and the
// operator believes them, methods of signing in only those of RFC 8176 and only where they are believed. Nothing here is an identifier.

import { cleanText } from '../audit/events.ts'
import type { Upstream } from './upstreams.ts'

/** What is taken of it; everything but `amr` is for a new account, and for the person to recognise it by. */
export interface Described {
  /** in its one form */
  email: string | undefined
  emailVerified: boolean
  name: string | undefined
  picture: string | undefined
  locale: string | undefined
  /** RFC 8176; empty: we know nothing of it */
  amr: string[]
}

/**
 * RFC 8176 §2 and the IANA registry "Authentication Method Reference Values". There is none for "somebody else said so": a sign-in by a
 * provider that is not believed has no methods, and so reaches no level of `acr` that takes any.
 */
const methods: ReadonlySet<string> = new Set(
  'face fpt geo hwk iris kba mca mfa otp pin pop pwd rba retina sc sms swk tel user vbm wia'.split(
    ' '
  )
)

const textLimit = 1_000

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= textLimit ? value : undefined
}

/** It stands in claims and, some day, in a page: an address of the web and no other kind. */
function webAddress(value: unknown): string | undefined {
  const url = URL.parse(text(value) ?? '')
  return url?.protocol === 'https:' && url.username === '' && url.password === ''
    ? url.href
    : undefined
}

export function describe(
  upstream: Pick<Upstream, 'claims' | 'emails' | 'authentication'>,
  claims: Readonly<Record<string, unknown>>,
  readEmail: (typed: string) => string | undefined
): Described {
  const names = upstream.claims
  const of = (name: string) => (Object.hasOwn(claims, name) ? claims[name] : undefined)
  const written = text(of(names.email))
  const email = written === undefined ? undefined : readEmail(written)
  const verified = of(names.email_verified)
  const amr = upstream.authentication === 'trusted' ? of('amr') : undefined
  const name = cleanText(text(of(names.name)) ?? '').trim()
  return {
    email,
    // Apple writes it as a text
    emailVerified:
      email !== undefined &&
      upstream.emails === 'trusted' &&
      (verified === true || verified === 'true'),
    name: name === '' ? undefined : name,
    picture: webAddress(of(names.picture)),
    locale: text(of(names.locale)),
    amr: Array.isArray(amr) ? [...new Set(amr.filter(one => methods.has(one)))] : []
  }
}

/** Apple names a person once, at the first sign-in, in a member of its form that nothing signs: good for a name, and for nothing else. */
export function nameInForm(user: string | undefined): string | undefined {
  if (user === undefined || user.length > 4_096) return undefined
  try {
    const { name } = JSON.parse(user)
    const parts = [name?.firstName, name?.lastName].filter(part => typeof part === 'string')
    return cleanText(parts.join(' ')).trim() || undefined
  } catch {
    return undefined
  }
}
