// Signing in with another provider: away, and back. Owns what becomes of a proved identity: it is an account's, or it makes one where the
// operator allows that, or it is offered to be linked. Refuses to find an account by an address: an equal address links nothing and signs
// nobody in (CVE-2025-7365 class), and what is disabled stays so.

import type { AuditEvent, RecordAuditEvent } from '../audit/events.ts'
import type { UpstreamProblem } from '../i18n/messages.ts'
import { type Database, type Queries, sqlState } from '../store/database.ts'
import { createLinkedIdentityStore } from '../store/linked-identities.ts'
import type { ProvedSoFar } from '../store/pending-sign-ins.ts'
import type { Away, Origin } from './away.ts'
import { type Described, describe, nameInForm } from './claims.ts'
import type { Proof } from './provider.ts'
import type { Upstream, Upstreams } from './upstreams.ts'

export type BackOutcome =
  | { ok: true; to: string }
  | {
      ok: false
      /** `no_account`: nobody's yet, and makes none; `account_exists`: its verified address is that of an account */
      problem: UpstreamProblem
      /** where else to sign in; undefined: nobody knows where this came from */
      address: string | undefined
      /** whether it can be linked now */
      offered: boolean
    }

/** Who asks, for the audit trail. */
export interface Asked {
  address: string
  requestId: string
}

export interface UpstreamSignInDependencies {
  upstreams: Upstreams
  away: Away
  database: Database
  /** path of ours that a request for linking comes back to */
  linkPath: string
  redirectUri(id: string): string
  /** keeps what was proved for the sign-in that it belongs to (accounts/sign-in-steps.ts) */
  steps: {
    save(flow: string, proved: ProvedSoFar): Promise<void>
    /** as far as the account and the operator demand it; what the client demands is known where the sign-in goes on */
    missing(proved: ProvedSoFar, demand: Record<string, never>): Promise<'nothing' | object>
  }
  /** an address in its one form; undefined: it is none */
  readEmail(typed: string): string | undefined
  /** whether an account is known by this address, verified or as its login */
  isKnown(email: string): Promise<boolean>
  /** Answers its id. @throws pg's unique_violation where somebody else has the address now */
  createAccount(sql: Queries, profile: Described, upstream: string): Promise<string>
  record: RecordAuditEvent
  appendEvent(sql: Queries, event: AuditEvent): Promise<void>
  log: { warn(data: object, message: string): void }
}

/** Somebody else linked it between two statements. */
class Overtaken extends Error {}

