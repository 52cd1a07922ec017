// Signing in with passkeys against a real database, by an authenticator in software that lies in every way that Web Authentication names
// (Level 3 §7.2): what is accepted, what is refused, and what the audit trail is told.

import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { createSoftwareAuthenticator, type Lie } from '../support/authenticator.ts'
import { origin, processOn, setUp } from './passkey-setting.ts'

const {
  database,
  accounts,
  passkeys,
  events,
  clock,
  request,
  answerRegistration,
  holder,
  signIn,
  told
} = await setUp(t)

t.test('a passkey alone is a full sign-in, and says how it was done (RFC 8176 §2)', async t => {
  for (const [kind, method] of [
    ['synced', 'swk'],
    ['device-bound', 'hwk']
  ] as const) {
    const { accountId, authenticator } = await holder({ kind })
    const amr = [method, 'user', 'mfa']
    t.strictSame(await signIn(authenticator), { ok: true, accountId, amr }, kind)
    const [passkey] = await passkeys.list(accountId)
    t.equal(passkey?.kind, kind)
    t.ok(passkey?.lastUsedAt, 'it was used')
  }
})

t.test('what browsers are asked for names no account (ASVS 6.3.8)', async t => {
  const { accountId, authenticator } = await holder()
  const { challenge, ...asked } = passkeys.signInOptions('a') as { challenge: string }
  const { challenge: other, ...askedOther } = passkeys.signInOptions('b') as { challenge: string }
  t.strictSame(asked, askedOther, 'the same for everybody')
  t.match(asked, { allowCredentials: [], userVerification: 'required', rpId: 'id.example.com' })
  t.not(challenge, other)
  t.ok(Buffer.from(challenge, 'base64url').length >= 16, '128 bits at least')

  const options = await passkeys.registrationOptions('s', { accountId, accountName: 'ada' })
  const { user } = options as { user: { id: string } }
  const handle = Buffer.from(user.id, 'base64url')
  t.ok(handle.length >= 16 && handle.length <= 64, 'a user handle of at most 64 bytes')
  t.notOk(
    handle.toString('hex').includes(accountId.replaceAll('-', '')) ||
      handle.toString().includes(accountId),
    'that is not the account'
  )
  t.match(options, {
    rp: { id: 'id.example.com', name: 'mintmark' },
    attestation: 'none',
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    excludeCredentials: [{ id: authenticator.held[0]?.id.toString('base64url') }]
  })
  const again = await passkeys.registrationOptions('s', { accountId, accountName: 'ada' })
  t.strictSame(again['user'], options['user'], 'the handle stays')
  const second = await passkeys.secondFactorOptions('f', accountId)
  t.match(second, {
    allowCredentials: [
      { id: authenticator.held[0]?.id.toString('base64url'), transports: ['hybrid', 'internal'] }
    ]
  })
})

t.test('an assertion that lies is refused (Web Authentication §7.2)', async t => {
  const { accountId, authenticator } = await holder()
  const other = await holder()
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const mismatch = { type: 'sign_in.refused', data: { reason: 'passkey_mismatch' }, accountId }
  const lies: Record<string, Lie> = {
    'another origin': { origin: 'https://id.example.com.evil.example' },
    'our host by http': { origin: 'http://id.example.com' },
    'our host at another port': { origin: `${origin}:8443` },
    'another rpIdHash': { rpId: 'example.com' },
    'the type of a registration': { type: 'webauthn.create' },
    'no user verification': { verified: 'no' },
    'no user presence': { present: 'no' },
    'another key': { key: privateKey },
    'the user handle of another account': {
      userHandle: other.authenticator.held[0]?.userHandle
    },
    'no user handle': { userHandle: undefined },
    'another backup eligibility': { kind: 'device-bound' }
  }
  for (const [name, lie] of Object.entries(lies)) {
    t.strictSame(await signIn(authenticator, lie), { ok: false, reason: 'refused' }, name)
    t.match(told(), mismatch, name)
  }
  t.match(await signIn(authenticator), { ok: true }, 'the honest one is accepted')
  t.equal((await passkeys.list(accountId)).length, 1)
})

