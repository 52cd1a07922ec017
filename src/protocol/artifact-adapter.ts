// Artifacts as the engine's models: codes, interactions, pushed requests, device codes and their like, short-lived rows of one table. Values
// are hashed before they become keys, and members that would open something are sealed. A device that polls too fast is refused here.

import { type AdapterPayload, errors, Provider } from 'oidc-provider'
import type { Sealer } from '../lib/seal.ts'
import { digest, hmac } from '../lib/secret.ts'
import type { ArtifactKey, ArtifactRow, ArtifactStore } from '../store/artifacts.ts'
import type { LiveGrant, Payload } from '../store/grants.ts'
import type { ArtifactBuckets } from './artifact-buckets.ts'
import type { DocumentDigests } from './document-digests.ts'
import { noteEvidence, type UnitOfWork } from './unit-of-work.ts'

/** Members of a row that would open something, had by whoever reads the database. */
const sealedMembers: Record<string, readonly string[]> = {
  Interaction: ['returnTo', 'session', 'deviceCode', 'parJti'],
  DeviceCode: ['jti', 'userCode'],
  // among its parameters are the client's notification token, and hints that say who somebody is
  BackchannelAuthenticationRequest: ['jti', 'params']
}

/** Kinds that the engine asks for with `ignoreExpiration`, to tell "expired" from "unknown". */
const toldExpired = new Set([
  'AuthorizationCode',
  'DeviceCode',
  'BackchannelAuthenticationRequest',
  'PushedAuthorizationRequest'
])

/** Kinds that a client asks for again and again until a person has answered, and the name of a second answer. */
const polled: Record<string, { lost: string }> = {
  DeviceCode: { lost: 'device_code_used' },
  BackchannelAuthenticationRequest: { lost: 'request_decided' }
}

/** Whether a person has answered. Whose answer a backchannel request waits for is known from the start. */
function isSettled(kind: string, payload: Payload): boolean {
  const member = kind === 'DeviceCode' ? 'accountId' : 'grantId'
  return payload[member] !== undefined || payload['error'] !== undefined
}

/** What stands in a column in place of a value. */
export const artifactId = (kind: string, value: string) => digest('artifact', kind, value)

/** A NUL is in no parameter's alphabet (RFC 6749 appendix A), and PostgreSQL keeps none in jsonb: told here, it is the sender's mistake. */
function holdsNul(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0')
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsNul)
}

export interface ArtifactAdapterDependencies {
  artifacts: ArtifactStore
  buckets: ArtifactBuckets
  seal: Sealer
  /** HMAC keys of device flow user codes, the current one first: they have far fewer than 128 bits (RFC 8628 §5.1). */
  userCodeKeys: () => Buffer[]
  intervals: { deviceSeconds: number; backchannelSeconds: number }
  documents: DocumentDigests
  now: () => Date
}

export interface ArtifactAdapter {
  find(unit: UnitOfWork, kind: string, value: string): Promise<AdapterPayload | undefined>
  findByUserCode(unit: UnitOfWork, code: string): Promise<AdapterPayload | undefined>
  /** By where its row is, which opens nothing: for those of ours who know it (backchannel-approvals.ts). */
  findByPlace(unit: UnitOfWork, kind: string, key: ArtifactKey): Promise<AdapterPayload | undefined>
  save(unit: UnitOfWork, kind: string, value: string, payload: Payload, ttl?: number): void
  consume(unit: UnitOfWork, kind: string, value: string): void
  destroy(unit: UnitOfWork, kind: string, value: string): void
}