export function createUpstreamSignIn(deps: UpstreamSignInDependencies) {
  const { upstreams, away, database } = deps
  const identities = createLinkedIdentityStore({ sql: database })

  async function begin(
    id: string,
    browser: string,
    origin: Origin
  ): Promise<{ ok: true; to: string } | { ok: false; problem: UpstreamProblem }> {
    const upstream = upstreams.find(id)
    if (upstream === undefined) return { ok: false, problem: 'unsolicited' }
    const binding = away.bind(deps.redirectUri(id), origin.freshness)
    const begun = await upstream.provider.begin(binding)
    if (!begun.ok) {
      const { reason, detail } = begun
      deps.log.warn({ upstream: id, reason, detail }, 'a provider cannot be asked to sign in')
      return { ok: false, problem: 'unavailable' }
    }
    await away.leave(browser, id, binding, origin)
    return { ok: true, to: begun.to.href }
  }

  async function finish(
    id: string,
    browser: string | undefined,
    parameters: URLSearchParams,
    asked: Asked
  ): Promise<BackOutcome> {
    const upstream = upstreams.find(id)
    const state = parameters.get('state')
    const back =
      upstream === undefined || browser === undefined || state === null
        ? undefined
        : await away.comeBack(browser, id, state, deps.redirectUri(id))
    if (upstream === undefined || browser === undefined || back === undefined) {
      return { ok: false, problem: 'unsolicited', address: undefined, offered: false }
    }
    const { binding, origin } = back
    const { address } = origin
    const finished = await upstream.provider.finish(binding, parameters)
    if (!finished.ok) {
      const { reason, detail } = finished
      deps.log.warn({ upstream: id, reason, detail }, 'a sign-in with a provider came to nothing')
      if (reason === 'not_trusted') await refused(id, 'upstream_not_trusted', asked)
      return { ok: false, problem: reason, address, offered: false }
    }
    const { proof } = finished
    const described = describe(upstream, proof.claims, deps.readEmail)
    described.name ??= nameInForm(parameters.get('user') ?? undefined)
    const offer = {
      ...{ upstream: id, issuer: proof.issuer, subject: proof.subject, amr: described.amr, origin },
      label: described.email ?? described.name
    }
    // somebody who is signed in says on a page of their own that this is theirs, too
    if (origin.flow === undefined) {
      await away.offer(browser, offer)
      return { ok: true, to: deps.linkPath }
    }
    const settled = await settle(upstream, proof, described, asked)
    if (!settled.ok) {
      const { problem } = settled
      const offered = problem === 'no_account' || problem === 'account_exists'
      if (offered) await away.offer(browser, offer)
      return { ok: false, problem, address, offered }
    }
    await signIn(origin.flow, settled.accountId, id, described.amr, asked)
    return { ok: true, to: address }
  }

  /** Whose identity this is; a new account's, where it makes one. */
  async function settle(
    upstream: Upstream,
    proof: Proof,
    described: Described,
    asked: Asked
  ): Promise<{ ok: true; accountId: string } | { ok: false; problem: UpstreamProblem }> {
    const known = await identities.use(proof, described.email ?? described.name)
    if (known !== undefined) {
      if (known.enabled) return { ok: true, accountId: known.accountId }
      await refused(upstream.id, 'disabled', asked, known.accountId)
      return { ok: false, problem: 'account_disabled' }
    }
    const { email, emailVerified } = described
    const address = emailVerified ? email : undefined
    // only to whom the address belongs: others would learn who has an account here
    if (address !== undefined && (await deps.isKnown(address))) {
      await refused(upstream.id, 'unknown_identity', asked)
      return { ok: false, problem: 'account_exists' }
    }
    if (upstream.signUp === 'refused') {
      await refused(upstream.id, 'unknown_identity', asked)
      return { ok: false, problem: 'no_account' }
    }
    const { emailDomains } = upstream
    const domain = address?.slice(address.lastIndexOf('@') + 1)
    if (emailDomains.length > 0 && (domain === undefined || !emailDomains.includes(domain))) {
      await refused(upstream.id, 'address_not_admitted', asked)
      return { ok: false, problem: 'address_not_admitted' }
    }
    return makeAccount(upstream, proof, described, asked)
  }

  async function makeAccount(
    upstream: Upstream,
    proof: Proof,
    described: Described,
    asked: Asked
  ): Promise<{ ok: true; accountId: string } | { ok: false; problem: UpstreamProblem }> {
    const { issuer, subject } = proof
    const label = described.email ?? described.name
    try {
      const accountId = await database.transaction(async tx => {
        const created = await deps.createAccount(tx, described, upstream.id)
        const store = createLinkedIdentityStore({ sql: tx })
        const link = { issuer, subject, upstream: upstream.id, label }
        if ((await store.link(created, link)) !== 'linked') throw new Overtaken()
        await deps.appendEvent(tx, {
          type: 'identity.linked',
          ...{ accountId: created, ...asked },
          data: { issuer, upstream: upstream.id }
        })
        return created
      })
      return { ok: true, accountId }
    } catch (error) {
      // unique_violation: somebody was first with the address; and all is undone
      if (sqlState(error) !== '23505' && !(error instanceof Overtaken)) throw error
      // a parallel sign-in of the same person made the account: this one is theirs, too
      const known = await identities.use(proof, label)
      if (known === undefined) return { ok: false, problem: 'account_exists' }
      return known.enabled
        ? { ok: true, accountId: known.accountId }
        : { ok: false, problem: 'account_disabled' }
    }
  }

  /** What is missing after this (a second factor) is asked for where the sign-in goes on: this proves one thing and no more. */
  async function signIn(
    flow: string,
    accountId: string,
    upstream: string,
    amr: string[],
    asked: Asked
  ) {
    const proved = { accountId, amr, upstream }
    await deps.steps.save(flow, proved)
    if ((await deps.steps.missing(proved, {})) === 'nothing') return
    await deps.record({ type: 'sign_in.first_step', accountId, ...asked, data: { amr, upstream } })
  }

  function refused(
    upstream: string,
    reason: 'upstream_not_trusted' | 'disabled' | 'unknown_identity' | 'address_not_admitted',
    asked: Asked,
    accountId?: string
  ) {
    return deps.record({ type: 'sign_in.refused', accountId, ...asked, data: { reason, upstream } })
  }

  return { begin, finish, signIn }
}

export type UpstreamSignIn = ReturnType<typeof createUpstreamSignIn>
