// The pages of second factors, for samples.ts: on the way in, and those of the account.
// They say nothing of how a factor is checked (test/pages).

import { renderAccountPage } from '../../src/views/account-layout.ts'
import {
  recoveryCodesOverview,
  renderCodesShown,
  renderRecoveryCodesPage,
  renderTotpPage,
  totpOverview
} from '../../src/views/factor-pages.ts'
import type { Frame } from '../../src/views/layout.ts'
import { renderNewRecoveryCodes } from '../../src/views/recovery-codes.ts'
import { renderFactorCode, renderRecoveryUsed } from '../../src/views/second-factor.ts'
import { renderTotpEnrolment } from '../../src/views/totp-enrolment.ts'

/** What stands in for a string that somebody else chose. */
export type Say = (usual: string) => string

export function factorSamples(frame: Frame, say: Say): Record<string, string> {
  const action = say('/interaction/abc')
  const account = { accountName: say('ada@example.com'), signOut: say('/logout') }
  const step = {
    action,
    csrf: say('csrf'),
    clientName: say('Acme Calendar'),
    carried: {},
    accountName: account.accountName,
    others: [{ prompt: 'recovery_code', href: say('/interaction/abc?with=recovery_code') }],
    problem: undefined
  }
  const offer = {
    sealed: say('c2VhbGVk'),
    qr: { size: 21, dark: (x: number, y: number) => (x * y + x) % 3 === 0 },
    secret: say('JBSW Y3DP EHPK 3PXP'),
    issuer: say('mintmark'),
    accountName: account.accountName
  }
  const factor = { action, csrf: say('csrf'), security: say('/account/security'), offer }
  const codes = Array.from({ length: 10 }, (_, index) => say(`7k2m-9xqd-41vb-h3z${index}`))
  return {
    'factor-totp': renderFactorCode(frame, { ...step, kind: 'totp' }),
    'factor-totp-wrong': renderFactorCode(frame, {
      ...{ ...step, kind: 'totp', problem: { kind: 'wrong' } }
    }),
    'factor-totp-missing': renderFactorCode(frame, {
      ...{ ...step, kind: 'totp', problem: { kind: 'missing' } }
    }),
    'factor-recovery': renderFactorCode(frame, {
      ...step,
      kind: 'recovery_code',
      clientName: undefined,
      others: []
    }),
    'factor-throttled': renderFactorCode(frame, {
      ...{ ...step, kind: 'recovery_code', problem: { kind: 'throttled', seconds: 600 } }
    }),
    'factor-recovery-used': renderRecoveryUsed(frame, { left: 3, onward: action }),
    'factor-enrol': renderTotpEnrolment(frame, { ...step, others: [], offer }),
    'factor-enrol-wrong': renderTotpEnrolment(frame, {
      ...{ ...step, offer, problem: { kind: 'wrong' } }
    }),
    'factor-new-codes': renderNewRecoveryCodes(frame, { codes, onward: action }),
    'account-totp': renderTotpPage(frame, account, {
      ...{ ...factor, enrolled: false, problem: undefined }
    }),
    'account-totp-replace': renderTotpPage(frame, account, {
      ...{ ...factor, enrolled: true, problem: { kind: 'missing' } }
    }),
    'account-recovery-codes': renderRecoveryCodesPage(frame, account, { ...factor, left: 4 }),
    'account-recovery-codes-none': renderRecoveryCodesPage(frame, account, {
      ...factor,
      left: undefined
    }),
    'account-new-codes': renderCodesShown(frame, account, { codes, security: factor.security }),
    'account-security': renderAccountPage(frame, account, {
      current: 'security',
      title: 'security',
      body: [
        totpOverview(frame, { enrolled: true, manage: say('/account/security/totp') }),
        recoveryCodesOverview(frame, { left: 0, manage: say('/account/security/totp') })
      ]
    })
  }
}