export function createArtifactAdapter(deps: ArtifactAdapterDependencies): ArtifactAdapter {
  const { artifacts, buckets, seal } = deps
  const epoch = () => Math.floor(deps.now().getTime() / 1000)
  const intervals: Record<string, number | undefined> = {
    DeviceCode: deps.intervals.deviceSeconds,
    BackchannelAuthenticationRequest: deps.intervals.backchannelSeconds
  }

  /** Where the row of a value is: as it was read or written in this request, else as far as the value tells. */
  function keyOf(current: UnitOfWork, kind: string, value: string): ArtifactKey {
    const known = current.artifactBuckets.get(`${kind}:${value}`)
    return { id: artifactId(kind, value), bucket: known ?? buckets.of(kind, value) }
  }
  const userCodeHashes = (code: string) =>
    deps.userCodeKeys().map(key => hmac(key, 'user code', code))

  function open(kind: string, row: ArtifactRow, value?: string): AdapterPayload {
    const context = { table: 'artifacts', column: 'sealed', key: row.id.toString('hex') }
    const secret: Payload = row.sealed
      ? JSON.parse(seal.open(row.sealed, context).toString('utf8'))
      : {}
    const payload: Payload = { ...row.payload, ...secret, kind }
    if (value !== undefined) payload['jti'] = value
    // what has expired is told by the database's clock; the engine compares with its own
    if (row.remainingSeconds !== undefined) {
      payload['exp'] = epoch() + Math.ceil(row.remainingSeconds)
    }
    if (row.consumed) {
      payload['consumed'] = true
      // the engine looks at expiry first; a replay tells that somebody else has the code, however late it comes
      payload['exp'] = epoch() + 60
    }
    return payload as AdapterPayload
  }

  function remember(current: UnitOfWork, grantId: unknown, grant: LiveGrant | undefined): void {
    if (typeof grantId === 'string') current.grants.set(grantId, grant)
  }

  async function find(current: UnitOfWork, kind: string, value: string) {
    const written = current.written.get(`${kind}:${value}`)
    if (written !== undefined) return structuredClone(written) as AdapterPayload
    const key = keyOf(current, kind, value)
    if (kind === 'AuthorizationCode' || polled[kind] !== undefined) {
      const oidc = Provider.ctx?.oidc
      const polls = polled[kind] !== undefined && oidc?.route === 'token'
      const found = polls
        ? await artifacts.poll(kind, key, oidc?.client?.clientId ?? '')
        : await artifacts.findWithGrant(kind, key)
      if (found === undefined) return undefined
      const artifact = `${kind}:${value}`
      if (!(await deps.documents.stillCounts(current, artifact, found.row.payload))) {
        return undefined
      }
      const payload = open(kind, found.row, value)
      remember(current, payload.grantId, found.grant)
      if (
        found.row.consumed &&
        oidc?.route === 'token' &&
        payload.clientId === oidc.client?.clientId
      ) {
        // RFC 6749 §4.1.2: the engine ends what the code brought, once PKCE and redirect URI have been checked
        noteEvidence(current, {
          type: 'code.replayed',
          accountId: payload.accountId,
          clientId: payload.clientId,
          data: { grantId: payload.grantId }
        })
      }
      // what is over is told as such, however soon
      const waits = !isSettled(kind, payload) && (found.row.remainingSeconds ?? 1) > 0
      if ('tooSoon' in found && found.tooSoon && waits) {
        // RFC 8628 §3.5: "the interval MUST be increased by 5 seconds for this and all subsequent requests"; the statement did
        throw new errors.SlowDown('polling too quickly')
      }
      return payload
    }
    const row = await artifacts.find(kind, key)
    if (row === undefined) return undefined
    current.artifactBuckets.set(`${kind}:${value}`, row.bucket)
    if (!(await deps.documents.stillCounts(current, `${kind}:${value}`, row.payload))) {
      return undefined
    }
    const expired = row.remainingSeconds !== undefined && row.remainingSeconds <= 0
    return expired && !toldExpired.has(kind) ? undefined : open(kind, row, value)
  }

  function save(current: UnitOfWork, kind: string, value: string, payload: Payload, ttl?: number) {
    if (holdsNul(payload)) throw new errors.InvalidRequest('parameters must not contain NUL')
    const { id, bucket: written } = keyOf(current, kind, value)
    const bucket = typeof written === 'number' ? written : buckets.ending(kind, ttl ?? 0)
    current.artifactBuckets.set(`${kind}:${value}`, bucket)
    const plain: Payload = { ...payload }
    const secret: Payload = {}
    deps.documents.stamp(current, `${kind}:${value}`, plain)
    for (const member of sealedMembers[kind] ?? []) {
      if (plain[member] !== undefined) secret[member] = plain[member]
      delete plain[member]
    }
    delete plain['jti']
    delete plain['exp']
    const context = { table: 'artifacts', column: 'sealed', key: id.toString('hex') }
    const text = (member: string) =>
      typeof payload[member] === 'string' ? (payload[member] as string) : undefined
    const userCode = text('userCode')
    const approves = kind === 'DeviceCode' && payload['accountId'] !== undefined
    const lost =
      approves || (kind !== 'DeviceCode' && isSettled(kind, payload))
        ? polled[kind]?.lost
        : undefined
    const artifact = {
      id,
      bucket,
      kind,
      grantId: text('grantId'),
      clientId: text('clientId'),
      userCode: userCode === undefined ? undefined : userCodeHashes(userCode)[0],
      payload: plain,
      sealed:
        Object.keys(secret).length > 0 ? seal.seal(JSON.stringify(secret), context) : undefined,
      lifetimeSeconds: ttl,
      interval: intervals[kind]
    }
    const statement =
      lost === undefined
        ? artifacts.saveStatement(artifact)
        : artifacts.settleStatement(artifact, lost)
    current.written.set(`${kind}:${value}`, structuredClone(payload))
    // Interactions belong to a page whose cookies leave in any case; a device code's approval is an effect, but that a person is at it,
    // declined it or failed must stay (the engine saves those and answers 400).
    const evidence =
      kind === 'Interaction' ||
      (kind === 'DeviceCode' &&
        !approves &&
        (payload['inFlight'] !== undefined || payload['error'] !== undefined))
    ;(evidence ? current.evidence : current.effects).push(statement)
  }

  return {
    find,
    save,
    async findByUserCode(current, code) {
      const row = await artifacts.findByUserCode(userCodeHashes(code))
      if (row === undefined) return undefined
      const payload = open('DeviceCode', row)
      const artifact = `DeviceCode:${payload.jti}`
      return (await deps.documents.stillCounts(current, artifact, row.payload))
        ? payload
        : undefined
    },
    async findByPlace(current, kind, key) {
      const row = await artifacts.find(kind, key)
      const over = row === undefined || row.consumed || (row.remainingSeconds ?? 1) <= 0
      if (over) return undefined
      const payload = open(kind, row)
      current.artifactBuckets.set(`${kind}:${payload.jti}`, row.bucket)
      return payload
    },
    consume(current, kind, id) {
      const name =
        kind === 'PushedAuthorizationRequest' ? 'request_uri_spent' : 'grant_source_spent'
      current.effects.push(artifacts.consumeStatement(keyOf(current, kind, id), name))
    },
    destroy(current, kind, id) {
      current.written.delete(`${kind}:${id}`)
      const artifact = keyOf(current, kind, id)
      // Of two that resume one interaction, one gets a code; a refused one is gone all the same.
      if (kind === 'Interaction') {
        current.effects.push(artifacts.takeStatement(artifact, 'interaction_spent'))
      }
      current.evidence.push(artifacts.destroyStatement(artifact))
    }
  }
}
