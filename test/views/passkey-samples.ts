// The pages with passkeys, with data as it comes in life; part of the samples beside this file.

import { renderAccountPage } from '../../src/views/account-layout.ts'
import { type Frame, wordsOf } from '../../src/views/layout.ts'
import { renderLogin } from '../../src/views/login.ts'
import { passkeyForm } from '../../src/views/passkey-form.ts'
import { renderPasskeySignIn, renderPasskeyStep } from '../../src/views/passkey-sign-in.ts'
import { passkeySection, renderPasskeyCodes, renderPasskeys } from '../../src/views/passkeys.ts'

/** All of them, by name. */
export function passkeySamples(frame: Frame, say: (usual: string) => string) {
  const words = wordsOf(frame).passkeys
  const script = '/assets/passkeys-0.js'
  const form = {
    action: say('/interaction/abc'),
    csrf: say('csrf'),
    carried: { return_to: say('/x') },
    options: { challenge: say('c'), rpId: say('id.example.com') },
    script
  }
  const signIn = {
    ...form,
    clientName: say('Acme Calendar'),
    otherWay: say('/interaction/abc')
  } as const
  const step = {
    ...form,
    clientName: say('Acme Calendar'),
    accountName: say('ada@example.com'),
    others: [{ prompt: 'totp', href: say('/interaction/abc?with=totp') }]
  }
  const passkeys = [
    {
      id: say('7b0c'),
      name: say('My phone'),
      kind: 'synced',
      createdAt: new Date('2026-10-01T09:00:00Z'),
      lastUsedAt: new Date('2026-11-21T11:04:00Z')
    },
    {
      id: say('7b0d'),
      name: say('열쇠'),
      kind: 'device-bound',
      createdAt: new Date('2026-10-02T09:00:00Z'),
      lastUsedAt: undefined
    }
  ] as const
  const account = { accountName: say('ada@example.com'), signOut: say('/logout') }
  const page = {
    ...account,
    ...form,
    passkeys,
    signal: {
      method: 'signalAllAcceptedCredentials',
      options: { rpId: say('id.example.com') }
    },
    longestName: 64
  } as const
  const section = renderAccountPage(frame, account, {
    current: 'security',
    title: wordsOf(frame).security.title,
    body: passkeySection(frame, { passkeys, manage: say('/account/security/passkeys') })
  })
  return {
    'login-passkey': renderLogin(frame, {
      action: form.action,
      csrf: form.csrf,
      clientName: say('Acme Calendar'),
      login: undefined,
      others: [passkeyForm(words, { ...form, use: 'autofill', label: words.signIn, look: 'other' })]
    }),
    'passkey-refused': renderPasskeySignIn(frame, {
      ...signIn,
      problem: 'refused',
      signal: { method: 'signalUnknownCredential', options: { credentialId: say('AAAA') } }
    }),
    'passkey-second': renderPasskeyStep(frame, { ...step, step: 'use' }),
    'passkey-enrol': renderPasskeyStep(frame, { ...step, step: 'create', problem: 'notAdded' }),
    'passkey-codes': renderPasskeyCodes(frame, {
      ...account,
      codes: ['0123-4567-89ab-cdef'],
      onward: say('/account/security/passkeys')
    }),
    passkeys: renderPasskeys(frame, page),
    'passkeys-none': renderPasskeys(frame, { ...page, passkeys: [] }),
    'passkeys-no-name': renderPasskeys(frame, {
      ...page,
      problem: { kind: 'noName', id: say('7b0c') }
    }),
    'passkey-section': section
  }
}
