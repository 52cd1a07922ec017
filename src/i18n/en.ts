// English: the default and the fallback of every text that an operator registers. Short sentences, no jargon, no blame; errors say what
// was wrong and what to do.

import type { AccountMessages } from './account-messages.ts'
import type { EventMailWords, MailWords, SelfServiceWords } from './mail-words.ts'
import type { Messages } from './messages.ts'
import type { UpstreamWords } from './upstream-words.ts'

const plural = new Intl.PluralRules('en')
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const list = new Intl.ListFormat('en')
const moment = new Intl.DateTimeFormat('en', {
  year: 'numeric',
  month: 'long',
  day: 'numeric',
  hour: 'numeric',
  minute: '2-digit',
  timeZoneName: 'short',
  timeZone: 'UTC'
})

function count(n: number, one: string, other: string): string {
  return `${n} ${plural.select(n) === 'one' ? one : other}`
}

const accountMoment = new Intl.DateTimeFormat('en', {
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

const enAccount: AccountMessages = {
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
      'sign_in.first_step': 'The first step of a sign-in succeeded, and a second was asked for',
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
      `You are signed out everywhere. The account is deleted on ${accountMoment.format(until)}.`,
    requestedKeep: 'Until then you can sign in again and keep it.',
    keepTitle: 'Keep your account?',
    keepLead: until =>
      `You asked to delete this account. It is deleted on ${accountMoment.format(until)}, and until then it can only be kept.`,
    keep: 'Keep my account',
    leave: 'Sign out'
  }
}

function event(
  subject: (product: string) => string,
  text: (product: string) => string
): EventMailWords {
  return { subject, text }
}

const nothingElse = 'If you did not ask for this, you can ignore this mail: nothing has changed.'

const enMail: MailWords = {
  links: {
    sign_up: {
      subject: product => `Create your ${product} account`,
      text: product =>
        `Open this link to create your ${product} account. It works once, within 24 hours.`,
      ignore: nothingElse
    },
    invitation: {
      subject: product => `You are invited to ${product}`,
      text: product =>
        `Somebody who looks after ${product} invites you. Open this link to create your account. It works once, within 7 days.`,
      ignore: 'If you do not know what this is about, you can ignore this mail.'
    },
    reset: {
      subject: product => `Set a new password for ${product}`,
      text: product =>
        `Somebody asked for a new password for your ${product} account. Open this link to set one. It works once, within 15 minutes.`,
      ignore: nothingElse
    },
    email: {
      subject: product => `Confirm your address for ${product}`,
      text: product =>
        `Open this link to confirm that this is the address of your ${product} account. It works once, within an hour.`,
      ignore: nothingElse
    }
  },
  events: {
    'sign_up.known': event(
      product => `You already have a ${product} account`,
      product =>
        `Somebody wanted to create a ${product} account with this address. You already have one: sign in, or set a new password if you have forgotten it.`
    ),
    'email.taken': event(
      product => `This address belongs to another ${product} account`,
      product =>
        `Somebody wanted to use this address for another ${product} account. It belongs to yours, so nothing has changed.`
    ),
    'sign_in.new_device': event(
      product => `New sign-in to your ${product} account`,
      product => `Your ${product} account was used in a browser that we have not seen before.`
    ),
    'device.approved': event(
      product => `A device was connected to your ${product} account`,
      product =>
        `A code from a device was approved at your ${product} account: an app on it can use what you allowed. If somebody sent you that code, remove the app’s access.`
    ),
    'account.password_changed': event(
      product => `Your ${product} password was changed`,
      product => `The password of your ${product} account was changed.`
    ),
    'account.password_reset': event(
      product => `Your ${product} password was reset`,
      product =>
        `A new password was set for your ${product} account by a link in a mail. You have been signed out everywhere.`
    ),
    'account.email_verified': event(
      product => `Your address for ${product} is confirmed`,
      product => `This address of your ${product} account is confirmed. You can sign in with it.`
    ),
    'account.email_changed': event(
      product => `This is the new address of your ${product} account`,
      product =>
        `This is now the address of your ${product} account. You can sign in with it, and we write to it.`
    ),
    'account.email_changed.before': event(
      product => `Your ${product} account has another address`,
      product =>
        `The address of your ${product} account was changed. We write to the new one from now on, and to this one no more.`
    ),
    'account.deletion_requested': event(
      product => `Your ${product} account will be deleted`,
      product =>
        `Somebody asked us to delete your ${product} account. Until that happens, signing in keeps it.`
    ),
    'account.deletion_cancelled': event(
      product => `Your ${product} account will not be deleted`,
      product => `Your ${product} account stays: its deletion was called off.`
    ),
    'account.deleted': event(
      product => `Your ${product} account was deleted`,
      product => `Your ${product} account and what belonged to it were deleted.`
    ),
    'account.data_downloaded': event(
      product => `The data of your ${product} account was downloaded`,
      product => `What we keep about your ${product} account was downloaded.`
    ),
    'passkey.added': event(
      product => `A passkey was added to your ${product} account`,
      product => `A passkey was added to your ${product} account. Whoever has it can sign in.`
    ),
    'passkey.removed': event(
      product => `A passkey was removed from your ${product} account`,
      product => `A passkey of your ${product} account was removed.`
    ),
    'totp.enabled': event(
      product => `An authenticator app protects your ${product} account`,
      product =>
        `From now on a code from an authenticator app is asked for at your ${product} account.`
    ),
    'totp.removed': event(
      product => `Your ${product} account has no authenticator app any more`,
      product =>
        `Codes from an authenticator app are no longer asked for at your ${product} account.`
    ),
    'recovery_codes.created': event(
      product => `New recovery codes for your ${product} account`,
      product =>
        `New recovery codes were made for your ${product} account. Those from before do not work any more.`
    ),
    'recovery_code.used': event(
      product => `A recovery code of your ${product} account was used`,
      product => `Somebody signed in to your ${product} account with a recovery code.`
    ),
    'identity.linked': event(
      product => `Your ${product} account was connected`,
      product => `A sign-in from elsewhere was connected to your ${product} account.`
    ),
    'identity.unlinked': event(
      product => `Your ${product} account was disconnected`,
      product => `A sign-in from elsewhere was disconnected from your ${product} account.`
    )
  },
  facts: {
    account: 'Account',
    when: 'When',
    address: 'From address',
    name: 'Name',
    device: 'Device',
    issuer: 'Connected with',
    left: 'Codes left'
  },
  ifNotYou: {
    reset: 'If this was not you, set a new password at once:',
    security: 'If this was not you, set a new password, and look at how your account signs in:',
    ask: 'If this was not you, tell whoever looks after this service, at once. We cannot undo it by a link in a mail.'
  },
  footer: product =>
    `This mail comes from ${product}. We never ask for your password by mail. Our address is:`
}

const enSelfService: SelfServiceWords = {
  checkMail: 'Check your mail',
  linkDead: 'This link does not work any more',
  linkDeadText:
    'It was used already, is too old, or a newer one has taken its place. Ask for a new one.',
  toSignIn: 'Sign in',
  newPassword: 'New password',
  passwordAgain: 'The same password again',
  different: 'The two passwords are not the same. Enter them again.',
  signUp: {
    ask: 'No account? Create one',
    title: 'Create an account',
    lead: product => `First we send a mail to your address; its link leads on to ${product}.`,
    email: 'Email address',
    submit: 'Send me the link',
    emailWrong: 'Enter your email address, as in name@example.com.',
    sent: email => `We sent a mail to ${email}. Open the link in it to go on.`,
    sentHint: 'It can take a minute. Look among unwanted mail, too.',
    finishTitle: 'Create your account',
    finishLead: email => `Your address is ${email}.`,
    name: 'Name',
    nameHint: 'If you like. Apps see it when you allow them.',
    nameWrong: 'The name may have 200 characters at most, and no line breaks.',
    finish: 'Create account',
    taken: 'There is an account with this address already. Sign in, or set a new password.',
    doneTitle: 'Your account is ready',
    done: 'Sign in with your address and your password.',
    elsewhere: 'If you began on another device, go back there and sign in.'
  },
  reset: {
    ask: 'Forgot password?',
    title: 'Set a new password',
    lead: 'We send you a link that sets a new password.',
    submit: 'Send me a link',
    missing: 'Enter your email or username.',
    sent: name => `If an account exists for ${name}, we sent a link.`,
    newTitle: 'Choose a new password',
    newLead: login => `For the account ${login}. You will be signed out everywhere.`,
    newSubmit: 'Set password',
    doneTitle: 'Your password is set',
    done: 'You have been signed out everywhere. Sign in with the new password.'
  },
  passwordPage: {
    title: 'Change your password',
    current: 'Current password',
    currentMissing: 'Enter your current password.',
    currentWrong: 'This is not your current password.',
    elsewhere: 'Sign out on all other devices, and end the access of apps',
    submit: 'Change password',
    section: 'Password',
    change: 'Change your password',
    set: 'Set a password'
  },
  emailPage: {
    title: 'Email address',
    current: email => `Your address is ${email}.`,
    verified: 'It is confirmed.',
    unverified: 'It is not confirmed. Enter it below and we send you a link that confirms it.',
    none: 'Your account has no address.',
    email: 'New email address',
    hint: 'Nothing changes before you have opened the link that we send there.',
    submit: 'Send me the link',
    section: 'Email address',
    change: 'Change your address',
    sent: email => `We sent a mail to ${email}. Open the link in it within an hour.`,
    confirmTitle: 'Confirm your address',
    confirmLead: email => `${email} becomes the address of your account.`,
    confirmAccount: account => `The account: ${account}`,
    confirmSubmit: 'Confirm',
    taken: 'Another account has this address. Nothing was changed.',
    doneTitle: 'Your address is confirmed',
    done: email => `${email} is the address of your account now.`
  },
  outbox: {
    title: 'Mail outbox',
    lead: 'Development mode has no mail server: these mails would have been sent.',
    none: 'There are none yet.',
    to: 'To',
    link: 'Open the link'
  }
}

const enUpstream: UpstreamWords = {
  continueWith: provider => ['Continue with ', provider.shown],
  titles: {
    unsolicited: 'That sign-in is over',
    declined: 'You did not sign in',
    unavailable: 'That way to sign in does not answer',
    not_trusted: 'That sign-in did not work',
    account_disabled: 'This account cannot be used',
    no_account: 'No account yet',
    account_exists: 'You have an account already',
    address_not_admitted: 'No account for this address'
  },
  problems: {
    unsolicited: provider => [
      'This sign-in with ',
      provider.shown,
      ' took too long, was finished already, or was started in another browser. Start again.'
    ],
    declined: provider => ['You went back from ', provider.shown, ', so nobody was signed in.'],
    unavailable: provider => [
      provider.shown,
      ' cannot be reached at the moment. Try again later, or sign in another way.'
    ],
    not_trusted: provider => [
      'What came back from ',
      provider.shown,
      ' does not prove who you are, so nobody was signed in.'
    ],
    account_disabled: provider => [
      'The account that belongs to this ',
      provider.shown,
      ' account is disabled. Ask whoever runs this service.'
    ],
    no_account: provider => [
      'This ',
      provider.shown,
      ' account is not linked to an account here, and new accounts are not made this way.'
    ],
    account_exists: provider => [
      'There is an account here with the email address of this ',
      provider.shown,
      ' account, and the two are not linked.'
    ],
    address_not_admitted: provider => [
      'New accounts by ',
      provider.shown,
      ' are for verified email addresses of certain domains, and this one is not among them.'
    ]
  },
  unknownProvider: 'That way to sign in is not offered here.',
  otherWays: 'Other ways to sign in',
  linkHint: 'If you have an account here, sign in to it as usual; then you can link the two.',
  signInAndLink: 'Sign in and link',
  title: 'Linked accounts',
  lead: 'You can sign in here with accounts that you have elsewhere.',
  none: 'No account is linked.',
  manage: 'Link or unlink accounts',
  label: 'Known as',
  linkedAt: 'Linked',
  usedAt: 'Last used',
  link: provider => ['Link an account at ', provider.shown],
  unlink: 'Unlink',
  unlinkOf: provider => [' the account at ', provider.shown],
  confirmTitle: 'Link this account?',
  confirm: (provider, account) => [
    'Whoever signs in with this ',
    provider.shown,
    ' account will be signed in here as ',
    account.shown,
    ':'
  ],
  confirmWarning: 'Link it only if it is your own.',
  confirmSubmit: 'Link',
  confirmDecline: 'Don’t link',
  done: {
    linked: 'The account is linked. You can sign in with it from now on.',
    unlinked: 'The account is no longer linked.',
    declined: 'Nothing was linked.'
  },
  failures: {
    gone: 'That took too long, or was done already. Start again.',
    taken: 'This account is linked to another account here already.',
    last: 'This is the only way to sign in to your account. Set a password or link another account first.'
  }
}

export const en: Messages = {
  languageName: 'English',
  direction: 'ltr',
  common: {
    cancel: 'Cancel',
    errorPrefix: 'Error: ',
    problem: 'There is a problem',
    language: 'Language',
    opensInNewTab: '(opens in a new tab)',
    closeWindow: 'You can close this window.',
    help: 'Help',
    privacy: 'Privacy policy',
    terms: 'Terms of service',
    report: 'Report this app',
    conformance: 'This is a conformance test server. It is not for people: do not sign in here.'
  },
  login: {
    title: 'Sign in',
    continueTo: client => ['to continue to ', client.shown],
    toAccount: product => `to your ${product} account`,
    signedInTitle: 'You are signed in',
    identifier: 'Email or username',
    password: 'Password',
    submit: 'Sign in',
    identifierMissing: 'Enter your email or username.',
    passwordMissing: 'Enter your password.',
    incorrect: 'Email or password is incorrect.',
    throttled: seconds =>
      seconds < 60
        ? `Too many attempts. Try again in ${count(Math.max(1, Math.ceil(seconds)), 'second', 'seconds')}.`
        : `Too many attempts. Try again in ${count(Math.ceil(seconds / 60), 'minute', 'minutes')}.`,
    busy: 'Many people are signing in right now. Wait a few seconds, then try again.'
  },
  mail: enMail,
  selfService: enSelfService,
  account: {
    menu: 'Your account',
    pages: {
      profile: 'Personal info',
      security: 'Sign-in and security',
      sessions: 'Devices and sessions',
      apps: 'Connected apps',
      data: 'Data and privacy'
    }
  },
  passkeys: {
    title: 'Passkeys',
    or: 'or',
    signIn: 'Sign in with a passkey',
    lead: 'A passkey signs you in with your fingerprint, your face or your screen lock. It works on our real site only, so nobody can trick you out of it.',
    signInTitle: 'Sign in with a passkey',
    secondTitle: 'Confirm that it’s you',
    secondLead: 'Use one of your passkeys to go on.',
    second: 'Use a passkey',
    otherWay: 'Use another method',
    needsScript: 'Passkeys need JavaScript, and it is switched off in this browser.',
    unsupported: 'This browser cannot use passkeys.',
    problems: {
      failed: 'That did not work. Try again, or use another method.',
      refused: 'That passkey was not accepted. Try again, or use another method.',
      expired: 'That took too long. Please try again.',
      notAdded: 'The passkey was not added. Please try again.',
      known: 'You have a passkey there already.',
      tooMany:
        'You have as many passkeys as an account can have. Remove one that you no longer use.',
      last: 'This is your only way to sign in, so it stays. Add another passkey or a password first.'
    },
    noName: longest => `Enter a name of 1 to ${longest} ordinary characters.`,
    none: 'You have no passkey yet.',
    add: 'Add a passkey',
    manage: 'Manage passkeys',
    unnamed: 'Passkey',
    name: 'Name',
    rename: 'Rename',
    renameOf: passkey => [' ', passkey.shown],
    remove: 'Remove',
    removeOf: passkey => [' ', passkey.shown],
    created: 'Added',
    lastUsed: 'Last used',
    never: 'Not used yet',
    place: 'Where it works',
    places: {
      synced: 'On your devices that share passkeys',
      'device-bound': 'On one device only'
    }
  },
  security: {
    title: 'Sign-in and security'
  },
  factors: {
    title: 'Enter your code',
    signingInAs: account => ['Signing in as ', account.shown],
    code: 'Code',
    codeHint: 'Enter the 6-digit code from your authenticator app.',
    codeMissing: 'Enter the code.',
    codeWrong:
      'That code is not right, or was used already. Wait for the next one, then try again.',
    throttled: seconds =>
      seconds < 60
        ? `Too many wrong codes. Try again in ${count(Math.max(1, Math.ceil(seconds)), 'second', 'seconds')}, or use another method.`
        : `Too many wrong codes. Try again in ${count(Math.ceil(seconds / 60), 'minute', 'minutes')}, or use another method.`,
    recoveryTitle: 'Use a recovery code',
    recoveryCode: 'Recovery code',
    recoveryHint: 'One of the ten codes that you saved. Each works once.',
    continue: 'Continue',
    otherMethods: 'Use another method',
    ways: {
      totp: 'Use a code from your authenticator app',
      recovery_code: 'Use a recovery code',
      passkey: 'Use a passkey',
      enrol_totp: 'Set up an authenticator app',
      enrol_passkey: 'Add a passkey'
    },
    otherAccount: 'Use another account',
    recoveryUsedTitle: 'Recovery code accepted',
    recoveryUsed: left =>
      left === 0
        ? 'That was your last recovery code. Make new ones on the page “Sign-in and security” of your account.'
        : `You have ${count(left, 'recovery code', 'recovery codes')} left. You can make new ones on the page “Sign-in and security” of your account.`,
    enrolTitle: 'Set up an authenticator app',
    enrolNeeded: 'You need a second step to sign in here. Set one up to continue.',
    enrolScan: 'Scan this code with an authenticator app.',
    qr: 'QR code for your authenticator app',
    enrolType: 'Cannot scan it? Type this into the app:',
    issuer: 'Name',
    accountName: 'Account',
    secret: 'Key',
    kind: 'Kind of code',
    kindIs: '6 digits, a new one every 30 seconds',
    enrolCode: 'Then enter the 6-digit code that the app shows.',
    enrol: 'Confirm',
    codesTitle: 'Save your recovery codes',
    codesLead:
      'If you lose your authenticator app, each of these codes signs you in once. They are shown only now.',
    codesSave: 'Print this page, or copy the codes to a safe place.',
    codesDone: 'I have saved them',
    totpHeading: 'Authenticator app',
    totpOn: 'On: signing in asks for a code from your app.',
    totpOff: 'Off. With an authenticator app, your password alone does not sign anybody in.',
    totpSetUp: 'Set up an authenticator app',
    totpReplace: 'Move to another app or phone',
    totpManage: 'Change or remove',
    totpRemove: 'Remove the authenticator app',
    totpRemoveLead: 'Signing in asks for no code from an app then.',
    codesHeading: 'Recovery codes',
    codesLeft: left => `${left} of ten left.`,
    codesNone: 'None left.',
    codesNoFactor: 'You get recovery codes when you set up an authenticator app or a passkey.',
    codesManage: 'Make new recovery codes',
    codesRenew: 'Make new codes',
    codesRenewLead: 'The codes that you have now stop working.',
    back: 'Back to sign-in and security',
    approveTooWeak: 'This app wants you to sign in with a second step first.'
  },
  chooser: {
    title: 'Choose an account',
    as: account => ['Sign in as ', account.shown],
    inUse: 'in use now',
    another: 'Use another account',
    notYou: 'Not you? Switch account',
    switching: 'Switch account',
    gone: 'That account is no longer signed in here. Choose another one, or sign in again.',
    signOutOf: account => ['Sign out ', account.shown],
    signOutOfAll: 'Sign out all accounts in this browser',
    alsoHere: others => ['Also signed in here: ', others.shown, '.'],
    stillHere: others => ['Still signed in here: ', others.shown, '.'],
    list: names => list.format(names)
  },
  consent: {
    title: 'Allow access',
    wantsAccess: (client, product) => [
      client.shown,
      ' wants to access your ',
      product.shown,
      ' account'
    ],
    signedInAs: account => ['Signed in as ', account.shown],
    willAllow: client => ['This will allow ', client.shown, ' to:'],
    willAlsoAllow: client => ['New: this will also allow ', client.shown, ' to:'],
    alreadyAllowed: 'Already allowed',
    takenAway: client => [client.shown, ' will no longer be able to:'],
    replacesBefore: 'If you allow this, it takes the place of what you allowed before.',
    accountGroup: product => `Your ${product} account`,
    unverified:
      'This app has not been verified. Only continue if you know and trust the developer.',
    unverifiable:
      'This app runs on your own device, so we cannot check who made it. Only continue if you started this yourself and trust the developer.',
    fromHost: host => [
      'Unverified: this app comes from ',
      host.shown,
      ', and nobody here has checked it. Only continue if you know that site and started this yourself.'
    ],
    callsItself: claimed => ['It calls itself “', claimed.shown, '”.'],
    onThisDevice:
      'An app on this device, unverified: any program on it could pretend to be this one.',
    appAddress: 'Address of the app',
    sentTo: host => ['You will be sent to ', host.shown, '.'],
    optional: 'Optional',
    required: 'Required',
    lasts: 'Your permission lasts',
    untilRemoved: 'Until I remove it',
    sevenDays: 'For 7 days',
    duration: 'How long',
    durationSession: 'Until you sign out.',
    durationOffline: 'Also when you are not using the app.',
    website: 'Website',
    privacy: 'Privacy policy',
    terms: 'Terms of service',
    allow: 'Allow',
    cancel: 'Cancel',
    scopes: {
      openid: 'Know who you are',
      profile: 'See your name and picture',
      email: 'See your email address',
      phone: 'See your phone number',
      address: 'See your postal address',
      offline_access: 'Keep access when you are not using the app'
    }
  },
  apps: {
    title: 'Connected apps',
    lead: product =>
      `You have allowed these apps to use your ${product} account. Removing access ends it at once, on all of their devices.`,
    none: 'No app has access to your account.',
    place: 'Address',
    firstAllowed: 'First allowed',
    lastUsed: 'Last used',
    ends: 'Ends',
    details: 'Details',
    remove: 'Remove access',
    removeOf: client => [' of ', client.shown],
    removeAll: 'Remove access of all apps',
    removeAllEnds: 'Every app above loses its access at once, and has to ask you again.'
  },
  ...enAccount,
  logout: {
    title: product => `Sign out of ${product}?`,
    asked: client => [client.shown, ' asks to sign you out.'],
    explanation: product =>
      `You will have to sign in to ${product} again the next time an app asks for it.`,
    submit: 'Sign out',
    stay: 'Stay signed in',
    doneTitle: 'You are signed out',
    done: product => `You have signed out of ${product} in this browser.`,
    doneFrom: client => ['You came here from ', client.shown, '.']
  },
  upstream: enUpstream,
  device: {
    title: 'Connect a device',
    instruction: 'Enter the code displayed on your app or device.',
    code: 'Code',
    hint: 'Capital or small letters, with or without the dash.',
    submit: 'Continue',
    problems: {
      not_found: 'That code is not one of ours. Check it against your device and enter it again.',
      expired: 'That code has expired. Start again on your device to get a new one.',
      used: 'That code has been used already. Start again on your device to get a new one.',
      no_code: 'Enter the code displayed on your app or device.',
      throttled: 'Too many wrong codes. Wait a minute, then enter the code again.',
      failed: 'That did not work. Enter the code again, or start again on your device.'
    },
    abortedTitle: 'Device not connected',
    aborted: 'You cancelled, so nothing was connected.',
    confirmTitle: 'Does this code match your device?',
    confirmWants: client => [client.shown, ' asks to be connected to your account.'],
    confirmQuestion: 'Continue only if your device shows exactly this code:',
    application: 'App',
    address: 'Asked from address',
    startedAt: 'Asked',
    ago: seconds =>
      seconds < 60
        ? relative.format(-Math.max(0, Math.floor(seconds)), 'second')
        : relative.format(-Math.floor(seconds / 60), 'minute'),
    scam: 'If someone sent you this code, it may be a scam. Stop now.',
    scamAdvice: 'Only continue if you started this on a device in front of you.',
    access: 'It asks for:',
    confirm: 'Continue',
    decline: 'Cancel',
    doneTitle: 'You’re connected',
    done: client => [client.shown, ' is connected. You can go back to your device.']
  },
  approve: {
    title: 'Requests for your approval',
    asks: client => [client.shown, ' asks for your approval'],
    none: 'Nothing waits for your approval.',
    scam: 'Approve only what you started yourself, just now. If someone asked you to come here, it may be a scam: decline.',
    compare: 'Approve only if you are shown exactly this where you started it:',
    host: 'Website',
    expires: 'Expires',
    within: seconds =>
      seconds < 60
        ? relative.format(Math.max(1, Math.floor(seconds)), 'second')
        : relative.format(Math.floor(seconds / 60), 'minute'),
    approve: 'Approve',
    decline: 'Decline',
    tooOld: 'Your sign-in is too long ago for this app.',
    signInAgain: 'Sign in again',
    reload: 'Look for new requests',
    answered: {
      approved: 'You approved the request. You can go back to where you started it.',
      declined: 'You declined the request. The app has not got access by it.',
      over: 'That request was answered already, has expired, or was not for you. Nothing was changed.'
    }
  },
  passwords: {
    label: 'New password',
    hint: 'At least 8 characters. A few words that do not belong together are good, and so is what a password manager makes.',
    levels: ['Very easy to guess', 'Easy to guess', 'Could be stronger', 'Good', 'Strong'],
    meter: 'Strength of the password',
    short: 'Too short',
    problems: {
      password_empty: 'Enter a new password.',
      password_too_short: 'This password is too short. Use at least 8 characters.',
      password_too_long: 'This password is too long. Use at most 1,024 characters.',
      password_malformed: 'This password contains something that is not text. Type another one.',
      password_common: 'This is one of the passwords that everybody tries first. Choose another.',
      password_guessable:
        'This password is your own name or address, or the name of this site. Choose another.',
      password_weak:
        'This password repeats a few characters. Make it longer, or put words together that do not belong together.',
      password_breached:
        'This password is known from a theft at another site. Choose one that you use nowhere else.',
      busy: 'We have a lot to do right now. Wait a few seconds, then try again.'
    }
  },
  error: {
    title: 'We can’t continue',
    reasons: {
      other: {
        reason: 'The app sent us something that we cannot work with.',
        next: 'Go back to the app and start again. If it happens again, tell the app’s developer what is written below.'
      },
      interaction_expired: {
        title: 'This page has expired',
        reason:
          'The sign-in took too long, was finished already, or was started in another browser.',
        next: 'Go back to the app and start again.'
      },
      form_expired: {
        title: 'Please try that again',
        reason: 'The form was not sent from the page that we showed you, so nothing was done.',
        next: 'Open the page again and fill it in once more.'
      },
      invalid_form: {
        reason: 'The form arrived in a shape that our pages do not send, so nothing was done.',
        next: 'Go back, load the page again and fill it in once more.'
      },
      not_found: {
        title: 'There is no such page',
        reason: 'The address is mistyped, or the page has moved.',
        next: 'Check the address, or go back to the app and start again.'
      },
      access_denied: {
        reason: 'Access was refused.',
        next: 'Go back to the app. If you did not expect this, ask whoever manages your account.'
      },
      invalid_client: {
        reason: 'The app that sent you here is not known to us, or is switched off.',
        next: 'Tell the app’s developer what is written below.'
      },
      unauthorized_client: {
        reason: 'The app that sent you here may not sign people in this way.',
        next: 'Tell the app’s developer what is written below.'
      },
      invalid_redirect_uri: {
        reason: 'The app asked us to send you to an address that is not registered for it.',
        next: 'For your safety we stopped here. Tell the app’s developer what is written below.'
      },
      invalid_scope: {
        reason: 'The app asked for something that it may not ask for.',
        next: 'Tell the app’s developer what is written below.'
      },
      too_many_requests: {
        title: 'Too much at once',
        reason:
          'We get more requests than we can take right now, from your network or from everywhere.',
        next: 'Wait a minute, then load this page again.'
      },
      temporarily_unavailable: {
        title: 'Back in a moment',
        reason: 'We cannot reach a part of our service right now. Nothing of yours is lost.',
        next: 'Wait a few seconds, then load this page again.'
      },
      server_error: {
        title: 'Something went wrong here',
        reason: 'The fault is ours. Nothing of yours is lost.',
        next: 'Try again. If it happens again, tell us the request number below.'
      }
    },
    details: 'For whoever helps you',
    code: 'Error',
    description: 'Description',
    status: 'Status',
    requestId: 'Request number',
    time: 'Time',
    tryAgain: 'Open the page again'
  },
  dateTime: date => moment.format(date)
}
