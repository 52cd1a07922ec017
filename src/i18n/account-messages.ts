// The words of the account's own pages, as a type: a part of Messages in a file of its own.
// Owns no wording (en.ts, ko.ts).

import type { Sentence, Term } from './sentence.ts'

export interface AccountMessages {
  profile: {
    title: string
    lead: string
    saved: string
    name: string
    nickname: string
    optional: string
    locale: string
    zoneinfo: string
    /** in a list, for whoever says nothing */
    unsaid: string
    submit: string
    problems: Record<'name' | 'nickname' | 'locale' | 'zoneinfo', string>
    signIn: string
    login: string
    email: string
    verified: string
    unverified: string
    /** the way here, from elsewhere */
    open: string
  }
  sessions: {
    title: string
    lead: string
    /** what signing out ends, and what not */
    offline: string
    appsLink: string
    thisDevice: string
    unknownDevice: string
    device: <T>(browser: Term<T>, system: Term<T>) => Sentence<T>
    signedIn: string
    signedInFrom: string
    lastSeen: string
    address: string
    apps: string
    end: string
    /** behind it, for whoever hears the button alone */
    endOf: <T>(device: Term<T>) => Sentence<T>
    others: string
    othersEnd: string
    everywhere: string
    everywhereEnds: string
    /** what became of the form */
    ended: string
    endedOthers: string
    over: string
    doneTitle: string
    done: (product: string) => string
    signInAgain: string
  }
  events: {
    title: string
    lead: string
    none: string
    all: string
    older: string
    back: string
    app: string
    address: string
    device: string
    name: string
    provider: string
    /** by type of the audit trail */
    types: Readonly<Record<string, string>>
  }
  data: {
    title: string
    copyTitle: string
    copy: string
    download: string
    deleteTitle: string
    deleteLead: string
    deleteLink: string
    /** seconds in which it can be taken back */
    grace: (seconds: number) => string
    ends: string
    keeps: string
    word: string
    typeWord: string
    wrongWord: string
    deleteSubmit: string
    requestedTitle: string
    requested: (until: Date) => string
    requestedKeep: string
    keepTitle: string
    keepLead: (until: Date) => string
    keep: string
    leave: string
  }
}
