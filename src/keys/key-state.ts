// The life of a signing key, in one table: pending -> active -> retiring -> retired. It is the only
// place that says which state publishes, signs or verifies, and which step may follow which.

export interface KeyStateRules {
  /** the only state that may follow */
  next: KeyState | undefined
  /** signs new tokens: one key per purpose and algorithm */
  signs: boolean
  /** stands in the published JWK set, and what it signed is accepted */
  published: boolean
  /** place in lists; the engine signs with the first key that fits */
  order: number
}

export type KeyState = 'pending' | 'active' | 'retiring' | 'retired'

// OpenID Connect Core §10.1.1: verifiers cache the set, so a key is published before it signs and
// stays published until its last token has expired. A pending key verifies, too: another process
// may have heard of its activation first.
export const keyStates: Readonly<Record<KeyState, KeyStateRules>> = {
  active: { next: 'retiring', signs: true, published: true, order: 0 },
  pending: { next: 'active', signs: false, published: true, order: 1 },
  retiring: { next: 'retired', signs: false, published: true, order: 2 },
  retired: { next: undefined, signs: false, published: false, order: 3 }
}

/** States in which a key is held in memory. */
export type LiveKeyState = Exclude<KeyState, 'retired'>

export function isLiveKeyState(state: string): state is LiveKeyState {
  return Object.hasOwn(keyStates, state) && keyStates[state as KeyState].published
}
