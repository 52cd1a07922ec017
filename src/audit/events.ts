// The typed catalogue of security events: one table, name -> outcome and the data that may be told. Refuses everything else: a field
// that is not in the table never reaches the database, so no secret can ride along (OWASP ASVS v5.0.0 §16.2.5, §16.3).
// Values are identifiers, counts and reasons; texts are capped and lose their control characters (§16.4.1).

import type { AuditRow } from '../store/audit.ts'
import { isToldByMail } from './told-by-mail.ts'

/** What a value may be: a short text, a number, a list of short texts, or one of the words listed. */
type Field = 'text' | 'number' | 'list' | readonly string[]

interface EventRule {
  outcome: 'success' | 'refused'
  /** name -> kind; a name ending in `?` may be left out */
  data: Readonly<Record<string, Field>>
}

/** Why a sign-in was refused. The page says one sentence for all of them; only the audit trail knows. */
export const signInRefusals = [
  'unknown_account',
  'password_mismatch',
  'disabled',
  'no_password',
  'throttled',
  // of a sign-in with another provider
  'upstream_not_trusted',
  'unknown_identity',
  'address_not_admitted',
  // of passkeys
  'unknown_passkey',
  'passkey_mismatch',
  'passkey_counter',
  'challenge_not_ours',
  'challenge_spent'
] as const

const success = 'success' as const
const refused = 'refused' as const

