// Sealing: what opens, and everything that must not (column and row).
// One blob comes from another implementation, so the format cannot drift unseen.

import { test } from 'tap'
import { createSealer } from '../../src/lib/seal.ts'

const masterKey = Buffer.from(Array.from({ length: 32 }, (_, i) => i))
const otherKey = Buffer.alloc(32, 0xa5)
const context = { table: 'signing_keys', column: 'sealed', key: 'kid-1' }

test('what was sealed opens in its place, text and bytes, empty too', async t => {
  const sealer = createSealer({ masterKey })
  const bytes = Buffer.from([0, 255, 128, 0])
  t.same(sealer.open(sealer.seal(bytes, context), context), bytes)
  t.equal(sealer.open(sealer.seal('개인 키', context), context).toString('utf8'), '개인 키')
  t.equal(sealer.open(sealer.seal('', context), context).length, 0)
})

test('a blob made by an independent implementation opens (RFC 5869, NIST SP 800-38D)', async t => {
  // HKDF-SHA-256, AES-256-GCM and the layout, made with Python's cryptography from the master key
  // 00..1f, nonce 64..6f
  const blob = Buffer.from(
    '01f9b543c86465666768696a6b6c6d6e6f3f34303b42ab82268eb2263dd1108557a38ac442c8419e2b2f4ab2075e',
    'hex'
  )
  const opened = createSealer({ masterKey }).open(blob, { ...context, key: '키-1' })
  t.equal(opened.toString('utf8'), 'a private key')
})

test('two seals of one value share no nonce and no ciphertext (NIST SP 800-38D §8.2)', async t => {
  const sealer = createSealer({ masterKey })
  const blobs = Array.from({ length: 200 }, () => sealer.seal('the same value', context))
  t.equal(new Set(blobs.map(blob => blob.toString('hex', 5, 17))).size, 200)
  t.equal(new Set(blobs.map(blob => blob.toString('hex', 17))).size, 200)
})

test('the blob contains neither the value nor the key', async t => {
  const blob = createSealer({ masterKey }).seal('a private key', context)
  t.equal(blob.includes('a private key'), false)
  t.equal(blob.includes(masterKey.subarray(0, 4)), false)
})

test('a blob moved to another table, column or row does not open', async t => {
  const sealer = createSealer({ masterKey })
  const blob = sealer.seal('a private key', context)
  for (const moved of [
    { ...context, table: 'server_secrets' },
    { ...context, column: 'payload' },
    { ...context, key: 'kid-2' },
    // the same characters, cut elsewhere
    { table: 'signing_key', column: 'ssealed', key: 'kid-1' },
    { table: 'signing_keys', column: 'sealedk', key: 'id-1' }
  ]) {
    t.throws(
      () => sealer.open(blob, moved),
      { code: 'seal_broken', message: /moved here from another row or column/ },
      JSON.stringify(moved)
    )
  }
})

test('one flipped bit at any place of the blob keeps it shut', async t => {
  const sealer = createSealer({ masterKey })
  const blob = sealer.seal('a private key', context)
  let refused = 0
  for (let bit = 0; bit < blob.length * 8; bit++) {
    const changed = Buffer.from(blob)
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    try {
      sealer.open(changed, context)
    } catch (error) {
      if ((error as { code?: unknown }).code === 'seal_broken') refused++
    }
  }
  t.equal(refused, blob.length * 8)
})

test('a blob cut short or made longer does not open, at any length', async t => {
  const sealer = createSealer({ masterKey })
  const blob = sealer.seal('a private key', context)
  for (let length = 0; length < blob.length; length++) {
    t.throws(() => sealer.open(blob.subarray(0, length), context), { code: 'seal_broken' })
  }
  const longer = Buffer.concat([blob, Buffer.of(0)])
  t.throws(() => sealer.open(longer, context), { code: 'seal_broken' })
})

test('a wrong master key is told apart from damage, and says what to do', async t => {
  const blob = createSealer({ masterKey }).seal('a private key', context)
  t.throws(() => createSealer({ masterKey: otherKey }).open(blob, context), {
    code: 'seal_broken',
    message:
      /signing_keys\.sealed of 'kid-1'.*another master key than MINTMARK_MASTER_KEY.*MINTMARK_PREVIOUS_MASTER_KEYS/
  })
})

test('a blob that names our key id but was sealed by a stranger does not open', async t => {
  const ours = createSealer({ masterKey })
  const forged = createSealer({ masterKey: otherKey }).seal('forged', context)
  ours.seal('x', context).copy(forged, 0, 0, 5)
  t.throws(() => ours.open(forged, context), { code: 'seal_broken' })
})

test('previous master keys open, only the current one seals', async t => {
  const before = createSealer({ masterKey })
  const after = createSealer({ masterKey: otherKey, previous: [masterKey] })
  const old = before.seal('a private key', context)
  t.equal(after.open(old, context).toString(), 'a private key')
  t.equal(after.needsReseal(old), true)

  const fresh = after.seal('a private key', context)
  t.equal(after.needsReseal(fresh), false)
  t.throws(() => before.open(fresh, context), { code: 'seal_broken' })
})

test('a blob of an unknown version needs sealing again and does not open', async t => {
  const sealer = createSealer({ masterKey })
  const blob = sealer.seal('a private key', context)
  blob[0] = 2
  t.equal(sealer.needsReseal(blob), true)
  t.throws(() => sealer.open(blob, context), { code: 'seal_broken', message: /this version/ })
})

test('a master key that is not 32 bytes is refused, previous ones too', async t => {
  const short = Buffer.alloc(31)
  t.throws(() => createSealer({ masterKey: short }), {
    code: 'configuration_invalid',
    message: /MINTMARK_MASTER_KEY has 31 bytes/
  })
  t.throws(() => createSealer({ masterKey, previous: [short] }), { code: 'configuration_invalid' })
})

test('a context with an empty part is refused: the value would be bound to no row', async t => {
  const sealer = createSealer({ masterKey })
  for (const part of ['table', 'column', 'key']) {
    t.throws(() => sealer.seal('x', { ...context, [part]: '' }), { code: 'internal' }, part)
  }
})

test('no error quotes the value or a key', async t => {
  const sealer = createSealer({ masterKey })
  const blob = sealer.seal('a private key', context)
  try {
    sealer.open(blob, { ...context, key: 'kid-2' })
    t.fail('it opened')
  } catch (error) {
    const text = `${(error as Error).stack} ${JSON.stringify(error)} ${(error as Error).cause}`
    t.notMatch(text, /a private key/)
    t.equal(text.includes(masterKey.toString('hex')), false)
  }
})
