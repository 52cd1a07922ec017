// One unit of work per request: writes are gathered, told apart as evidence (always sent) or effect (sent only with success), and sent as
// one transaction in one round trip before the response leaves. Carried by AsyncLocalStorage, because the engine calls the adapter
// without a request. Reads of the same request are remembered here, so that one SELECT serves several of the engine's questions.

import { AsyncLocalStorage } from 'node:async_hooks'
import type { AuditEvent } from '../audit/events.ts'
import { auditStatement } from '../audit/record.ts'
import type { AuthenticRefreshToken, Verdict } from '../grants/refresh-token.ts'
import type { ActClaim } from '../oauth/token-exchange.ts'
import { type Database, Refused, type Statement } from '../store/database.ts'
import { inLockOrder } from '../store/ending.ts'
import type { LiveGrant } from '../store/grants.ts'
import type { FamilyRow } from '../store/refresh-families.ts'
import type { GrantChange } from './grant-change.ts'

/** Who asks, for the audit trail. */
export interface RequestFacts {
  requestId: string
  address: string | undefined
  /** what the browser calls itself */
  userAgent?: string | undefined
}

/**
 * A client assertion that a trusted issuer signed, judged (foreign-assertions.ts). The engine is shown `handle` in its place, which is good
 * in this request only.
 */
export type ForeignAssertion = { handle: string } & (
  | { ok: true; clientId: string; issuer: string; subject: string }
  /** for the log */
  | { ok: false; reason: string }
)

/** The refresh token of this request, once it was judged. */
export interface JudgedRefreshToken {
  token: AuthenticRefreshToken
  row: FamilyRow
  verdict: Verdict
  successor: string | undefined
}

/** Takes statements; of those that write the same row, the order stays, whichever kind they are. */
export interface Gathering {
  push(...statements: Statement[]): void
}

export interface UnitOfWork {
  request: RequestFacts
  /** Always sent: replay records, revocations, refusals, session and form state of a page whose cookie has left already. */
  evidence: Gathering
  /** Sent only with success: spending, issuing, granting. */
  effects: Gathering
  /** Both, in order: of two writes to one row, the later one stands. Sent in the order of locks (store/ending.ts). */
  gathered: { kind: 'evidence' | 'effect'; statement: Statement }[]
  /** What was read in this request; a grant that is known not to live is `undefined` under its id. */
  grants: Map<string, LiveGrant | undefined>
  /** Ids of session rows as they were read, by the session's uid. */
  sessionIds: Map<string, Buffer>
  /** Uids of sessions that were read, and of which it was long ago noted that they are used. */
  unseenSessions: Set<string>
  /** Sessions that this request goes on with and whose cookie it does not set, by uid: they keep their ids (session-choice.ts). */
  takenSessions: Set<string>
  /** Buckets of artifacts that were read or written in this request, by model and id. */
  artifactBuckets: Map<string, number>
  /** What artifacts that were read in this request are bound to (document-digests.ts), by model and id. */
  documentDigests: Map<string, string>
  /** Whole rows that were written in this request, by model and id: reads see writes. */
  written: Map<string, unknown>
  refreshToken: JudgedRefreshToken | undefined
  /** A client secret that this request made and that its answer must tell (RFC 7592 §3). */
  issuedSecret: string | undefined
  /** The software statement that this request registers or updates with, verified (RFC 7591 §2.3). */
  softwareStatement: string | undefined
  /** The authenticated client has no credentials (RFC 6749 §2.1). */
  publicClient: boolean
  /** The handle that stands in for a JWT at introspection and revocation, valid in this request only. */
  tokenHandle: { handle: string; jwt: string } | undefined
  /** The token of a trusted issuer that stands for the client's own assertion in this request. */
  assertion: ForeignAssertion | undefined
  /** What the token that is issued by exchange says of those it came through (token-exchange.ts). */
  exchanged: { act?: ActClaim; via: readonly string[] } | undefined
  /** What this authorization does to a grant that its client manages (grant-change.ts). */
  grantChange: GrantChange | undefined
  /** How long a grant that this request saves may live at most, as its person chose. */
  grantSeconds: number | undefined
  /** A person approves a request of a client that is not here: the session it is approved in, and the single claims it asks for. */
  approval: { sessionUid: string; claims: unknown } | undefined
  /** An access token is revoked: the engine's revocation of its grant is not meant. */
  revokesAccessToken: boolean
  /** The first failure of the store or of a key: the engine turns it into a 500, we answer 503. */
  fault: unknown
  /** Told by the handler where the HTTP status does not tell: authorize and pages refuse with 200 and 303, too. */
  outcome: 'commit' | 'drop' | undefined
}

export interface UnitOfWorkRunner {
  current(): UnitOfWork | undefined
  /** Runs `work` in a unit of its own. Nothing is sent by itself: call `send`. */
  run<T>(request: RequestFacts, work: (unit: UnitOfWork) => Promise<T>): Promise<T>
  /**
   * Sends what was gathered, in one round trip.
   * @throws Refused when a conditional write lost; then nothing of `effects` was written, but evidence is sent again alone
   */
  send(unit: UnitOfWork, effects: 'with effects' | 'evidence only'): Promise<void>
}

export function createUnitOfWorkRunner({ database }: { database: Database }): UnitOfWorkRunner {
  const storage = new AsyncLocalStorage<UnitOfWork>()

  return {
    current: () => storage.getStore(),

    run(request, work) {
      const gathered: UnitOfWork['gathered'] = []
      const gathering = (kind: 'evidence' | 'effect'): Gathering => ({
        push(...statements) {
          for (const statement of statements) gathered.push({ kind, statement })
        }
      })
      const unit: UnitOfWork = {
        request,
        evidence: gathering('evidence'),
        effects: gathering('effect'),
        gathered,
        grants: new Map(),
        sessionIds: new Map(),
        unseenSessions: new Set(),
        takenSessions: new Set(),
        artifactBuckets: new Map(),
        documentDigests: new Map(),
        written: new Map(),
        refreshToken: undefined,
        issuedSecret: undefined,
        softwareStatement: undefined,
        publicClient: false,
        tokenHandle: undefined,
        assertion: undefined,
        exchanged: undefined,
        grantChange: undefined,
        grantSeconds: undefined,
        approval: undefined,
        revokesAccessToken: false,
        fault: undefined,
        outcome: undefined
      }
      return storage.run(unit, () => work(unit))
    },

    async send(unit, effects) {
      const all = inLockOrder(unit.gathered.map(({ statement }) => statement))
      const evidence = inLockOrder(
        unit.gathered.filter(({ kind }) => kind === 'evidence').map(({ statement }) => statement)
      )
      if (effects === 'evidence only' || evidence.length === all.length) {
        await database.pipeline(evidence)
        return
      }
      try {
        await database.pipeline(all)
      } catch (error) {
        // the effects lost; what was seen and refused stays seen and refused
        if (error instanceof Refused) await database.pipeline(evidence)
        throw error
      }
    }
  }
}

/** Adds an event to the audit trail, whatever becomes of the request. */
export function noteEvidence(unit: UnitOfWork, event: AuditEvent): void {
  unit.evidence.push(auditStatement({ ...unit.request, ...event }))
}

/** Adds an event that is true only if the request succeeds. */
export function noteEffect(unit: UnitOfWork, event: AuditEvent): void {
  unit.effects.push(auditStatement({ ...unit.request, ...event }))
}
