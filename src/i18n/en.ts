// English: the default and the fallback of every text that an operator registers. Short sentences, no jargon, no blame; errors say what
// was wrong and what to do.

import { enAccount } from './en-account.ts'
import { enMail, enSelfService } from './en-mail.ts'
import { enUpstream } from './en-upstream.ts'
import type { Messages } from './messages.ts'

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
