// Burning a signing key that leaked: it leaves the published set at once, nothing that it signed is accepted again, and it cannot come
// back. One that signs is followed in the same transaction, by its successor if there is one, else by a new key.

import { auditStatement } from '../audit/record.ts'
import type { Sealer } from '../lib/seal.ts'
import type { Database, Queries, Statement } from '../store/database.ts'
import {
  activateSigningKey,
  burnSigningKey,
  listSigningKeyAges,
  lockSigningKeys,
  type SigningKeyAges
} from '../store/signing-key-steps.ts'
import { insertActiveKey } from '../store/signing-keys.ts'
import type { KeyRing } from './key-ring.ts'
import { generatePrivateJwk } from './signing-key.ts'
import { newKey } from './signing-key-rotation.ts'

export type Burnt =
  | { ok: false; reason: 'unknown' }
  | { ok: false; reason: 'burnt_already' }
  | { ok: true; key: SigningKeyAges; successor: string | undefined }

/**
 * Burns the key `kid`, whatever its state.
 * @throws Fault `store_unavailable`; `seal_broken` with another master key than the one that servers have
 */
export async function burnKey(
  deps: { database: Database; ring: Pick<KeyRing, 'load'>; seal: Sealer },
  kid: string
): Promise<Burnt> {
  const { database, ring, seal } = deps
  const found = (await listSigningKeyAges(database)).find(key => key.kid === kid)
  if (found === undefined) return { ok: false, reason: 'unknown' }
  const { purpose, alg } = found
  // made before the transaction: no connection is held while a key is made
  const spare =
    found.state === 'retired'
      ? undefined
      : await newKey({ purpose, alg, ring, seal, generate: generatePrivateJwk })

  return database.transaction(async tx => {
    const live = await lockSigningKeys(tx, purpose, alg)
    const now = (await listSigningKeyAges(tx)).find(key => key.kid === kid)
    if (now === undefined) return { ok: false, reason: 'unknown' }
    if (now.burnt) return { ok: false, reason: 'burnt_already' }
    await send(tx, burnSigningKey(kid))

    let successor: string | undefined
    const pending = live.find(key => key.state === 'pending')
    if (now.state === 'active' && pending !== undefined) {
      successor = pending.kid
      for (const statement of activateSigningKey({ ...pending, aheadSeconds: 0 })) {
        await send(tx, statement)
      }
    } else if (now.state === 'active' && spare !== undefined) {
      successor = spare.kid
      await send(tx, insertActiveKey({ ...spare, purpose, alg, longestSeconds: now.valueSeconds }))
      await send(
        tx,
        auditStatement({ type: 'key.created', data: { kid: successor, purpose, alg } })
      )
    }
    if (successor !== undefined) {
      const data = { kid: successor, purpose, alg }
      await send(tx, auditStatement({ type: 'key.activated', data }))
    }
    const data = { kid, purpose, alg, was: now.state, successor }
    await send(tx, auditStatement({ type: 'key.burnt', data }))
    return { ok: true, key: now, successor }
  })
}

async function send(tx: Queries, { name, text, values }: Statement): Promise<void> {
  await tx.run(name, text, values)
}
