// Who may exchange which token for which (RFC 8693 §2.1, §5): what the configuration lists, and nothing else. Owns the verdict on one
// exchange, from facts alone: whether the caller may present these tokens, which scopes they open, who acts, how long it lasts. Never
// answers more than the token that is exchanged was good for.

import type { Config } from '../config/schema.ts'
import { missingScopes } from '../oauth/scope.ts'
import { type ActClaim, actedBy, longestChain, mayAct } from '../oauth/token-exchange.ts'
import type { VerifiedAccessToken } from './access-tokens.ts'

type Resource = Pick<Config['resources'][number], 'identifier' | 'exchange'>

/** What the configuration says of one client, one resource and tokens of one audience. */
export type ExchangeEntry = Pick<
  Resource['exchange'][number],
  'from' | 'mode' | 'scopes' | 'actors'
>

export interface ExchangePolicy {
  /** some client may exchange something */
  readonly offered: boolean
  /** the client may exchange something for a token of this resource */
  allows(clientId: string, target: string): boolean
  find(clientId: string, target: string, audience: string): ExchangeEntry | undefined
}

export function createExchangePolicy(resources: readonly Resource[]): ExchangePolicy {
  const entries = new Map(resources.map(({ identifier, exchange }) => [identifier, exchange]))
  const of = (clientId: string, target: string) =>
    (entries.get(target) ?? []).filter(({ client }) => client === clientId)
  return {
    offered: resources.some(({ exchange }) => exchange.length > 0),
    allows: (clientId, target) => of(clientId, target).length > 0,
    find: (clientId, target, audience) =>
      of(clientId, target).find(({ from }) => from.includes(audience))
  }
}

/** One exchange, as it was asked for. */
export interface ExchangeFacts {
  /** undefined: nothing is listed for this client, resource and audience */
  entry: ExchangeEntry | undefined
  /** the authenticated client */
  caller: string
  issuer: string
  subject: VerifiedAccessToken
  actor: VerifiedAccessToken | undefined
  /** whether the caller is the API that tokens of this audience are sent to */
  receives(audience: string): boolean
  /** keys that the caller proved in this request (RFC 9449, RFC 8705) */
  proved: { jkt?: string | undefined; 'x5t#S256'?: string | undefined }
  /** undefined: whatever may be had */
  requested: readonly string[] | undefined
  /** scopes of the resource that this client may have at all */
  available: readonly string[]
  /** seconds that tokens of the resource are good for */
  lifetimeSeconds: number
  /** seconds since the epoch */
  now: number
}

export type ExchangeVerdict =
  | {
      ok: true
      mode: ExchangeEntry['mode']
      scopes: string[]
      actor: string
      act: ActClaim | undefined
      via: string[]
      exp: number
    }
  | { ok: false; error: 'invalid_request' | 'invalid_scope'; problem: string; scope?: string }

export function judgeExchange(facts: ExchangeFacts): ExchangeVerdict {
  const { entry, subject, requested, now } = facts
  const refuse = (problem: string) => ({ ok: false, error: 'invalid_request', problem }) as const

  // A machine asks for a token of its own; what it may open is the resource's `clients`, and no chain is needed to know who it is.
  if (subject.kind !== 'AccessToken') {
    return refuse('subject_token must be of a person; a machine asks with client_credentials')
  }
  // RFC 8693 §5: "it is incumbent upon the authorization server to appropriately authenticate and authorize": who is not listed, may not
  if (entry === undefined) {
    return refuse(
      'tokens of the audience of subject_token may not be exchanged for one of this resource by this client'
    )
  }
  if (!mayPresent(subject, facts)) {
    return refuse('subject_token is bound to a key: prove it, or let the API exchange it')
  }
  const actor = actorOf(entry, facts)
  if ('problem' in actor) return refuse(actor.problem)
  // RFC 8693 §4.4: may_act "makes a statement that one party is authorized to become the actor and act on behalf of another party"
  const party = { sub: actor.id, client_id: actor.id, iss: facts.issuer }
  if (!mayAct(subject.mayAct, party)) {
    return refuse('the claim may_act of subject_token names another party')
  }

  const via = [...subject.via, String(subject.payload['clientId'])]
  if (via.length > longestChain) {
    return refuse(`subject_token came through ${longestChain} exchanges already`)
  }
  const exp = Math.min(now + facts.lifetimeSeconds, Number(subject.payload['exp']))
  if (exp <= now) return refuse('subject_token has expired')

  const opened = openedScopes(entry, String(subject.payload['scope'] ?? ''), facts.available)
  const missing = missingScopes(requested ?? [], opened)
  if (missing.length > 0 || opened.length === 0) {
    const problem =
      opened.length === 0
        ? 'no scope of subject_token opens a scope of this resource'
        : 'subject_token does not open the scope at this resource'
    return { ok: false, error: 'invalid_scope', problem, scope: missing.join(' ') }
  }
  return {
    ok: true,
    mode: entry.mode,
    scopes: requested === undefined ? opened : [...requested],
    actor: actor.id,
    // an impersonation leaves no trace of itself, but it wipes out none
    act: entry.mode === 'delegation' ? actedBy(actor.id, subject.act) : subject.act,
    via,
    exp
  }
}

/** The scopes of a resource that those of the exchanged token open: the union of what is listed for each. */
export function openedScopes(
  entry: Pick<ExchangeEntry, 'scopes'>,
  scope: string,
  available: readonly string[]
): string[] {
  const held = scope.split(' ').filter(name => Object.hasOwn(entry.scopes, name))
  const listed = new Set(held.flatMap(name => entry.scopes[name] ?? []))
  return available.filter(name => listed.has(name))
}

/**
 * A token that is bound to a key is worth nothing without the proof of it (RFC 9449 §7.1, RFC 8705 §3). The API that it was sent to has
 * seen that proof, and cannot repeat it: it alone may go without.
 */
function mayPresent(token: VerifiedAccessToken, facts: ExchangeFacts): boolean {
  const { proved } = facts
  const { jkt, 'x5t#S256': certificate } = token.payload
  if (jkt === undefined && certificate === undefined) return true
  if (facts.receives(token.audience)) return true
  return jkt === proved.jkt && certificate === proved['x5t#S256']
}

/** Who acts: the caller, or the machine whose token it shows. */
function actorOf(entry: ExchangeEntry, facts: ExchangeFacts): { id: string } | { problem: string } {
  const { actor, caller } = facts
  if (actor === undefined) return { id: caller }
  if (entry.mode === 'impersonation') {
    return { problem: 'actor_token has no place here: this client impersonates at this resource' }
  }
  const id = String(actor.payload['clientId'])
  if (actor.kind !== 'ClientCredentials') {
    return { problem: 'actor_token must be a machine’s own access token (client_credentials)' }
  }
  if (id !== caller) {
    // Somebody else's token says that he acts only if he sent it to the API that the person's came to as well.
    const sent = entry.from.includes(actor.audience)
    if (!entry.actors.includes(id) || !sent) {
      return { problem: 'the client of actor_token may not act here' }
    }
  }
  if (!mayPresent(actor, facts)) {
    return { problem: 'actor_token is bound to a key: prove it' }
  }
  return { id }
}
