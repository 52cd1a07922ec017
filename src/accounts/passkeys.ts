// Passkeys (Web Authentication Level 3): what a browser is asked for, and what its answer proves. Owns the order of the checks: the address's
// counter, the form of the answer, the challenge, which is spent whatever comes of it, then the signature, then the signature counter in the
// database. Refuses to tell anything about accounts: at the beginning of a sign-in everybody is asked the same.

import { randomBytes } from 'node:crypto'
import type { AuditEvent, RecordAuditEvent } from '../audit/events.ts'
import { auditStatement } from '../audit/record.ts'
import { hmac } from '../lib/secret.ts'
import { shownTextProblem } from '../lib/shown-text.ts'
import type { AttemptLimit, AttemptStore } from '../store/attempts.ts'
import type { Queries } from '../store/database.ts'
import type { Passkey, PasskeyStore } from '../store/passkeys.ts'
import { createSecondFactorStore } from '../store/second-factors.ts'
import type { DataPart } from './account-data.ts'
import { countedAddress } from './address.ts'
import { readAssertion, readAttestation } from './passkey-answer.ts'
import {
  algorithms,
  type RelyingParty,
  verifyAssertion,
  verifyAttestation
} from './passkey-ceremony.ts'
import {
  challengeSeconds,
  type PasskeyBinding,
  type PasskeyChallenges
} from './passkey-challenge.ts'
import { passkeyProvider } from './passkey-providers.ts'
import type { RecoveryCodes } from './recovery-codes.ts'

/** `PublicKeyCredentialRequestOptionsJSON` or `PublicKeyCredentialCreationOptionsJSON` (§5.1.9, §5.1.10). */
export type PasskeyOptions = Readonly<Record<string, unknown>>

/** Where a request comes from, for counters and the audit trail. */
export interface PasskeyRequest {
  /** the browser's JSON, as posted */
  answer: string
  flow: string
  /** the peer's address, as trusted proxies tell it */
  address: string
  clientId?: string | undefined
  requestId?: string | undefined
}

export type PasskeySignIn =
  | { ok: true; accountId: string; amr: string[] }
  /** `unknownCredential`: what the browser may forget, since nobody here knows it */
  | { ok: false; reason: 'refused'; unknownCredential?: string }
  | { ok: false; reason: 'expired' }
  | { ok: false; reason: 'throttled'; retryAfterSeconds: number }

export type PasskeyRegistration =
  /** `codes`: recovery codes that were made with it, shown now and never again; none where there were some */
  | { ok: true; amr: string[]; codes: string[] }
  /** `has one`: in a sign-in that wanted the first */
  | { ok: false; reason: 'known' | 'too many' | 'has one' | 'refused' | 'expired' }

export type Passkeys = ReturnType<typeof createPasskeys>

/** Of an address, which households and offices share; what succeeds is given back. Nobody guesses a signature: this is about work. */
const addressLimit: AttemptLimit = { limit: 100, windowSeconds: 900 }

/** More than anybody has devices; so an account cannot fill the table. */
const mostPasskeys = 25

/** A name that a person gives: code points. */
export const longestPasskeyName = 64

/**
 * Undefined where browsers know no passkeys: they want a host with a name, and https, which localhost may do without (§5.1.3, Secure
 * Contexts §3.1).
 */
export function relyingPartyOf(issuer: string, productName: string): RelyingParty | undefined {
  const { hostname, origin, protocol } = new URL(issuer)
  const local = hostname === 'localhost' || hostname.endsWith('.localhost')
  const named = !hostname.startsWith('[') && !/^[\d.]+$/.test(hostname)
  if (!named || (protocol !== 'https:' && !local)) return undefined
  return { id: hostname, origin, name: productName }
}

/**
 * RFC 8176 §2: a key that may be copied is "software-secured"; "user" was verified by the authenticator, by something that the person knows or
 * is, besides having it: "mfa".
 */
function methodsOf(kind: Passkey['kind']): string[] {
  return [kind === 'synced' ? 'swk' : 'hwk', 'user', 'mfa']
}

