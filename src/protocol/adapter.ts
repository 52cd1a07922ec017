// The engine's storage adapter, one per model: reads answer from the unit of work where it knows already, writes are gathered there as
// evidence or effect. Values are hashed before they become keys, and members that would open something are sealed. It
// refuses to store opaque access tokens: every access token is a JWT.

import { type Adapter, type AdapterPayload, errors, Provider } from 'oidc-provider'
import { Fault } from '../lib/fault.ts'
import type { Sealer } from '../lib/seal.ts'
import { digest, hmac } from '../lib/secret.ts'
import type { ArtifactKey, ArtifactRow, ArtifactStore } from '../store/artifacts.ts'
import type { GrantStore, LiveGrant, Payload } from '../store/grants.ts'
import type { AccessTokens } from './access-tokens.ts'
import type { ArtifactBuckets } from './artifact-buckets.ts'
import { isBound, type RefreshRequest, type RefreshTokens } from './refresh-tokens.ts'
import type { ResourceCatalogue } from './resources.ts'
import type { SessionAdapter } from './session-adapter.ts'
import { noteEvidence, type UnitOfWork, type UnitOfWorkRunner } from './unit-of-work.ts'

export interface AdapterDependencies {
  issuer: string
  units: UnitOfWorkRunner
  artifacts: ArtifactStore
  buckets: ArtifactBuckets
  grants: GrantStore
  sessions: SessionAdapter
  refreshTokens: RefreshTokens
  accessTokens: AccessTokens
  resources: Pick<ResourceCatalogue, 'listsStatus'>
  saveRegisteredClient(clientId: string, metadata: Payload): Promise<string | undefined>
  deleteRegisteredClient(clientId: string): Promise<void>
  seal: Sealer
  /** HMAC keys of device flow user codes, the current one first: they have far fewer than 128 bits (RFC 8628 §5.1). */
  userCodeKeys: () => Buffer[]
  deviceIntervalSeconds: number
  grantLifetimeSeconds: number
  now: () => Date
}

/** Members of a row that would open something, had by whoever reads the database. */
const sealedMembers: Record<string, readonly string[]> = {
  Interaction: ['returnTo', 'session', 'deviceCode', 'parJti'],
  DeviceCode: ['jti', 'userCode']
}

/** What a refresh token is looked up for, by the engine's name of the endpoint; nowhere else does a spent one count. */
const refreshPurposes: Record<string, RefreshRequest['purpose']> = {
  token: 'redeem',
  revocation: 'revoke'
}

/** Kinds that the engine asks for with `ignoreExpiration`, to tell "expired" from "unknown". */
const toldExpired = new Set(['AuthorizationCode', 'DeviceCode', 'PushedAuthorizationRequest'])

/** A NUL is in no parameter's alphabet (RFC 6749 appendix A), and PostgreSQL keeps none in jsonb: told here, it is the sender's mistake. */
function holdsNul(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0')
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsNul)
}