t.test('an answer from inside a frame of another site, or none at all, is refused', async t => {
  const { authenticator } = await holder()
  const refused = { ok: false, reason: 'refused' }
  t.strictSame(await signIn(authenticator, { crossOrigin: true }), refused)
  const good = () => JSON.parse(authenticator.get(passkeys.signInOptions('flow')))
  const broken: Record<string, unknown> = {
    'no JSON': undefined,
    'a list': [],
    'no response': { ...good(), response: undefined },
    'two names': { ...good(), rawId: 'AAAA' },
    'another type': { ...good(), type: 'password' },
    'a signature that is no text': { ...good(), response: { ...good().response, signature: 7 } },
    'client data that is no JSON': {
      ...good(),
      response: { ...good().response, clientDataJSON: 'AAAA' }
    },
    'authenticator data of three bytes': {
      ...good(),
      response: { ...good().response, authenticatorData: 'AAAA' }
    }
  }
  for (const [name, answer] of Object.entries(broken)) {
    t.strictSame(await passkeys.signIn(request(JSON.stringify(answer) ?? '')), refused, name)
  }
})

t.test('a challenge is good once, whatever came of it (ASVS 6.7.2)', async t => {
  const { authenticator } = await holder()
  const refused = { ok: false, reason: 'refused' }
  const options = passkeys.signInOptions('flow')
  const answer = authenticator.get(options)
  t.match(await passkeys.signIn(request(answer)), { ok: true })
  t.strictSame(await passkeys.signIn(request(answer)), refused, 'the same answer again')
  t.match(told(), { type: 'sign_in.refused', data: { reason: 'challenge_spent' } })
  t.strictSame(await passkeys.signIn(request(authenticator.get(options))), refused, 'a new answer')

  const failed = passkeys.signInOptions('flow')
  await passkeys.signIn(request(authenticator.get(failed, { verified: 'no' })))
  t.strictSame(
    await passkeys.signIn(request(authenticator.get(failed))),
    refused,
    'spent by a refused one'
  )
})

t.test('a challenge of another browser, purpose or account, or of nobody, is refused', async t => {
  const { accountId, authenticator } = await holder()
  const other = await holder()
  const foreign: Record<string, Lie> = {
    'another browser': { challenge: String(passkeys.signInOptions('other flow')['challenge']) },
    'another purpose': {
      challenge: String((await passkeys.secondFactorOptions('flow', accountId))['challenge'])
    },
    'a registration': {
      challenge: String(
        (await passkeys.registrationOptions('flow', { accountId, accountName: 'a' }))['challenge']
      )
    },
    'our own invention': { challenge: Buffer.alloc(52, 1).toString('base64url') },
    'too short': { challenge: 'AAAA' }
  }
  for (const [name, lie] of Object.entries(foreign)) {
    t.strictSame(await signIn(authenticator, lie), { ok: false, reason: 'refused' }, name)
    t.match(told(), { type: 'sign_in.refused', data: { reason: 'challenge_not_ours' } }, name)
  }
  const step = await passkeys.secondFactorOptions('flow', other.accountId)
  t.strictSame(
    await passkeys.secondFactor(request(authenticator.get(step)), accountId),
    { ok: false, reason: 'refused' },
    'the second step of another account'
  )
  const elsewhere = await passkeys.registrationOptions('other session', {
    accountId,
    accountName: 'a'
  })
  t.equal(
    await answerRegistration(accountId, authenticator.create(elsewhere)),
    'refused',
    'the registration of another session'
  )
})

t.test('a challenge is over after five minutes', async t => {
  t.teardown(() => {
    clock.seconds = 0
  })
  const { accountId, authenticator } = await holder()
  const options = passkeys.signInOptions('flow')
  clock.seconds = 299
  t.match(await passkeys.signIn(request(authenticator.get(options))), { ok: true })
  clock.seconds = 0
  const late = passkeys.signInOptions('flow')
  const create = await passkeys.registrationOptions('session', { accountId, accountName: 'a' })
  clock.seconds = 302
  t.strictSame(await passkeys.signIn(request(authenticator.get(late))), {
    ok: false,
    reason: 'expired'
  })
  t.equal(await answerRegistration(accountId, authenticator.create(create)), 'expired')
})