/** The catalogue. Events of one subject stand together, in the order of its life. */
export const auditEvents = {
  // `upstream`: the id of the provider that somebody came from. All that was demanded is proved:
  'sign_in.succeeded': { outcome: success, data: { amr: 'list', 'upstream?': 'text' } },
  // one thing is proved and more is demanded: whoever never goes on may have stolen a password
  'sign_in.first_step': { outcome: success, data: { amr: 'list', 'upstream?': 'text' } },
  'sign_in.refused': {
    outcome: refused,
    data: {
      reason: signInRefusals,
      'counter?': ['account', 'address', 'device'],
      'upstream?': 'text'
    }
  },
  // a browser that this account has not been used in before
  'sign_in.new_device': { outcome: success, data: { device: 'text' } },
  'second_factor.refused': {
    outcome: refused,
    data: { kind: ['passkey', 'totp', 'recovery_code'], reason: 'text' }
  },
  sign_out: { outcome: success, data: { 'by?': ['account', 'client', 'operator'] } },
  'session.ended': { outcome: success, data: { reason: 'text' } },
  'logout_notice.delivered': { outcome: success, data: { attempts: 'number' } },
  'logout_notice.failed': { outcome: refused, data: { attempts: 'number', reason: 'text' } },

  'client_authentication.refused': {
    outcome: refused,
    data: { reason: 'text', 'method?': 'text' }
  },
  'authorization.refused': { outcome: refused, data: { reason: 'text' } },
  'code.issued': { outcome: success, data: { grantId: 'text' } },
  'code.replayed': { outcome: refused, data: { 'grantId?': 'text' } },
  'grant.created': {
    outcome: success,
    data: {
      grantId: 'text',
      'scope?': 'list',
      'resource?': 'text',
      'assertionIssuer?': 'text',
      'assertionSubject?': 'text'
    }
  },
  'grant.revoked': { outcome: success, data: { grantId: 'text', reason: 'text' } },
  'consent.granted': {
    outcome: success,
    data: {
      scope: 'list',
      'resource?': 'list',
      // optional scopes that were left out, and after how long it ends by itself
      'declined?': 'list',
      'seconds?': 'number',
      // types of authorization details
      'details?': 'list',
      // of a grant that the client manages (Grant Management for OAuth 2.0)
      'action?': ['create', 'merge', 'replace'],
      'grant?': 'text'
    }
  },
  'consent.declined': { outcome: refused, data: { 'scope?': 'list', 'resource?': 'list' } },
  'consent.withdrawn': { outcome: success, data: {} },
  // `grant`: its `grant_id`; `grantId`: the authorization that it is from then on
  'managed_grant.claimed': { outcome: success, data: { grant: 'text', grantId: 'text' } },
  'managed_grant.revoked': {
    outcome: success,
    data: { grant: 'text', by: ['client', 'account', 'operator'] }
  },

  'token.issued': {
    outcome: success,
    data: {
      grantType: 'text',
      'jti?': 'text',
      'grantId?': 'text',
      'scope?': 'list',
      'resource?': 'text',
      // whose token stood for the client's own assertion
      'assertionIssuer?': 'text',
      'assertionSubject?': 'text'
    }
  },
  // for whom: the account; who: the client, and the actor, who is another one only where a delegation says so
  'token.exchanged': {
    outcome: success,
    data: {
      mode: ['delegation', 'impersonation'],
      actor: 'text',
      jti: 'text',
      scope: 'list',
      resource: 'text',
      subjectJti: 'text',
      subjectClient: 'text',
      from: 'text',
      'actedBefore?': 'list'
    }
  },
  'token.refused': {
    outcome: refused,
    data: { 'grantType?': 'text', error: 'text', 'reason?': 'text' }
  },
  'token.revoked': {
    outcome: success,
    data: { kind: ['access_token', 'refresh_token'], 'jti?': 'text', 'grantId?': 'text' }
  },

  'refresh.rotated': { outcome: success, data: { familyId: 'text', generation: 'number' } },
  'refresh.leeway_answered': {
    outcome: success,
    data: { familyId: 'text', generation: 'number', 'firstAddress?': 'text' }
  },
  'refresh.reuse_detected': {
    outcome: refused,
    data: {
      familyId: 'text',
      generation: 'number',
      'currentGeneration?': 'number',
      'reason?': 'text'
    }
  },
  'refresh.client_mismatch': {
    outcome: refused,
    data: { familyId: 'text', 'generation?': 'number', 'reason?': 'text' }
  },
  'refresh.refused_stale': { outcome: refused, data: { familyId: 'text', generation: 'number' } },

  'device.started': { outcome: success, data: { 'scope?': 'list' } },
  'device.approved': { outcome: success, data: { 'grantId?': 'text' } },
  'device.declined': { outcome: refused, data: {} },
  'device.throttled': { outcome: refused, data: {} },

  'backchannel.started': {
    outcome: success,
    data: { 'scope?': 'list', 'bindingMessage?': 'text' }
  },
  'backchannel.refused': { outcome: refused, data: { reason: ['unknown_user', 'throttled'] } },
  'backchannel.approved': { outcome: success, data: { grantId: 'text', 'scope?': 'list' } },
  'backchannel.declined': { outcome: refused, data: {} },
  'ping.delivered': { outcome: success, data: { attempts: 'number' } },
  'ping.failed': { outcome: refused, data: { attempts: 'number', reason: 'text' } },

  'client.created': { outcome: success, data: { via: ['config', 'cli', 'registration', 'admin'] } },
  'client.updated': {
    outcome: success,
    data: { via: ['config', 'cli', 'registration', 'admin'], 'members?': 'list' }
  },
  'client.disabled': {
    outcome: success,
    data: { via: ['config', 'cli', 'registration', 'admin'] }
  },
  'client.enabled': { outcome: success, data: { via: ['config', 'cli', 'registration', 'admin'] } },
  'client.deleted': { outcome: success, data: { via: ['config', 'cli', 'registration', 'admin'] } },
  'client.reaped': { outcome: success, data: { unusedSeconds: 'number' } },
  'client.secret_rotated': {
    outcome: success,
    data: { via: ['config', 'cli', 'registration', 'admin'] }
  },
  'client.document_changed': { outcome: success, data: {} },
  'client.tokens_revoked': { outcome: success, data: { via: ['cli', 'admin'] } },
  'registration_token.created': { outcome: success, data: { id: 'text', uses: 'number' } },
  'registration_token.revoked': { outcome: success, data: { id: 'text' } },
  'registration.refused': { outcome: refused, data: { reason: 'text' } },

  'account.created': {
    outcome: success,
    data: { via: ['config', 'cli', 'admin', 'self'], 'upstream?': 'text' }
  },
  'account.updated': { outcome: success, data: { via: ['config', 'cli', 'admin', 'self'] } },
  'account.disabled': { outcome: success, data: { via: ['config', 'cli', 'admin', 'self'] } },
  'account.enabled': { outcome: success, data: { via: ['config', 'cli', 'admin', 'self'] } },
  'account.password_changed': {
    outcome: success,
    data: { via: ['config', 'cli', 'admin', 'self'] }
  },
  'account.password_reset': { outcome: success, data: {} },
  'account.email_verified': { outcome: success, data: {} },
  'account.email_changed': { outcome: success, data: {} },
  'account.deletion_requested': { outcome: success, data: {} },
  'account.deletion_cancelled': { outcome: success, data: {} },
  'account.deleted': { outcome: success, data: {} },
  'account.data_downloaded': { outcome: success, data: {} },
  // how many others the person signed out with it
  'sessions.ended': { outcome: success, data: { count: 'number' } },
  'passkey.added': { outcome: success, data: { name: 'text' } },
  'passkey.renamed': { outcome: success, data: { name: 'text' } },
  'passkey.removed': { outcome: success, data: { name: 'text' } },
  'totp.enabled': { outcome: success, data: {} },
  'totp.removed': { outcome: success, data: {} },
  'recovery_codes.created': { outcome: success, data: { count: 'number' } },
  'recovery_code.used': { outcome: success, data: { left: 'number' } },
  'identity.linked': { outcome: success, data: { issuer: 'text', upstream: 'text' } },
  'identity.unlinked': { outcome: success, data: { issuer: 'text', upstream: 'text' } },

  'mail.sent': { outcome: success, data: { kind: 'text', attempts: 'number' } },
  'mail.failed': { outcome: refused, data: { kind: 'text', attempts: 'number', reason: 'text' } },

  'database.restored': {
    outcome: success,
    data: { epoch: 'number', families: 'number', grants: 'number', sessions: 'number' }
  },

  'key.created': { outcome: success, data: { kid: 'text', purpose: 'text', 'alg?': 'text' } },
  'key.activated': { outcome: success, data: { kid: 'text', purpose: 'text', 'alg?': 'text' } },
  'key.retiring': { outcome: success, data: { kid: 'text', purpose: 'text', 'alg?': 'text' } },
  'key.retired': { outcome: success, data: { kid: 'text', purpose: 'text', 'alg?': 'text' } },
  'key.burnt': {
    outcome: success,
    data: { kid: 'text', purpose: 'text', 'alg?': 'text', 'was?': 'text', 'successor?': 'text' }
  },
  'server_secret.created': { outcome: success, data: { purpose: 'text', version: 'number' } },
  'server_secret.activated': { outcome: success, data: { purpose: 'text', version: 'number' } },
  'server_secret.retired': { outcome: success, data: { purpose: 'text', version: 'number' } },
  'master_key.replaced': { outcome: success, data: { values: 'number' } }
} as const satisfies Record<string, EventRule>

