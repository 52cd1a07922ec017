// The narrow interfaces between the protocol and its neighbours: what pages may ask of it (Interactions), and what it is given
// (Renderers, made from views before the engine exists). Nothing here names the engine, so that pages do not depend on it.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AuthorizationDetail } from '../oauth/authorization-details.ts'

/** A client as a page shows it. */
export interface ShownClient {
  clientId: string
  /** of a metadata document: its host, and never what it says of itself */
  name: string
  /** the client is the metadata document at this address, and calls itself so */
  document?: { url: string; claimedName: string | undefined }
  /** where the person will be sent: host (and port) of the redirect URI, or the private-use scheme; empty: nowhere (device flow) */
  redirectHost: string
  /** true: the redirect URI cannot be tied to a host on the web (loopback or private-use scheme) */
  unverifiable: boolean
  firstParty: boolean
  logoUri?: string
  clientUri?: string
  policyUri?: string
  tosUri?: string
}

/** Scopes that a person is asked for; `resource` undefined means the account itself (OpenID scopes). */
export interface RequestedAccess {
  resource?: string
  scopes: string[]
}

/** What a request does to a grant that its client has already, or begins (Grant Management for OAuth 2.0 §5.2). */
export interface ShownGrantChange {
  action: 'create' | 'merge' | 'replace'
  /** what the person had allowed, and the client may no longer do then */
  takenAway: RequestedAccess[]
}

/** How strongly somebody is to sign in for a request. */
export interface RequestedStrength {
  /** methods (RFC 8176) of each level (`acr`) that was asked for: all of one of them */
  levels?: string[][]
  secondFactor?: 'required'
}

/** One interaction of a person with the authorization endpoint, as far as a page needs it. */
export interface InteractionDetails {
  uid: string
  /** `account`: one of several is to be chosen, or another one signs in */
  prompt: 'login' | 'account' | 'consent'
  client: ShownClient
  /** for consent: what is new, in the order in which it was asked for */
  requested: RequestedAccess[]
  /** for consent: what the request asks for as well, and the person has allowed before */
  allowedBefore: RequestedAccess[]
  /** the same of authorization details (RFC 9396) */
  requestedDetails: AuthorizationDetail[]
  detailsAllowedBefore: AuthorizationDetail[]
  /** for consent to a grant that the client manages: what becomes of it */
  grantChange?: ShownGrantChange | undefined
  /** for consent: what of `requested` the person may leave out, and what the page begins with */
  choices: ScopeChoice[]
  /** how long what comes out of this request lasts */
  lasts: 'until sign-out' | 'offline'
  /** the account that is signed in already, if any */
  accountId: string | undefined
  /** it was chosen here, a moment ago */
  chosen: boolean
  loginHint: string | undefined
  uiLocales: string | undefined
  /** for a sign-in: `again` where the request says that one of before is not enough (`prompt=login`, `max_age`) */
  freshness: 'any' | 'again'
  /** for a sign-in: what it must bring besides a first factor */
  demand: RequestedStrength
  /** for a sign-in: who is signed in, and by what, where nothing but the strength of that is missing (step-up, RFC 9470) */
  signedIn: { accountId: string; amr: string[] } | undefined
  /** stands in the form as `csrf`; bound to this interaction */
  csrf: string
}

/** A scope that may be left out; `unticked` was left out before. */
export interface ScopeChoice {
  /** undefined: of the account itself */
  resource?: string | undefined
  scope: string
  start: 'ticked' | 'unticked'
}

/** What a person chose who allows something. */
export interface ConsentAnswer {
  /** scopes, as oauth/scope.ts writes one (`scopeAt`); others than those that were offered do not count */
  ticked: readonly string[]
  lasts: 'until removed' | 'seven days'
}

/** What pages do with an interaction. Each answers the URL to send the browser to, with 303. */
export interface Interactions {
  /** undefined: unknown, expired, already used, or of another browser */
  details(req: IncomingMessage, res: ServerResponse): Promise<InteractionDetails | undefined>
  login(
    req: IncomingMessage,
    res: ServerResponse,
    signedIn: { accountId: string; amr: string[] }
  ): Promise<string>
  /** one of this browser's accounts; undefined: it is none, or no longer */
  choose(req: IncomingMessage, res: ServerResponse, handle: string): Promise<string | undefined>
  consent(req: IncomingMessage, res: ServerResponse, answer: ConsentAnswer): Promise<string>
  /** the person said no: `access_denied` (RFC 6749 §4.1.2.1) */
  decline(req: IncomingMessage, res: ServerResponse): Promise<string>
  verifyCsrf(details: InteractionDetails, presented: unknown): boolean
}

/** The person who is signed in at this browser. */
export interface SignedInPerson {
  accountId: string
  signedInAt: Date
  /** by what and in which session; for the protocol, and on no page */
  session: { uid: string; amr: readonly string[] }
  /** stands in every form as `csrf`; bound to this session and this person */
  csrf: string
  verifyCsrf(presented: unknown): boolean
}

/** An account that is signed in at this browser. */
export interface AccountAtBrowser {
  accountId: string
  /** stands in the form that chooses it; says nothing, and is good at this browser only */
  handle: string
  /** whoever uses the browser now */
  inUse: boolean
}

