// The words of every page, as a type: one member per sentence, so that a language that lacks one does not compile. A message with
// parameters is a function. Owns no wording (a file for each of languages.ts) and no choice of language (locale.ts). Refuses markup: a sentence in which a
// name stands out is given back in parts, and the view decides how the name looks.

import type { AccountMessages } from './account-messages.ts'
import type { MailWords, SelfServiceWords } from './mail-words.ts'
import type { Sentence, Term } from './sentence.ts'
import type { UpstreamWords } from './upstream-words.ts'

export type { Sentence, Term } from './sentence.ts'
export type { UpstreamProblem } from './upstream-words.ts'

export interface Messages extends AccountMessages {
  /** the language's own name, for the menu */
  languageName: string
  direction: 'ltr' | 'rtl'
  common: {
    cancel: string
    errorPrefix: string
    problem: string
    language: string
    opensInNewTab: string
    closeWindow: string
    help: string
    privacy: string
    terms: string
    /** an app, to whoever runs this server */
    report: string
    /** the notice of a server that a test suite uses */
    conformance: string
  }
  login: {
    title: string
    continueTo: <T>(client: Term<T>) => Sentence<T>
    /** in its place where no client asks */
    toAccount: (product: string) => string
    signedInTitle: string
    identifier: string
    password: string
    submit: string
    identifierMissing: string
    passwordMissing: string
    incorrect: string
    /** seconds until another attempt is looked at */
    throttled: (seconds: number) => string
    busy: string
  }
  mail: MailWords
  selfService: SelfServiceWords
  account: {
    /** what the menu of its pages is called */
    menu: string
    pages: Record<'profile' | 'security' | 'sessions' | 'apps' | 'data', string>
  }
  passkeys: {
    title: string
    or: string
    signIn: string
    /** what they are, for somebody who has none */
    lead: string
    /** the page of its own, with the button again */
    signInTitle: string
    secondTitle: string
    secondLead: string
    second: string
    otherWay: string
    needsScript: string
    unsupported: string
    problems: Record<
      'failed' | 'refused' | 'expired' | 'notAdded' | 'known' | 'tooMany' | 'last',
      string
    >
    noName: (longest: number) => string
    none: string
    add: string
    manage: string
    /** of a passkey whose keeper nobody knows */
    unnamed: string
    name: string
    rename: string
    /** behind it, for whoever hears the button alone */
    renameOf: <T>(passkey: Term<T>) => Sentence<T>
    remove: string
    removeOf: <T>(passkey: Term<T>) => Sentence<T>
    created: string
    lastUsed: string
    never: string
    place: string
    places: Record<'synced' | 'device-bound', string>
  }
  security: {
    title: string
  }
  factors: {
    /** of the screens on which a second factor is proved */
    title: string
    signingInAs: <T>(account: Term<T>) => Sentence<T>
    code: string
    codeHint: string
    codeMissing: string
    codeWrong: string
    /** seconds until another code is looked at */
    throttled: (seconds: number) => string
    recoveryTitle: string
    recoveryCode: string
    recoveryHint: string
    continue: string
    otherMethods: string
    /** links to the other screens, by their prompt */
    ways: Readonly<Record<string, string>>
    otherAccount: string
    recoveryUsedTitle: string
    recoveryUsed: (left: number) => string
    enrolTitle: string
    /** in the middle of a sign-in */
    enrolNeeded: string
    enrolScan: string
    qr: string
    enrolType: string
    issuer: string
    accountName: string
    secret: string
    kind: string
    kindIs: string
    enrolCode: string
    enrol: string
    codesTitle: string
    codesLead: string
    codesSave: string
    codesDone: string
    totpHeading: string
    totpOn: string
    totpOff: string
    totpSetUp: string
    totpReplace: string
    totpManage: string
    totpRemove: string
    totpRemoveLead: string
    codesHeading: string
    codesLeft: (left: number) => string
    codesNone: string
    codesNoFactor: string
    codesManage: string
    codesRenew: string
    codesRenewLead: string
    back: string
    /** at a request of a client elsewhere, for whoever signed in with less than it wants */
    approveTooWeak: string
  }
  chooser: {
    title: string
    as: <T>(account: Term<T>) => Sentence<T>
    /** beside whoever uses the browser now */
    inUse: string
    another: string
    /** beside the name of whoever is asked for consent */
    notYou: string
    /** heading of the other accounts, below a page */
    switching: string
    gone: string
    /** sign-out, where several accounts are signed in */
    signOutOf: <T>(account: Term<T>) => Sentence<T>
    signOutOfAll: string
    alsoHere: <T>(others: Term<T>) => Sentence<T>
    stillHere: <T>(others: Term<T>) => Sentence<T>
    list: (names: readonly string[]) => string
  }
  consent: {
    title: string
    wantsAccess: <T>(client: Term<T>, product: Term<T>) => Sentence<T>
    signedInAs: <T>(account: Term<T>) => Sentence<T>
    willAllow: <T>(client: Term<T>) => Sentence<T>
    /** in its place where something was allowed before */
    willAlsoAllow: <T>(client: Term<T>) => Sentence<T>
    alreadyAllowed: string
    /** heading of what a client may no longer do once this is allowed */
    takenAway: <T>(client: Term<T>) => Sentence<T>
    replacesBefore: string
    accountGroup: (product: string) => string
    unverified: string
    unverifiable: string
    /** of an app that nobody registered: where it comes from, what it calls itself, and that it runs here */
    fromHost: <T>(host: Term<T>) => Sentence<T>
    callsItself: <T>(claimed: Term<T>) => Sentence<T>
    onThisDevice: string
    appAddress: string
    sentTo: <T>(host: Term<T>) => Sentence<T>
    /** beside a scope that can be left out, and beside one that cannot */
    optional: string
    required: string
    /** legend of the choice when the permission ends */
    lasts: string
    untilRemoved: string
    sevenDays: string
    duration: string
    durationSession: string
    durationOffline: string
    website: string
    privacy: string
    terms: string
    allow: string
    cancel: string
    /** OpenID scopes in words; a scope without an entry shows its own name */
    scopes: Readonly<Record<string, string>>
  }
  apps: {
    title: string
    lead: (product: string) => string
    none: string
    place: string
    firstAllowed: string
    lastUsed: string
    /** when the person wanted it to end */
    ends: string
    details: string
    remove: string
    /** behind it, for whoever hears the button alone */
    removeOf: <T>(client: Term<T>) => Sentence<T>
    removeAll: string
    removeAllEnds: string
  }
  logout: {
    title: (product: string) => string
    asked: <T>(client: Term<T>) => Sentence<T>
    explanation: (product: string) => string
    submit: string
    stay: string
    doneTitle: string
    done: (product: string) => string
    doneFrom: <T>(client: Term<T>) => Sentence<T>
  }
  upstream: UpstreamWords
  device: {
    title: string
    instruction: string
    code: string
    hint: string
    submit: string
    problems: Record<'not_found' | 'expired' | 'used' | 'no_code' | 'throttled' | 'failed', string>
    abortedTitle: string
    aborted: string
    confirmTitle: string
    confirmWants: <T>(client: Term<T>) => Sentence<T>
    confirmQuestion: string
    application: string
    address: string
    startedAt: string
    ago: (seconds: number) => string
    scam: string
    scamAdvice: string
    access: string
    confirm: string
    decline: string
    doneTitle: string
    done: <T>(client: Term<T>) => Sentence<T>
  }
  approve: {
    title: string
    asks: <T>(client: Term<T>) => Sentence<T>
    none: string
    scam: string
    /** above the client's binding message */
    compare: string
    host: string
    expires: string
    within: (seconds: number) => string
    approve: string
    decline: string
    tooOld: string
    signInAgain: string
    reload: string
    answered: Record<'approved' | 'declined' | 'over', string>
  }
  passwords: {
    /** of the field for a new one */
    label: string
    hint: string
    /** beside the meter, weakest first */
    levels: readonly [string, string, string, string, string]
    /** what the meter measures */
    meter: string
    short: string
    problems: {
      password_empty: string
      password_too_short: string
      password_too_long: string
      password_malformed: string
      password_common: string
      password_guessable: string
      password_weak: string
      password_breached: string
      busy: string
    }
  }
  error: {
    title: string
    /** reason and next step by error code; `other` is for codes without an entry */
    reasons: { other: Reason } & Readonly<Record<string, Reason>>
    details: string
    code: string
    description: string
    status: string
    requestId: string
    time: string
    tryAgain: string
  }
  /** a moment in words; always UTC, since a page without script does not know the reader's zone */
  dateTime: (moment: Date) => string
}

/** Why it stopped, and what the person can do. */
export interface Reason {
  title?: string
  reason: string
  next: string
}