export type AuditEventType = keyof typeof auditEvents

type ValueOf<F> = F extends 'text'
  ? string
  : F extends 'number'
    ? number
    : F extends 'list'
      ? readonly string[]
      : F extends readonly (infer Word)[]
        ? Word
        : never

type DataOf<D> = {
  -readonly [K in keyof D as K extends `${string}?` ? never : K]: ValueOf<D[K]>
} & {
  -readonly [K in keyof D as K extends `${infer Name}?` ? Name : never]?: ValueOf<D[K]> | undefined
}

/** Who and what an event is about, as far as it is known. */
export interface AuditContext {
  /** `accounts.id`; anything that is not a UUID is left out */
  accountId?: string | undefined
  clientId?: string | undefined
  /** the peer's address, as the proxies that we trust tell it */
  address?: string | undefined
  requestId?: string | undefined
  /** an address that is told by mail besides the account's own; it does not stand in the trail */
  alsoTo?: string | undefined
}

/** One security event; `data` has exactly the shape that the catalogue gives its type. */
export type AuditEvent = {
  [T in AuditEventType]: AuditContext & {
    type: T
    data: DataOf<(typeof auditEvents)[T]['data']>
  }
}[AuditEventType]

/** Somebody who takes events: the unit of work, or a store. */
export type RecordAuditEvent = (event: AuditEvent) => Promise<void>

const textLimit = 256
const listLimit = 50
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * A text that is safe in a column, a log line and a terminal: well-formed, without control, format and line-breaking characters, at
 * most 256 UTF-16 units. PostgreSQL refuses NUL in text and lone surrogates in jsonb: one such value would roll back the transaction.
 */
export function cleanText(value: string): string {
  const clean = value
    .slice(0, textLimit * 4)
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '')
  return clean.length > textLimit ? `${clean.slice(0, textLimit - 1).toWellFormed()}…` : clean
}

function cleanValue(field: Field, value: unknown): unknown {
  if (field === 'number')
    return typeof value === 'number' && Number.isFinite(value) ? value : undefined
  if (field === 'list') {
    if (!Array.isArray(value)) return undefined
    const texts = value.filter(item => typeof item === 'string')
    return texts.slice(0, listLimit).map(cleanText)
  }
  if (typeof value !== 'string') return undefined
  if (field === 'text') return cleanText(value)
  return field.includes(value) ? value : undefined
}

/** The row that an event becomes: declared fields only, whatever else an object may carry. */
export function auditRow(event: AuditEvent): AuditRow {
  const { outcome, data: fields }: EventRule = auditEvents[event.type]
  const given: Record<string, unknown> = event.data
  const data: Record<string, unknown> = {}
  for (const [declared, field] of Object.entries(fields)) {
    const name = declared.endsWith('?') ? declared.slice(0, -1) : declared
    const value = cleanValue(field, given[name])
    if (value !== undefined) data[name] = value
  }
  const { accountId, clientId, address, requestId, alsoTo = null } = event
  return {
    type: event.type,
    outcome,
    accountId: accountId !== undefined && uuid.test(accountId) ? accountId : null,
    clientId: clientId === undefined ? null : cleanText(clientId),
    address: address === undefined ? null : cleanText(address),
    requestId: requestId === undefined ? null : cleanText(requestId),
    data,
    ...(isToldByMail(event.type) && { told: { alsoTo } })
  }
}