/** Sessions as pages see them that no client leads to: who is signed in, and signing in without a client. */
export interface PersonSessions {
  /** undefined: nobody. Does not prolong the session. */
  find(req: IncomingMessage, res: ServerResponse): Promise<SignedInPerson | undefined>
  /**
   * What stands in the sign-in form as `csrf`, bound to a cookie that is set with it, and `flow`, which names the sign-in at this browser and
   * stays on the server; nothing is stored.
   */
  signInForm(req: IncomingMessage, res: ServerResponse): { csrf: string; flow: string }
  verifySignInForm(req: IncomingMessage, res: ServerResponse, presented: unknown): boolean
  /** Everybody who is signed in at this browser, the newest sign-in first. */
  accounts(req: IncomingMessage, res: ServerResponse): Promise<AccountAtBrowser[]>
  /** Whoever is chosen uses this browser from now on, under a new session identifier. */
  choose(req: IncomingMessage, res: ServerResponse, handle: string): Promise<'chosen' | 'gone'>
  /** Signs in, under a new session identifier; who was signed in before and is somebody else is put aside, to be chosen again. */
  signIn(
    req: IncomingMessage,
    res: ServerResponse,
    signedIn: { accountId: string; amr: string[] }
  ): Promise<void>
}

/** An app that a person has allowed something. */
export interface ShownApp {
  client: ShownClient
  access: RequestedAccess[]
  /** authorization details (RFC 9396) */
  details: Record<string, unknown>[]
  lasts: 'until sign-out' | 'offline'
  /** the person wanted it to end then */
  endsAt: Date | undefined
  firstAllowedAt: Date
  /** undefined: nothing of it lives now */
  lastUsedAt: Date | undefined
}

/** What a person has allowed whom, and taking it back. */
export interface ConnectedApps {
  /** the one that was used last comes first */
  list(accountId: string): Promise<ShownApp[]>
  /** Ends everything that the client has of this account, and forgets what was consented to. Nothing there is no error. */
  remove(
    accountId: string,
    clientId: string,
    asked: { requestId: string; address: string | undefined }
  ): Promise<void>
  /** The same of every client. */
  removeAll(
    accountId: string,
    asked: { requestId: string; address: string | undefined }
  ): Promise<void>
  /** What a page calls a client; of one that is gone, its id. */
  nameOf(clientId: string): Promise<string>
}

/** A request of a client that waits for a person's answer. */
export interface PendingApproval {
  id: string
  client: ShownClient
  requested: RequestedAccess[]
  lasts: 'until sign-out' | 'offline'
  /** what the client shows the person as well, so that they can tell that both are about the same */
  bindingMessage: string | undefined
  /** of whoever sent the request */
  address: string | undefined
  startedAt: Date
  remainingSeconds: number
  /** `too old`, `too weak`: the client wants a fresher sign-in, or one with more than one factor, before this is approved */
  signIn: 'enough' | 'too old' | 'too weak'
}

/** What a person does with requests of clients that are not in this browser. */
export interface Approvals {
  /** the newest first */
  pending(req: IncomingMessage, person: SignedInPerson): Promise<PendingApproval[]>
  /** `over`: answered already, expired, or of somebody else */
  decide(
    req: IncomingMessage,
    person: SignedInPerson,
    id: string,
    decision: 'approve' | 'decline'
  ): Promise<'done' | 'over' | 'too old' | 'too weak'>
}

/** What tells a page its language: the request's `ui_locales`, cookie and Accept-Language. */
export interface LanguageHints {
  uiLocales: string | undefined
  cookieHeader: string | undefined
  acceptLanguage: string | undefined
}

export interface ErrorPage {
  status: number
  /** RFC 6749 error code */
  error: string
  /** one public sentence */
  description: string | undefined
  requestId: string
  language: LanguageHints
}

/** A form of the engine that must be posted back as it is. */
export interface EngineForm {
  action: string
  xsrf: string
}

/** The engine's own pages, as complete HTML documents. */
export interface Renderers {
  error(page: ErrorPage): string
  /** submit: `logout=yes` signs out; posting without it stays signed in */
  logout(page: {
    form: EngineForm
    client: ShownClient | undefined
    /** where several are signed in: whose session ends, and who else is here; `logout=all` signs everybody out */
    accounts: { current: string; others: string[] } | undefined
    language: LanguageHints
  }): string
  /** stillHere: names of those who are signed in at this browser all the same */
  loggedOut(page: {
    client: ShownClient | undefined
    stillHere: string[]
    language: LanguageHints
  }): string
  /** fields: `user_code`; problem: what was wrong with the last code */
  deviceInput(page: {
    form: EngineForm
    userCode: string | undefined
    problem:
      | 'not_found'
      | 'expired'
      | 'used'
      | 'aborted'
      | 'no_code'
      | 'throttled'
      | 'failed'
      | undefined
    language: LanguageHints
  }): string
  /** submit: `confirm=yes`; to decline: `abort=yes`; both with `user_code` */
  deviceConfirm(page: {
    form: EngineForm
    userCode: string
    client: ShownClient
    requested: RequestedAccess[]
    requestedDetails: AuthorizationDetail[]
    address: string | undefined
    startedAt: Date | undefined
    language: LanguageHints
  }): string
  deviceDone(page: { client: ShownClient | undefined; language: LanguageHints }): string
}

/** What became of a notice; `gone`: nobody is there who wants it any more. */
export type Delivery =
  | 'delivered'
  | 'gone'
  /** `final`: trying again would not help */
  | { failed: string; final?: true }

/** Brings notices to clients: logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.5), pings (CIBA Core §10.2); mails to people. */
export interface Notifier<N> {
  /** Tries once. What the other side does is never an error. @throws Fault `store_unavailable`, when the client cannot be looked up */
  deliver(notice: N): Promise<Delivery>
}