export function createPasskeys(deps: {
  party: RelyingParty
  passkeys: PasskeyStore
  challenges: PasskeyChallenges
  attempts: Pick<AttemptStore, 'claim' | 'giveBack'>
  /** into an account, besides passkeys; the last way in is never removed */
  otherWays: readonly ((sql: Queries, accountId: string) => Promise<boolean>)[]
  /** for the day on which every passkey is lost */
  recoveryCodes: Pick<RecoveryCodes, 'beginWith'>
  /** keys the counters' digests */
  counterKey: Buffer
  /** refusals must be kept even when the rest of the request is dropped */
  record: RecordAuditEvent
}) {
  const { party, passkeys, challenges, attempts, record } = deps
  const timeout = challengeSeconds * 1_000

  const descriptors = (list: readonly Passkey[]) =>
    list.map(({ credentialId, transports }) => ({
      type: 'public-key',
      id: credentialId.toString('base64url'),
      transports
    }))

  const requestOptions = (binding: PasskeyBinding, allowed: readonly Passkey[]) => ({
    challenge: challenges.issue(binding),
    rpId: party.id,
    allowCredentials: descriptors(allowed),
    userVerification: 'required',
    timeout
  })

  /** Refusals go to the trail under the step that was tried. */
  function refusal(
    request: PasskeyRequest,
    { purpose }: PasskeyBinding,
    reason: Extract<AuditEvent, { type: 'sign_in.refused' }>['data']['reason'],
    accountId: string | undefined
  ): Promise<void> {
    const { address, clientId, requestId } = request
    const context = { address, clientId, requestId, accountId }
    return purpose === 'second factor'
      ? record({
          type: 'second_factor.refused',
          ...context,
          data: { kind: 'passkey', reason }
        })
      : record({ type: 'sign_in.refused', ...context, data: { reason } })
  }

  /** One answer, for `binding.accountId` or for whoever it is. */
  async function authenticate(
    request: PasskeyRequest,
    binding: PasskeyBinding
  ): Promise<PasskeySignIn> {
    const { address } = request
    const key = hmac(deps.counterKey, 'sign_in.passkey', countedAddress(address))
    const claim = await attempts.claim('sign_in.passkey', key, addressLimit)
    if (!claim.ok) {
      // once per window: a flood must not fill the audit trail either
      if (claim.crossed) await refusal(request, binding, 'throttled', binding.accountId)
      return { ok: false, reason: 'throttled', retryAfterSeconds: claim.retryAfterSeconds }
    }
    const refused = async (
      reason: Parameters<typeof refusal>[2],
      accountId: string | undefined = binding.accountId
    ): Promise<PasskeySignIn> => {
      await refusal(request, binding, reason, accountId)
      return { ok: false, reason: 'refused' }
    }

    const answer = readAssertion(request.answer)
    if (answer === undefined) return { ok: false, reason: 'refused' }
    const spent = await challenges.spend(answer.challenge, binding)
    if (spent === 'expired') return { ok: false, reason: 'expired' }
    if (spent !== 'good') {
      return refused(spent === 'spent' ? 'challenge_spent' : 'challenge_not_ours')
    }

    const passkey = await passkeys.findByCredential(Buffer.from(answer.id, 'base64url'))
    if (passkey === undefined) {
      await refused('unknown_passkey')
      return { ok: false, reason: 'refused', unknownCredential: answer.id }
    }
    const { accountId } = passkey
    // somebody else's passkey is no second factor of this account
    if (binding.accountId !== undefined && binding.accountId !== accountId) {
      return refused('passkey_mismatch')
    }
    // §7.2 step 6: without an account that was known before, the answer must say whose it is
    if (binding.accountId === undefined && answer.response.userHandle === undefined) {
      return refused('passkey_mismatch', accountId)
    }
    if (passkey.account === 'disabled') return refused('disabled', accountId)
    const judged = await verifyAssertion(party, answer, passkey)
    if (!judged.ok) return refused('passkey_mismatch', accountId)
    const used = await passkeys.use(passkey, judged)
    if (used === 'counter went back') return refused('passkey_counter', accountId)
    if (used === 'gone') return refused('unknown_passkey', accountId)

    await attempts.giveBack('sign_in.passkey', key, addressLimit)
    return { ok: true, accountId, amr: methodsOf(passkey.kind) }
  }

  const registering = (flow: string, accountId: string): PasskeyBinding => ({
    purpose: 'registration',
    flow,
    accountId
  })

  return {
    /** host of the issuer, as browsers are told it */
    rpId: party.id,

    /** For whoever it is: the same for everybody but for the challenge (ASVS v5.0.0 §6.3.8). */
    signInOptions: (flow: string): PasskeyOptions =>
      requestOptions({ purpose: 'sign in', flow, accountId: undefined }, []),

    /** For an account that has proved itself by something else. */
    async secondFactorOptions(flow: string, accountId: string): Promise<PasskeyOptions> {
      const own = await passkeys.list(accountId)
      return requestOptions({ purpose: 'second factor', flow, accountId }, own)
    },

    /** For the account that is signed in; `accountName`: how its owner knows it. */
    async registrationOptions(
      flow: string,
      { accountId, accountName }: { accountId: string; accountName: string }
    ): Promise<PasskeyOptions> {
      const own = await passkeys.list(accountId)
      const handle = await passkeys.userHandle(accountId, randomBytes(32))
      return {
        challenge: challenges.issue(registering(flow, accountId)),
        rp: { id: party.id, name: party.name },
        user: {
          id: handle.toString('base64url'),
          name: accountName,
          displayName: accountName
        },
        pubKeyCredParams: algorithms.map(alg => ({ type: 'public-key', alg })),
        excludeCredentials: descriptors(own),
        authenticatorSelection: {
          residentKey: 'required',
          requireResidentKey: true,
          userVerification: 'required'
        },
        attestation: 'none',
        timeout
      }
    },

    signIn: (request: PasskeyRequest) =>
      authenticate(request, { purpose: 'sign in', flow: request.flow, accountId: undefined }),

    secondFactor: (request: PasskeyRequest, accountId: string) =>
      authenticate(request, { purpose: 'second factor', flow: request.flow, accountId }),

    /** `otherwise`: the name where nobody knows who keeps it. `first`: only where the account has none. */
    async register(
      request: PasskeyRequest & { accountId: string; otherwise: string },
      mode: 'first' | 'another'
    ): Promise<PasskeyRegistration> {
      const { accountId, address, clientId, requestId } = request
      const context = { address, clientId, requestId }
      const refused = (reason: Extract<PasskeyRegistration, { ok: false }>['reason']) =>
        ({ ok: false, reason }) as const
      const answer = readAttestation(request.answer)
      if (answer === undefined) return refused('refused')
      const spent = await challenges.spend(answer.challenge, registering(request.flow, accountId))
      if (spent === 'expired') return refused('expired')
      if (spent !== 'good') return refused('refused')
      const judged = await verifyAttestation(party, answer)
      if (!judged.ok) return refused('refused')
      const { credential } = judged
      const name = passkeyProvider(credential.aaguid) ?? request.otherwise
      const added = await passkeys.add(
        { ...credential, accountId, transports: answer.transports, name },
        mode === 'first' ? 1 : mostPasskeys,
        auditStatement({ type: 'passkey.added', accountId, ...context, data: { name } }),
        tx => deps.recoveryCodes.beginWith(tx, accountId, context)
      )
      if (added === 'too many') return refused(mode === 'first' ? 'has one' : 'too many')
      if (added === 'known') return refused('known')
      return { ok: true, amr: methodsOf(credential.kind), codes: added.added }
    },

    list: (accountId: string) => passkeys.list(accountId),
    has: (accountId: string) => passkeys.has(accountId),
    /** What each of them adds to the methods of a sign-in (RFC 8176 §2). */
    methods: async (accountId: string): Promise<string[][]> =>
      (await passkeys.list(accountId)).map(({ kind }) => methodsOf(kind)),

    /** What all authenticators of the account may keep (§5.1.10.3 `signalAllAcceptedCredentials`). */
    async accepted(accountId: string, list: readonly Passkey[]): Promise<PasskeyOptions> {
      const handle = await passkeys.userHandle(accountId, randomBytes(32))
      return {
        rpId: party.id,
        userId: handle.toString('base64url'),
        allAcceptedCredentialIds: list.map(({ credentialId }) => credentialId.toString('base64url'))
      }
    },

    async rename(
      accountId: string,
      { id, name: typed }: { id: string; name: string },
      asked: { address: string; requestId: string }
    ): Promise<'renamed' | 'gone' | 'no name'> {
      const name = typed.trim().normalize('NFC')
      const length = [...name].length
      if (length === 0 || length > longestPasskeyName || shownTextProblem(name) !== undefined) {
        return 'no name'
      }
      const event = auditStatement({ type: 'passkey.renamed', accountId, ...asked, data: { name } })
      return passkeys.rename(accountId, id, name, event)
    },

    remove: (accountId: string, id: string, asked: { address: string; requestId: string }) =>
      passkeys.remove(
        accountId,
        id,
        name => auditStatement({ type: 'passkey.removed', accountId, ...asked, data: { name } }),
        {
          async hasOther(tx) {
            for (const way of deps.otherWays) if (await way(tx, accountId)) return true
            return false
          },
          // codes alone are no second factor: they recover one
          async afterLast(tx) {
            const factors = createSecondFactorStore({ sql: tx })
            if ((await factors.findTotp(accountId)) === undefined) {
              await factors.removeCodes(accountId)
            }
          }
        }
      )
  }
}

/** What the copy of a person's data has of their passkeys. */
export function passkeysOf(store: Pick<PasskeyStore, 'list'>): DataPart {
  return {
    member: 'passkeys',
    read: async accountId =>
      (await store.list(accountId)).map(({ name, kind, aaguid, createdAt, lastUsedAt }) => ({
        ...{ name, kind, aaguid },
        created_at: createdAt,
        last_used_at: lastUsedAt
      }))
  }
}
