// Key sets of clients: public keys that load, and nothing else (RFC 7517).
// A private key that was sent is refused, and not repeated in the answer.

import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import t from 'tap'
import { checkKeySet } from '../../src/clients/key-set.ts'

const keyPair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwk = (key: KeyObject) => ({ ...key.export({ format: 'jwk' }) }) as Record<string, unknown>
const publicKey = jwk(keyPair.publicKey)
const privateKey = jwk(keyPair.privateKey)

function problemsOf(keySet: unknown): string {
  const checked = checkKeySet(keySet)
  if (checked.ok) return ''
  return checked.problems.map(({ at = '', problem }) => `${at} ${problem}`).join('\n')
}

t.test('a key set has public keys that load, and no private member (RFC 7517 §9.2)', async t => {
  const rsa = (modulusLength: number) =>
    jwk(generateKeyPairSync('rsa', { modulusLength }).publicKey)
  const ed25519 = jwk(generateKeyPairSync('ed25519').publicKey)
  const p384 = jwk(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey)
  const found = (jwks: unknown) => problemsOf(jwks)
  const x25519 = jwk(generateKeyPairSync('x25519').publicKey)
  t.equal(found({ keys: [publicKey] }), '')
  t.equal(found({ keys: [{ ...x25519, use: 'enc' }] }), '')
  t.equal(found({ keys: [{ ...publicKey, use: 'enc' }] }), '')
  t.equal(
    found({
      keys: [
        { ...rsa(2048), kid: 'a' },
        { ...ed25519, kid: 'b' }
      ]
    }),
    ''
  )
  const refused: readonly [unknown, RegExp][] = [
    [{ keys: [privateKey] }, /keys\[0\] must be a public key: "d" is private/],
    [{ keys: [{ ...publicKey, d: '' }] }, /"d" is private/],
    [{ keys: [{ ...publicKey, d: undefined }] }, /"d" is private/],
    [{ keys: [{ kty: 'oct', k: 'c2VjcmV0' }] }, /"k" is private/],
    [{ keys: [{ kty: 'oct' }] }, /must be an EC key on P-256/],
    [{ keys: [{ ...rsa(2048), oth: [] }] }, /"oth" is private/],
    [{ keys: [rsa(1024)] }, /at least 2048 bits/],
    [{ keys: [p384] }, /must be an EC key on P-256/],
    [{ keys: [{ ...publicKey, x: publicKey['y'] }] }, /do not fit together/],
    [{ keys: [{ kty: 'EC', crv: 'P-256' }] }, /do not fit together/],
    [{ keys: [{ ...publicKey, kid: 7 }] }, /"kid"/],
    [{ keys: [{ ...x25519, kid: 'x' }] }, /or for encryption one on X25519/],
    [{ keys: [publicKey, publicKey] }, /each needs a "kid"/],
    [
      {
        keys: [
          { ...publicKey, kid: 'a' },
          { ...ed25519, kid: 'a' }
        ]
      },
      /one "kid"/
    ],
    [{ keys: [] }, /1 to 10 keys/],
    [{ keys: Array(11).fill(publicKey) }, /1 to 10 keys/],
    [{ keys: [null, 'x'] }, /keys\[1\] must be an object/],
    [{ keys: publicKey }, /array "keys"/],
    [[publicKey], /array "keys"/],
    ['x', /array "keys"/]
  ]
  for (const [jwks, reason] of refused) t.match(found(jwks), reason)
  t.notMatch(
    found({ keys: [privateKey] }),
    new RegExp(String(privateKey['d'])),
    'the key is not repeated'
  )
})