t.test('as a second factor it must be a passkey of the account that proved itself', async t => {
  const { accountId, authenticator } = await holder()
  const other = await holder()
  const honest = await passkeys.secondFactorOptions('flow', accountId)
  t.strictSame(
    await passkeys.secondFactor(
      request(authenticator.get(honest, { userHandle: undefined })),
      accountId
    ),
    { ok: true, accountId, amr: ['swk', 'user', 'mfa'] },
    'without a user handle, too: the account is known'
  )
  const options = await passkeys.secondFactorOptions('flow', accountId)
  t.strictSame(await passkeys.secondFactor(request(other.authenticator.get(options)), accountId), {
    ok: false,
    reason: 'refused'
  })
  t.match(told(), {
    type: 'second_factor.refused',
    accountId,
    data: { kind: 'passkey', reason: 'passkey_mismatch' }
  })
})

t.test('a counter that goes back is refused and told (Web Authentication §6.1.1)', async t => {
  const { accountId, authenticator } = await holder({ counts: 'yes', kind: 'device-bound' })
  t.match(await signIn(authenticator), { ok: true })
  t.match(await signIn(authenticator, { counter: 9 }), { ok: true }, 'it may jump')
  for (const counter of [9, 8, 0]) {
    t.strictSame(await signIn(authenticator, { counter }), { ok: false, reason: 'refused' })
    t.match(told(), { type: 'sign_in.refused', accountId, data: { reason: 'passkey_counter' } })
  }
  t.match(await signIn(authenticator, { counter: 10 }), { ok: true }, 'the honest one goes on')
})

t.test('who is not known, and who is disabled, is refused alike', async t => {
  const { accountId, authenticator } = await holder()
  const stranger = createSoftwareAuthenticator({ origin })
  stranger.create(await passkeys.registrationOptions('x', { accountId, accountName: 'a' }))
  const unknown = await signIn(stranger)
  const id = stranger.held[0]?.id.toString('base64url')
  t.strictSame(unknown, { ok: false, reason: 'refused', unknownCredential: id })
  t.match(told(), { type: 'sign_in.refused', data: { reason: 'unknown_passkey' } })
  await accounts.disable(accountId)
  t.strictSame(await signIn(authenticator), { ok: false, reason: 'refused' })
  t.match(told(), { type: 'sign_in.refused', accountId, data: { reason: 'disabled' } })
})

t.test('a removed passkey signs nobody in', async t => {
  const { accountId, authenticator } = await holder()
  const [passkey] = await passkeys.list(accountId)
  const asked = { address: '192.0.2.7', requestId: 'r' }
  await passkeys.remove(accountId, passkey?.id ?? '', asked)
  t.match(await signIn(authenticator), { ok: false, unknownCredential: String })
})

t.test(
  'one address tries a hundred times in a window, and what succeeds does not count',
  async t => {
    const { authenticator } = await holder()
    const from = (answer: string) => ({ ...request(answer), address: '203.0.113.9' })
    const options = () => passkeys.signInOptions('flow')
    t.match(await passkeys.signIn(from(authenticator.get(options()))), { ok: true })
    for (let tried = 0; tried < 100; tried += 1) await passkeys.signIn(from('{}'))
    const before = events.length
    for (let tried = 0; tried < 3; tried += 1) {
      t.match(await passkeys.signIn(from(authenticator.get(options()))), {
        ok: false,
        reason: 'throttled',
        retryAfterSeconds: Number
      })
    }
    t.match(told(), { type: 'sign_in.refused', data: { reason: 'throttled' } })
    t.equal(events.length, before + 1, 'told once')
    t.match(
      await signIn(authenticator),
      { ok: true },
      'the person elsewhere is not kept out (R-54)'
    )
  }
)

t.test('eight uses at once over two processes: exactly one signs in', async t => {
  const { accountId, authenticator } = await holder()
  const other = processOn(database)
  for (let round = 0; round < 10; round += 1) {
    const answer = authenticator.get(passkeys.signInOptions('flow'))
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        (at % 2 === 0 ? passkeys : other.passkeys).signIn(request(answer))
      )
    )
    const good = outcomes.filter(({ ok }) => ok)
    t.strictSame(good, [{ ok: true, accountId, amr: ['swk', 'user', 'mfa'] }])
  }
})
