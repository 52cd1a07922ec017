// English words of signing in with other providers. What went wrong is said in one sentence, and what to do in the next; nothing of what a
// provider wrote stands in any.

import type { UpstreamWords } from './upstream-words.ts'

export const enUpstream: UpstreamWords = {
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