export function createAdapterFactory(deps: AdapterDependencies): (model: string) => Adapter {
  const { units, artifacts, grants } = deps
  const epoch = () => Math.floor(deps.now().getTime() / 1000)

  function unit(): UnitOfWork {
    const current = units.current()
    if (current === undefined)
      throw new Fault('internal', 'The engine was called outside a unit of work.')
    return current
  }

  /** A failure of the store reaches the engine as any other error, which makes a 500 of it: it is kept, for a 503. */
  async function guarded<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    const current = unit()
    try {
      return await work(current)
    } catch (error) {
      if (error instanceof Fault) current.fault ??= error
      throw error
    }
  }

  const artifactId = (kind: string, value: string) => digest('artifact', kind, value)

  /** Where the row of a value is: as it was read or written in this request, else as far as the value tells. */
  function keyOf(current: UnitOfWork, kind: string, value: string): ArtifactKey {
    const known = current.artifactBuckets.get(`${kind}:${value}`)
    return { id: artifactId(kind, value), bucket: known ?? deps.buckets.of(kind, value) }
  }
  const userCodeHashes = (code: string) =>
    deps.userCodeKeys().map(key => hmac(key, 'user code', code))

  function open(kind: string, row: ArtifactRow, value?: string): AdapterPayload {
    const context = { table: 'artifacts', column: 'sealed', key: row.id.toString('hex') }
    const secret: Payload = row.sealed
      ? JSON.parse(deps.seal.open(row.sealed, context).toString('utf8'))
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

  async function findArtifact(current: UnitOfWork, kind: string, value: string) {
    const written = current.written.get(`${kind}:${value}`)
    if (written !== undefined) return structuredClone(written) as AdapterPayload
    const key = keyOf(current, kind, value)
    if (kind === 'AuthorizationCode' || kind === 'DeviceCode') {
      const oidc = Provider.ctx?.oidc
      const polls = kind === 'DeviceCode' && oidc?.route === 'token'
      const found = polls
        ? await artifacts.poll(key, oidc?.client?.clientId ?? '')
        : await artifacts.findWithGrant(kind, key)
      if (found === undefined) return undefined
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
      if (
        'tooSoon' in found &&
        found.tooSoon &&
        payload.accountId === undefined &&
        !payload['error']
      ) {
        // RFC 8628 §3.5: "the interval MUST be increased by 5 seconds for this and all subsequent requests"; the statement did
        throw new errors.SlowDown('polling too quickly')
      }
      return payload
    }
    const row = await artifacts.find(kind, key)
    if (row === undefined) return undefined
    current.artifactBuckets.set(`${kind}:${value}`, row.bucket)
    const expired = row.remainingSeconds !== undefined && row.remainingSeconds <= 0
    return expired && !toldExpired.has(kind) ? undefined : open(kind, row, value)
  }

  function saveArtifact(
    current: UnitOfWork,
    kind: string,
    value: string,
    payload: Payload,
    ttl?: number
  ) {
    if (holdsNul(payload)) throw new errors.InvalidRequest('parameters must not contain NUL')
    const { id, bucket: written } = keyOf(current, kind, value)
    const bucket = typeof written === 'number' ? written : deps.buckets.ending(kind, ttl ?? 0)
    current.artifactBuckets.set(`${kind}:${value}`, bucket)
    const plain: Payload = { ...payload }
    const secret: Payload = {}
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
    const write = approves ? artifacts.settleStatement : artifacts.saveStatement
    const statement = write({
      id,
      bucket,
      kind,
      grantId: text('grantId'),
      clientId: text('clientId'),
      userCode: userCode === undefined ? undefined : userCodeHashes(userCode)[0],
      payload: plain,
      sealed:
        Object.keys(secret).length > 0
          ? deps.seal.seal(JSON.stringify(secret), context)
          : undefined,
      lifetimeSeconds: ttl,
      interval: kind === 'DeviceCode' ? deps.deviceIntervalSeconds : undefined
    })
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

  function saveGrant(current: UnitOfWork, id: string, payload: Payload) {
    const openid = payload['openid'] as { scope?: string } | undefined
    const audiences = Object.keys((payload['resources'] ?? {}) as object)
    current.effects.push(
      grants.saveStatement({
        id,
        accountId: String(payload['accountId']),
        clientId: String(payload['clientId']),
        sessionUid: Provider.ctx?.oidc?.session?.uid,
        offline: openid?.scope?.split(' ').includes('offline_access') ?? false,
        payload: Object.fromEntries(
          Object.entries(payload).filter(([name]) => name !== 'jti' && name !== 'exp')
        ),
        lifetimeSeconds: deps.grantLifetimeSeconds,
        status: audiences.some(deps.resources.listsStatus) ? 'listed' : 'unlisted'
      })
    )
  }

  async function findGrant(current: UnitOfWork, id: string) {
    const known = current.grants.has(id)
    const grant = known ? current.grants.get(id) : await grants.find(id)
    if (!known) current.grants.set(id, grant)
    if (grant === undefined) return undefined
    const exp = epoch() + Math.ceil(grant.remainingSeconds)
    return { ...grant.payload, jti: id, kind: 'Grant', exp } as AdapterPayload
  }

  function revokeGrant(current: UnitOfWork, id: string) {
    const key = `revoked:${id}`
    if (current.revokesAccessToken || current.written.has(key)) return
    current.written.set(key, true)
    const grant = current.grants.get(id)
    current.evidence.push(...grants.revokeStatements(id))
    noteEvidence(current, {
      type: 'grant.revoked',
      accountId: grant?.accountId,
      clientId: grant?.clientId,
      data: { grantId: id, reason: Provider.ctx?.oidc?.route ?? 'unknown' }
    })
  }

  /** The engine asks several models about one token: it is verified, and its state read, once a request. */
  function verifyOnce(current: UnitOfWork, jwt: string): ReturnType<AccessTokens['verify']> {
    const key = `jwt:${jwt}`
    const verifying = (current.written.get(key) ??
      deps.accessTokens.verify(current, jwt)) as ReturnType<AccessTokens['verify']>
    current.written.set(key, verifying)
    return verifying
  }

  async function findAccessToken(current: UnitOfWork, kind: string, value: string) {
    const atUserinfo = Provider.ctx?.oidc?.route === 'userinfo'
    const jwt = atUserinfo ? value : jwtBehind(current, value)
    if (jwt === undefined) return undefined
    const verified = await verifyOnce(current, jwt)
    if (verified === undefined || verified.kind !== kind) return undefined
    const payload: Payload = { ...verified.payload, jti: value }
    // Introspection tells the token's own jti and not the handle, and who a machine's token is for (RFC 9068 §2.2); revocation goes by
    // the handle.
    if (Provider.ctx?.oidc?.route === 'introspection') {
      payload['jti'] = verified.payload['jti']
      if (kind === 'ClientCredentials') payload['extra'] = { sub: payload['clientId'] }
    }
    if (!atUserinfo) return payload as AdapterPayload
    // userinfo accepts the issuer's own audience only
    if (verified.audience !== deps.issuer) return undefined
    delete payload['aud']
    return payload as AdapterPayload
  }

  function jwtBehind(current: UnitOfWork, value: string): string | undefined {
    return current.tokenHandle?.handle === value ? current.tokenHandle.jwt : undefined
  }

  async function denyAccessToken(current: UnitOfWork, value: string) {
    const jwt = jwtBehind(current, value)
    const verified = jwt === undefined ? undefined : await verifyOnce(current, jwt)
    if (verified === undefined) return
    const jti = String(verified.payload['jti'])
    const keep = Number(verified.payload['exp']) - epoch() + 60
    current.evidence.push(grants.denyStatement(jti, keep))
    noteEvidence(current, {
      type: 'token.revoked',
      clientId: String(verified.payload['clientId']),
      data: { kind: 'access_token', jti }
    })
  }

  function refreshRequest() {
    const oidc = Provider.ctx?.oidc
    return {
      purpose: refreshPurposes[oidc?.route ?? ''] ?? 'introspect',
      clientId: oidc?.client?.clientId ?? '',
      publicClient: oidc?.client?.clientAuthMethod === 'none'
    }
  }

  const common = (kind: string): Adapter => ({
    upsert: (id, payload, ttl) =>
      guarded(async current => saveArtifact(current, kind, id, payload as Payload, ttl)),
    find: id => guarded(current => findArtifact(current, kind, id)),
    findByUid: async () => undefined,
    findByUserCode: async () => undefined,
    consume: id =>
      guarded(async current => {
        const name =
          kind === 'PushedAuthorizationRequest' ? 'request_uri_spent' : 'grant_source_spent'
        current.effects.push(artifacts.consumeStatement(keyOf(current, kind, id), name))
      }),
    destroy: id =>
      guarded(async current => {
        current.written.delete(`${kind}:${id}`)
        const artifact = keyOf(current, kind, id)
        // Of two that resume one interaction, one gets a code; a refused one is gone all the same.
        if (kind === 'Interaction') {
          current.effects.push(artifacts.takeStatement(artifact, 'interaction_spent'))
        }
        current.evidence.push(artifacts.destroyStatement(artifact))
      }),
    revokeByGrantId: id => guarded(async current => revokeGrant(current, id))
  })

  const special: Record<string, Partial<Adapter>> = {
    Session: deps.sessions.adapter(guarded),
    Grant: {
      upsert: (id, payload) => guarded(async current => saveGrant(current, id, payload as Payload)),
      find: id => guarded(current => findGrant(current, id)),
      destroy: id => guarded(async current => revokeGrant(current, id))
    },
    RefreshToken: {
      upsert: (id, payload) =>
        guarded(async current => deps.refreshTokens.save(current, id, payload as Payload)),
      find: id =>
        guarded(async current => {
          const request = refreshRequest()
          current.publicClient = request.publicClient
          const payload = await deps.refreshTokens.find(current, id, request)
          // The engine looks at scope and more before it looks at reuse (grants/refresh_token.js): whoever presents a token that no key
          // protects must not choose what comes first.
          if (payload?.['consumed'] !== undefined && !isBound(payload)) {
            deps.refreshTokens.revoke(current, id)
            revokeGrant(current, String(payload['grantId']))
          }
          return payload as AdapterPayload | undefined
        }),
      // the rotation is one statement, gathered when the successor is saved
      consume: async () => undefined,
      destroy: id => guarded(async current => deps.refreshTokens.revoke(current, id))
    },
    AccessToken: {
      upsert: neverStored,
      find: id => guarded(current => findAccessToken(current, 'AccessToken', id)),
      destroy: id =>
        guarded(async current => {
          current.revokesAccessToken = true
          await denyAccessToken(current, id)
        })
    },
    ClientCredentials: {
      upsert: neverStored,
      find: id => guarded(current => findAccessToken(current, 'ClientCredentials', id)),
      destroy: id => guarded(current => denyAccessToken(current, id))
    },
    DeviceCode: {
      findByUserCode: code =>
        guarded(async () => {
          const row = await artifacts.findByUserCode(userCodeHashes(code))
          return row && open('DeviceCode', row)
        })
    },
    Client: {
      upsert: (id, payload) =>
        guarded(async current => {
          current.issuedSecret = await deps.saveRegisteredClient(id, payload as Payload)
        }),
      // Client.find is ours (client.ts): the engine never asks here
      find: async () => undefined,
      destroy: id => guarded(() => deps.deleteRegisteredClient(id))
    }
  }

  return model => ({ ...common(model), ...special[model] })
}

async function neverStored(): Promise<undefined> {
  throw new Fault('internal', 'An access token without an audience was about to be stored.')
}
