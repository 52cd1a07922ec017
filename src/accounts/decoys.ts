// The hash that a password is checked against where there is none: of the kind that an account of that name could have. While imported hashes
// of other costs are in the database, a name of nobody gets one of them as often as accounts have them, and always the same for
// the same name. So how long an answer takes tells the kind of hash, as it must, and not whether anybody is there.

import { hmac } from '../lib/secret.ts'

/** How many accounts have a hash of one kind, as its first characters tell it. */
export interface ImportedKind {
  prefix: string
  accounts: number
}

export interface Decoys {
  of(name: string): Promise<string>
}

export interface DecoyOptions {
  /** of the kind that new hashes have */
  usual: string
  /** of a kind; undefined where nobody could verify such a one */
  imported(prefix: string): string | undefined
  /** accounts in all, about, and those with imported hashes by kind */
  kinds(): Promise<{ total: number; imported: readonly ImportedKind[] }>
  key: Buffer
  now(): number
}

/** How often the proportions are looked at. */
const freshMillis = 600_000

export function createDecoys({ usual, imported, kinds, key, now }: DecoyOptions): Decoys {
  let known: Promise<{ share: number; decoy: string }[]> | undefined
  let until = 0

  async function shares() {
    const { total, imported: found } = await kinds()
    const all = Math.max(
      total,
      found.reduce((sum, { accounts }) => sum + accounts, 0)
    )
    return found.flatMap(({ prefix, accounts }) => {
      const decoy = imported(prefix)
      return decoy === undefined ? [] : [{ share: accounts / all, decoy }]
    })
  }

  return {
    async of(name) {
      if (known === undefined || now() >= until) {
        until = now() + freshMillis
        known = shares()
        // asked again by the next one
        known.catch(() => {
          known = undefined
        })
      }
      let at = hmac(key, 'decoy', name).readUIntBE(0, 6) / 2 ** 48
      for (const { share, decoy } of await known) {
        if (at < share) return decoy
        at -= share
      }
      return usual
    }
  }
}
