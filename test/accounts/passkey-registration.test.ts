// Making passkeys, renaming and removing them, against a real database, by an authenticator in software that lies in every way that Web
// Authentication names (Level 3 §7.1).

import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { readAttestation } from '../../src/accounts/passkey-answer.ts'
import { verifyAttestation } from '../../src/accounts/passkey-ceremony.ts'
import { relyingPartyOf } from '../../src/accounts/passkeys.ts'
import { createSoftwareAuthenticator, type Lie } from '../support/authenticator.ts'
import { origin, setUp } from './passkey-setting.ts'

const { database, passkeys, account, register, answerRegistration, holder, signIn, trail } =
  await setUp(t)

t.test('a passkey is made as asked: bound to the account, and told in the trail', async t => {
  const { accountId } = await holder({ aaguid: 'ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4' })
  const [passkey] = await passkeys.list(accountId)
  t.match(passkey, {
    name: 'Google Password Manager',
    transports: ['hybrid', 'internal'],
    lastUsedAt: undefined
  })
  t.match(await trail(accountId), [
    { type: 'passkey.added', data: { name: 'Google Password Manager' }, address: /^10\.1\./ }
  ])
})

t.test('a registration that lies is refused (Web Authentication §7.1)', async t => {
  const accountId = await account()
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const lies: Record<string, Lie> = {
    'another origin': { origin: 'https://evil.example' },
    'another rpIdHash': { rpId: 'evil.example' },
    'the type of an assertion': { type: 'webauthn.get' },
    'no user verification': { verified: 'no' },
    'no user presence': { present: 'no' },
    'another name of the credential': { id: 'AAAA' },
    'inside a frame of another site': { crossOrigin: true },
    'a self attestation by another key': { attestation: 'self', key: privateKey }
  }
  for (const [name, lie] of Object.entries(lies)) {
    t.equal(
      await register(accountId, createSoftwareAuthenticator({ origin }), lie),
      'refused',
      name
    )
  }
  t.strictSame(await passkeys.list(accountId), [])
  t.strictSame(await trail(accountId), [])
})

t.test(
  'no certificate that comes along is looked into, and a key may speak for itself',
  async t => {
    const accountId = await account()
    const party = relyingPartyOf(origin, 'mintmark')
    if (party === undefined) throw new Error('no relying party')
    const options = await passkeys.registrationOptions('session', { accountId, accountName: 'a' })
    const device = createSoftwareAuthenticator({ origin })
    for (const fmt of ['packed', 'apple', 'android-key', 'android-safetynet', 'tpm', 'fido-u2f']) {
      const statement = new Map([['x5c', [Buffer.from('a certificate')]]])
      const answer = readAttestation(device.create(options, { attestation: { fmt, statement } }))
      if (answer === undefined) throw new Error('not readable')
      const why = 'an attestation was sent that nobody asked for'
      t.strictSame(await verifyAttestation(party, answer), { ok: false, why }, fmt)
    }
    t.equal(await register(accountId, device, { attestation: 'self' }), 'added')
  }
)

t.test('a challenge of the second step makes no passkey', async t => {
  const { accountId } = await holder()
  const { challenge } = await passkeys.secondFactorOptions('session', accountId)
  const other = createSoftwareAuthenticator({ origin })
  t.equal(await register(accountId, other, { challenge: String(challenge) }), 'refused')
})

t.test('a credential belongs to one account, and an account has so many', async t => {
  const { authenticator } = await holder()
  const [first] = authenticator.held
  const accountId = await account()
  const options = await passkeys.registrationOptions('session', { accountId, accountName: 'b' })
  const copy = createSoftwareAuthenticator({ origin })
  const answer = JSON.parse(copy.create(options))
  const made = copy.held[0]?.id
  if (first === undefined || made === undefined) throw new Error('nothing was made')
  // the same id under another key
  const object = Buffer.from(answer.response.attestationObject, 'base64url')
  first.id.copy(object, object.indexOf(made))
  answer.id = answer.rawId = first.id.toString('base64url')
  answer.response.attestationObject = object.toString('base64url')
  t.equal(await answerRegistration(accountId, JSON.stringify(answer)), 'known')
  t.match(await signIn(authenticator), { ok: true }, 'it is still the first one’s')

  const many = createSoftwareAuthenticator({ origin })
  for (let made = 0; made < 25; made += 1) t.equal(await register(accountId, many), 'added')
  t.equal(await register(accountId, many), 'too many')
  const more = await passkeys.registrationOptions('session', { accountId, accountName: 'b' })
  t.equal(
    await answerRegistration(accountId, many.create(more), 'first'),
    'has one',
    'where a sign-in wants the first'
  )
})

t.test('renamed and removed by its owner alone, and told', async t => {
  const { accountId } = await holder()
  const other = await account()
  const asked = { address: '192.0.2.7', requestId: 'r' }
  const [passkey] = await passkeys.list(accountId)
  const id = passkey?.id ?? ''
  t.equal(await passkeys.rename(accountId, { id, name: '  My phone ' }, asked), 'renamed')
  t.equal((await passkeys.list(accountId))[0]?.name, 'My phone')
  for (const name of ['', '   ', 'a'.repeat(65), 'phone\u202egnp', 'a\u0000b']) {
    t.equal(await passkeys.rename(accountId, { id, name }, asked), 'no name')
  }
  t.equal(await passkeys.rename(other, { id, name: 'mine' }, asked), 'gone')
  t.equal(await passkeys.remove(other, id, asked), 'gone')
  t.equal(await passkeys.remove(accountId, 'no id', asked), 'gone')
  t.equal(await passkeys.remove(accountId, id, asked), 'removed')
  t.equal(await passkeys.remove(accountId, id, asked), 'gone')
  t.match(await trail(accountId), [
    { type: 'passkey.added', data: { name: 'Passkey' } },
    { type: 'passkey.renamed', data: { name: 'My phone' }, address: '192.0.2.7' },
    { type: 'passkey.removed', data: { name: 'My phone' }, address: '192.0.2.7' }
  ])
  t.strictSame(await trail(other), [])
})

t.test('without a password the last passkey stays, however many are removed at once', async t => {
  const accountId = await account()
  await database.run('test.passwordless', 'UPDATE accounts SET password = NULL WHERE id = $1', [
    accountId
  ])
  const authenticator = createSoftwareAuthenticator({ origin })
  for (let made = 0; made < 4; made += 1) await register(accountId, authenticator)
  const asked = { address: '192.0.2.7', requestId: 'r' }
  const list = await passkeys.list(accountId)
  const all = await Promise.all(list.map(({ id }) => passkeys.remove(accountId, id, asked)))
  t.strictSame(all.sort(), ['last', 'removed', 'removed', 'removed'])
  t.equal((await passkeys.list(accountId)).length, 1)
})

t.test('passkeys are offered where browsers know them', async t => {
  const id = (issuer: string) => relyingPartyOf(issuer, 'x')?.id
  t.equal(id('https://id.example.com:8443/auth'), 'id.example.com')
  t.equal(id('http://localhost:3000'), 'localhost')
  for (const issuer of [
    'http://127.0.0.1:3000',
    'https://192.0.2.1',
    'https://[::1]:3000',
    'http://id.example.com'
  ]) {
    t.equal(id(issuer), undefined, issuer)
  }
})
