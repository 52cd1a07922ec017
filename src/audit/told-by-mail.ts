// Which security events a person is told of by mail (OWASP ASVS v5.0.0 §6.3.5, §6.3.7): what changes how somebody signs in, a sign-in from where
// nobody has signed in before, and the end of an account. One table; the statement that appends such an event queues its mail
// (store/audit.ts), and mail/ has words for each.

export const toldByMail = [
  'sign_in.new_device',
  'device.approved',
  'account.password_changed',
  'account.password_reset',
  'account.email_verified',
  'account.email_changed',
  'account.deletion_requested',
  'account.deletion_cancelled',
  'account.deleted',
  'account.data_downloaded',
  'passkey.added',
  'passkey.removed',
  'totp.enabled',
  'totp.removed',
  'recovery_codes.created',
  'recovery_code.used',
  'identity.linked',
  'identity.unlinked'
] as const

export type ToldByMail = (typeof toldByMail)[number]

const told: ReadonlySet<string> = new Set(toldByMail)

export function isToldByMail(type: string): type is ToldByMail {
  return told.has(type)
}
