// The words of mails, and of the pages that they lead to and come from (signing up, a forgotten password, another address), as a type. Owns no
// wording (en.ts, ko.ts). Kinds of mails are told by name, so that a kind without words is one mail less and not a crash.

/** A mail with a link. */
export interface LinkMailWords {
  subject: (product: string) => string
  /** above the link */
  text: (product: string) => string
  /** below it: for whoever did not ask for it */
  ignore: string
}

/** A mail about something that happened. */
export interface EventMailWords {
  subject: (product: string) => string
  text: (product: string) => string
}

export interface MailWords {
  links: Readonly<Record<string, LinkMailWords>>
  /** by event of the audit trail; `.before`: to an address that the account has left */
  events: Readonly<Record<string, EventMailWords>>
  facts: Record<'account' | 'when' | 'address' | 'name' | 'device' | 'issuer' | 'left', string>
  /** what to do for whoever did not do it: which of them follows is mail/message.ts's choice */
  ifNotYou: { reset: string; security: string; ask: string }
  footer: (product: string) => string
}

export interface SelfServiceWords {
  checkMail: string
  linkDead: string
  linkDeadText: string
  toSignIn: string
  newPassword: string
  passwordAgain: string
  different: string
  signUp: {
    ask: string
    title: string
    lead: (product: string) => string
    email: string
    submit: string
    emailWrong: string
    sent: (email: string) => string
    sentHint: string
    finishTitle: string
    finishLead: (email: string) => string
    name: string
    nameHint: string
    nameWrong: string
    finish: string
    taken: string
    doneTitle: string
    done: string
    elsewhere: string
  }
  reset: {
    ask: string
    title: string
    lead: string
    submit: string
    missing: string
    sent: (name: string) => string
    newTitle: string
    newLead: (login: string) => string
    newSubmit: string
    doneTitle: string
    done: string
  }
  passwordPage: {
    title: string
    current: string
    currentMissing: string
    currentWrong: string
    elsewhere: string
    submit: string
    section: string
    change: string
    set: string
  }
  emailPage: {
    title: string
    current: (email: string) => string
    verified: string
    unverified: string
    none: string
    email: string
    hint: string
    submit: string
    section: string
    change: string
    sent: (email: string) => string
    confirmTitle: string
    confirmLead: (email: string) => string
    confirmAccount: (account: string) => string
    confirmSubmit: string
    taken: string
    doneTitle: string
    done: (email: string) => string
  }
  outbox: { title: string; lead: string; none: string; to: string; link: string }
}
