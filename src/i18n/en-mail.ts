// English words of mails and of the pages around them. A mail says in its first sentence what happened; the second says what to do for whoever
// did not do it. No jargon, no alarm where nothing is wrong.

import type { EventMailWords, MailWords, SelfServiceWords } from './mail-words.ts'

function event(
  subject: (product: string) => string,
  text: (product: string) => string
): EventMailWords {
  return { subject, text }
}

const nothingElse = 'If you did not ask for this, you can ignore this mail: nothing has changed.'

export const enMail: MailWords = {
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

export const enSelfService: SelfServiceWords = {
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
