// The key ring: all signing keys of the server, opened, in memory. It makes those that are missing;
// two processes that do so at once end with the same one (the unique index decides). It refuses as
// a whole: a key that does not open stops start, and leaves the ring before a reload as it was.

import type { JWK } from 'jose'
import { auditStatement } from '../audit/record.ts'
import { Fault } from '../lib/fault.ts'
import type { Sealer } from '../lib/seal.ts'
import { digest } from '../lib/secret.ts'
import type { SigningKeyRows } from '../store/signing-keys.ts'
import { createFreshener } from './freshen.ts'
import { keyStates } from './key-state.ts'
import {
  generatePrivateJwk,
  type KeyAlgorithm,
  type KeyPurpose,
  openSigningKey,
  type SigningKey,
  sealSigningKey
} from './signing-key.ts'

export type { KeyAlgorithm, KeyPurpose, SigningAlgorithm, SigningKey } from './signing-key.ts'

export interface WantedKey {
  purpose: KeyPurpose
  alg: KeyAlgorithm
  /** the longest life of what it signs, in seconds: it is published until then */
  longestSeconds?: number
}

export interface KeyRing {
  /**
   * Reads the table and opens its keys; all or nothing. Calls run one after the other, so the last
   * one always has the last word.
   * @throws Fault `seal_broken`, `store_unavailable`
   */
  load(): Promise<void>
  /**
   * Loads, makes the active keys that are missing, and loads again if it made any.
   * @throws Fault `seal_broken`, `store_unavailable`
   */
  ensure(wanted: readonly WantedKey[]): Promise<void>
  /** Active keys first, then pending, then retiring; within a state the oldest first. */
  keys(): readonly SigningKey[]
  /** @throws Fault `key_unavailable` when none signs for this purpose with this algorithm */
  active(purpose: KeyPurpose, alg: KeyAlgorithm): SigningKey
  /** The caller checks `purpose`: a kid of another purpose is found, too. */
  byKid(kid: string): SigningKey | undefined
  /**
   * The same, after a look at the table where the kid is not known: a key may be younger than what we have heard.
   * @throws Fault `seal_broken`, `store_unavailable`
   */
  find(kid: string): Promise<SigningKey | undefined>
  /** The published set (RFC 7517 §5): public members only, pending keys ahead of their use. */
  jwks(): { keys: JWK[] }
  /** Changes exactly when `keys()` does, and is the same in every process; fits an ETag. */
  version(): string
}

/** Makes an empty ring; `load` or `ensure` fill it. */
export function createKeyRing(deps: {
  rows: SigningKeyRows
  seal: Sealer
  generate?: (alg: KeyAlgorithm) => Promise<JWK>
}): KeyRing {
  const { rows, seal, generate = generatePrivateJwk } = deps
  let held = snapshot([])
  let turn: Promise<void> = Promise.resolve()

  async function read(): Promise<void> {
    const found = await rows.list()
    const opened = await Promise.all(found.map(row => openSigningKey(seal, row)))
    held = snapshot(opened.map(key => reuse(held.byKid.get(key.kid), key)))
  }

  function load(): Promise<void> {
    const mine = turn.then(read)
    turn = mine.catch(() => {})
    return mine
  }

  const freshen = createFreshener(load)

  function findActive({ purpose, alg }: WantedKey): SigningKey | undefined {
    return held.keys.find(
      key => keyStates[key.state].signs && key.purpose === purpose && key.alg === alg
    )
  }

  async function make({ purpose, alg, longestSeconds = 0 }: WantedKey): Promise<void> {
    const key = await sealSigningKey(seal, purpose, alg, await generate(alg))
    const data = { kid: key.kid, purpose, alg }
    await rows.insertActive({ purpose, alg, longestSeconds, ...key }, [
      auditStatement({ type: 'key.created', data }),
      auditStatement({ type: 'key.activated', data })
    ])
  }

  return {
    load,

    async ensure(wanted) {
      await load()
      const missing = distinct(wanted).filter(one => findActive(one) === undefined)
      if (missing.length === 0) return
      await Promise.all(missing.map(make))
      // also brings the keys of a process that was first
      await load()
    },

    keys: () => held.keys,

    active(purpose, alg) {
      const key = findActive({ purpose, alg })
      if (key !== undefined) return key
      throw new Fault('key_unavailable', `No active ${alg} key for the purpose ${purpose}.`)
    },

    byKid: kid => held.byKid.get(kid),

    async find(kid) {
      const known = held.byKid.get(kid)
      if (known !== undefined || !thumbprint.test(kid)) return known
      await freshen()
      return held.byKid.get(kid)
    },

    jwks: () => ({ keys: held.keys.filter(isPublished).map(key => ({ ...key.publicJwk })) }),

    version: () => held.version
  }
}

/** What was signed is verified for as long as it lives; what is still to be encrypted is encrypted to the key that stays. */
function isPublished({ purpose, state }: SigningKey): boolean {
  return purpose !== 'encryption' || state !== 'retiring'
}

/** What a kid of ours looks like: the base64url of a SHA-256 (RFC 7638 §3). */
const thumbprint = /^[\w-]{43}$/

interface Snapshot {
  keys: readonly SigningKey[]
  byKid: ReadonlyMap<string, SigningKey>
  version: string
}

function snapshot(opened: SigningKey[]): Snapshot {
  const keys = Object.freeze(
    opened.toSorted((a, b) => keyStates[a.state].order - keyStates[b.state].order)
  )
  return {
    keys,
    byKid: new Map(keys.map(key => [key.kid, key])),
    version: digest(...keys.flatMap(({ kid, state }) => [kid, state])).toString('base64url')
  }
}

// jose remembers imported keys by JWK object: the same object again saves importing it again
function reuse(before: SigningKey | undefined, now: SigningKey): SigningKey {
  if (before === undefined) return now
  const { privateJwk, publicJwk } = before
  return Object.freeze({ ...now, privateJwk, publicJwk })
}

function distinct(wanted: readonly WantedKey[]): WantedKey[] {
  return [...Map.groupBy(wanted, one => `${one.purpose} ${one.alg}`).values()].map(same => {
    const [{ purpose, alg }] = same as [WantedKey]
    const longestSeconds = Math.max(...same.map(one => one.longestSeconds ?? 0))
    return { purpose, alg, longestSeconds }
  })
}
