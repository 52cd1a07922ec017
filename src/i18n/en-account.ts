// English words of the account's own pages: profile, sessions and devices, security events, data and deletion.
// Owns what a person is told of their own account; each sentence about an end says what ends and what stays.

import type { AccountMessages } from './account-messages.ts'

const moment = new Intl.DateTimeFormat('en', {
  ...{ year: 'numeric', month: 'long', day: 'numeric', hour: 'numeric', minute: '2-digit' },
  ...{ timeZoneName: 'short', timeZone: 'UTC' }
})
const unit = (name: 'day' | 'hour') =>
  new Intl.NumberFormat('en', { style: 'unit', unit: name, unitDisplay: 'long' })
const [days, hours] = [unit('day'), unit('hour')]

function lengthOf(seconds: number): string {
  return seconds >= 172_800
    ? days.format(Math.floor(seconds / 86_400))
    : hours.format(Math.max(1, Math.floor(seconds / 3_600)))
}

export const enAccount: AccountMessages = {
  profile: {
    title: 'Personal info',
    lead: 'Apps that may see your profile get what is written here from their next request on.',
    saved: 'Your changes are saved.',
    name: 'Name',
    nickname: 'Nickname',
    optional: 'You can leave this empty.',
    locale: 'Language',
    zoneinfo: 'Time zone',
    unsaid: 'I’d rather not say',
    submit: 'Save',
    problems: {
      name: 'Enter a name of up to 200 letters, without line breaks.',
      nickname: 'Enter a nickname of up to 200 letters, without line breaks.',
      locale: 'Choose a language from the list.',
      zoneinfo: 'Choose a time zone from the list.'
    },
    signIn: 'How you sign in',
    login: 'Username',
    email: 'Email',
    verified: 'verified',
    unverified: 'not verified',
    open: 'Open your account'
  },
  sessions: {
    title: 'Devices and sessions',
    lead: 'These browsers are signed in to your account. If you do not know one of them, sign it out and change your password.',
    offline:
      'Signing out ends at once what apps got by that sign-in. An app that you allowed to keep access when you are not using it keeps it, until you remove it under “Connected apps” or sign out everywhere.',
    appsLink: 'Connected apps',
    thisDevice: 'This device',
    unknownDevice: 'Unknown device',
    device: (browser, system) => [browser.shown, ' on ', system.shown],
    signedIn: 'Signed in',
    signedInFrom: 'Signed in from',
    lastSeen: 'Last active',
    address: 'Address',
    apps: 'Used for',
    end: 'Sign out',
    endOf: device => [' of ', device.shown],
    others: 'Sign out of all other devices',
    othersEnd: 'You stay signed in on this device.',
    everywhere: 'Sign out everywhere',
    everywhereEnds:
      'This device, too, and every app loses its access, also those that you allowed to keep it.',
    ended: 'That device is signed out.',
    endedOthers: 'All other devices are signed out.',
    over: 'That device was signed out already. Nothing was changed.',
    doneTitle: 'You are signed out everywhere',
    done: product => `All devices are signed out of ${product}, and no app has access any more.`,
    signInAgain: 'Sign in again'
  },
  events: {
    title: 'Security events',
    lead: 'What happened at your account in the last 30 days. If something here was not you, change your password and sign out of all other devices.',
    none: 'Nothing happened in the last 30 days.',
    all: 'Show all security events',
    older: 'Show older events',
    back: 'Back to sign-in and security',
    app: 'App',
    address: 'Address',
    device: 'Device',
    name: 'Name',
    provider: 'Provider',
    types: {
      'sign_in.succeeded': 'You signed in',
      'sign_in.refused': 'A sign-in failed',
      'sign_in.new_device': 'A new device was used to sign in',
      'second_factor.refused': 'A second step of a sign-in failed',
      sign_out: 'You signed out',
      'session.ended': 'A device was signed out',
      'sessions.ended': 'Other devices were signed out',
      'consent.granted': 'You allowed an app access',
      'consent.declined': 'You declined an app’s request',
      'consent.withdrawn': 'You removed an app’s access',
      'managed_grant.revoked': 'An app’s permission ended',
      'refresh.reuse_detected': 'A copied sign-in of an app was stopped',
      'device.approved': 'You connected a device',
      'device.declined': 'You declined to connect a device',
      'backchannel.approved': 'You approved an app’s request',
      'backchannel.declined': 'You declined an app’s request for approval',
      'account.created': 'Your account was created',
      'account.updated': 'Your personal info was changed',
      'account.disabled': 'Your account was disabled',
      'account.enabled': 'Your account was enabled again',
      'account.password_changed': 'Your password was changed',
      'account.password_reset': 'Your password was reset',
      'account.email_verified': 'Your email address was verified',
      'account.email_changed': 'Your email address was changed',
      'account.deletion_requested': 'You asked to delete your account',
      'account.deletion_cancelled': 'You kept your account',
      'account.data_downloaded': 'You downloaded your data',
      'passkey.added': 'A passkey was added',
      'passkey.renamed': 'A passkey was renamed',
      'passkey.removed': 'A passkey was removed',
      'totp.enabled': 'An authenticator app was added',
      'totp.removed': 'An authenticator app was removed',
      'recovery_codes.created': 'New recovery codes were made',
      'recovery_code.used': 'A recovery code was used',
      'identity.linked': 'A sign-in at another provider was linked',
      'identity.unlinked': 'A sign-in at another provider was unlinked'
    }
  },
  data: {
    title: 'Data and privacy',
    copyTitle: 'Download your data',
    copy: 'One file (JSON) with your profile, your devices, the apps that you have allowed something, and the security events of your account. No password and nothing that opens your account is in it.',
    download: 'Download',
    deleteTitle: 'Delete your account',
    deleteLead: 'You lose access to every app that you sign in to with this account.',
    deleteLink: 'Go to account deletion',
    grace: seconds =>
      `You can change your mind for ${lengthOf(seconds)}: sign in and choose to keep the account. After that it cannot be undone.`,
    ends: 'All devices are signed out and all apps lose their access at once.',
    keeps:
      'The record of security events is kept for a while, under a number that is no longer yours or anybody’s. Apps keep what they have stored themselves: ask them to delete it.',
    word: 'delete',
    typeWord: 'Type “delete” to confirm',
    wrongWord: 'Type “delete” exactly to confirm.',
    deleteSubmit: 'Delete account',
    requestedTitle: 'Your account will be deleted',
    requested: until =>
      `You are signed out everywhere. The account is deleted on ${moment.format(until)}.`,
    requestedKeep: 'Until then you can sign in again and keep it.',
    keepTitle: 'Keep your account?',
    keepLead: until =>
      `You asked to delete this account. It is deleted on ${moment.format(until)}, and until then it can only be kept.`,
    keep: 'Keep my account',
    leave: 'Sign out'
  }
}
