// Claims of an account (OpenID Connect Core §5.1, §5.4): which scope opens which, and where their values come from. Sensitive claims
// never go into an access token; ID tokens carry those of the granted scopes, since many relying parties read name and e-mail there.

import type { GrantAccount } from '../store/grants.ts'

/** OpenID Connect Core §5.4: claims by scope. */
export const claimsByScope = {
  // how and when the person signed in: relying parties judge by it, so every ID token says so
  openid: ['sub', 'auth_time', 'amr'],
  profile: [
    'name',
    'family_name',
    'given_name',
    'middle_name',
    'nickname',
    'preferred_username',
    'profile',
    'picture',
    'website',
    'gender',
    'birthdate',
    'zoneinfo',
    'locale',
    'updated_at'
  ],
  email: ['email', 'email_verified'],
  address: ['address'],
  phone: ['phone_number', 'phone_number_verified']
}

/** All claims that are known of the account; the engine picks those that were asked for and granted. */
export function claimsOf(account: GrantAccount): { sub: string; [claim: string]: unknown } {
  const known = {
    ...account.claims,
    name: account.name ?? undefined,
    email: account.email ?? undefined,
    // OpenID Connect Core §5.1: without an address there is nothing to be verified
    email_verified: account.email === null ? undefined : account.email_verified,
    locale: account.locale ?? undefined,
    preferred_username: account.login,
    updated_at: Math.floor(account.updated_at.getTime() / 1000)
  }
  const present = Object.entries(known).filter(([, value]) => value !== undefined)
  return { ...Object.fromEntries(present), sub: account.id }
}
