// The registered clients (RFC 7591, RFC 7592): found by every request from memory, changed under a lock on their row.
// Memory is believed only while the change feed is confirmed, else the database is asked: a disabled client is refused within a second
// on every process. Refuses to change what the configuration file owns.

import { appendAuditEvent } from '../audit/record.ts'
import { createCache } from '../lib/cache.ts'
import { Fault } from '../lib/fault.ts'
import { digest } from '../lib/secret.ts'
import { createClientStore, type StoredSecret } from '../store/clients.ts'
import type { Database, Queries } from '../store/database.ts'
import { createRegistrationTokenStore } from '../store/registration-tokens.ts'
import { createStatusListStore, type StatusEntry } from '../store/status-lists.ts'
import {
  type ClientOwner,
  type ClientType,
  needsSecret,
  type RegisteredClient,
  type RegistrationPolicy,
  signsWithSecret
} from './client.ts'
import { clientIdProblem, issueClientId } from './client-id.ts'
import {
  type CheckedMetadata,
  checkClientMetadata,
  type MetadataContext,
  type MetadataProblem,
  type MetadataSource
} from './metadata.ts'
import {
  type ConfiguredClient,
  createReconciler,
  type Reconciled,
  type Revision
} from './reconcile.ts'
import { applyRegistrationPolicy } from './registration-policy.ts'
import { type SecretSealer, sealSecret } from './sealed-secrets.ts'
import { issueClientSecret, liveSecrets, secretOverlapSeconds, secretProblem } from './secrets.ts'
import { registered } from './stored.ts'
import { createWorkloads } from './workloads.ts'

/** What the registry needs of the change feed. */
export interface ClientFeed {
  /** heard from less than a second ago */
  confirmed(): boolean
  on(table: 'clients' | 'client_secrets', listener: (clientId: string) => void): void
  onGap(listener: () => void): void
}

type Rules = Pick<MetadataContext, 'trustedIssuers' | 'conformance' | 'mutualTls' | 'detailTypes'>

export interface RegistryOptions extends Rules {
  database: Database
  feed: ClientFeed
  /** milliseconds */
  now: () => number
  development: boolean
  /** identifiers of the configured resources */
  resources: readonly string[]
  /** seals the secrets of clients that sign with them */
  sealer?: SecretSealer
  /** ends the clients' grants and refresh families, in the transaction that disables or deletes them */
  onDisabled: (clientIds: readonly string[], sql: Queries) => Promise<void>
  /** clients kept in memory at most */
  cached?: number
}

export interface NewClient {
  /** left out: made here */
  clientId?: string
  type: ClientType
  owner: Exclude<ClientOwner, 'config' | 'document'>
  /** wire members; checked */
  metadata: unknown
  /** left out: made here, if the client needs one */
  secret?: string
  /** made by a development start: a production start disables it */
  seeded?: boolean
  /** the initial access token that it is registered with: one use of it is taken with the client */
  registration?: { tokenId: string; policy: RegistrationPolicy } | undefined
  /** verified; the metadata has its claims already */
  softwareStatement?: string | undefined
}

export type Invalid = { ok: false; reason: 'invalid'; problems: MetadataProblem[] }
export type Refusal = { ok: false; reason: 'not_found' | 'owned_by_config' | 'owned_by_document' }

export type Created =
  /** `secret` is undefined for clients without one; it is shown now and never again */
  | { ok: true; client: RegisteredClient; secret: string | undefined }
  | Invalid
  | { ok: false; reason: 'taken' | 'token_spent' }

export type Updated =
  /** `secret` is there when the client needs one since this update */
  { ok: true; client: RegisteredClient; secret: string | undefined } | Invalid | Refusal

export type Changed = { ok: true; changed: boolean } | Refusal

export type Rotated =
  | { ok: true; secret: string; secrets: StoredSecret[] }
  | { ok: false; reason: 'not_found' | 'no_secret_needed' | 'two_live_secrets' }

export interface ClientRegistry {
  /** The client for a request; undefined when unknown or disabled. @throws Fault `store_unavailable` */
  find(clientId: string): Promise<RegisteredClient | undefined>
  /** The client as it is stored, disabled or not, never from memory. */
  findStored(clientId: string): Promise<RegisteredClient | undefined>
  listSecrets(clientId: string): Promise<StoredSecret[]>
  /** In the order of client ids. */
  list(page?: { after?: string; limit?: number }): Promise<RegisteredClient[]>
  /** Those that tokens of other issuers may stand for, and that are not disabled. @throws Fault `store_unavailable` */
  listWorkloads(): Promise<readonly RegisteredClient[]>
  create(client: NewClient): Promise<Created>
  /** Changes members; `null` removes one. The policy judges the resulting object. */
  update(
    clientId: string,
    changes: object,
    source: MetadataSource,
    softwareStatement?: string
  ): Promise<Updated>
  /** Refuses it from now on, and ends its grants and refresh families. */
  disable(clientId: string): Promise<Changed>
  /** Accepts it again; what it held before stays ended. */
  enable(clientId: string): Promise<Changed>
  /** Ends all that it holds: machine tokens, grants, refresh families. It may ask for new ones; whoever owns it stays the owner. */
  revokeTokens(clientId: string, via: 'cli' | 'admin'): Promise<Changed>
  /** Removes it for good. One that the configuration owns must have left the file first. */
  delete(clientId: string): Promise<Changed>
  /**
   * Makes a second secret, valid at once.
   * @param old.keepSeconds how long the older one stays valid beside it, 7 days at most; `revoke` ends all older ones now
   */
  rotateSecret(clientId: string, old?: { keepSeconds: number } | 'revoke'): Promise<Rotated>
  /** For a development start: this secret is valid, and no other. @throws Fault `internal` for a client that needs none */
  setOnlySecret(clientId: string, secret: string): Promise<void>
  /** Notes that a secret was used: one statement an hour for each, none in between. For after the answer, never before it. */
  noteSecretUse(clientId: string, digest: Buffer): Promise<void>
  /** Where the status of its machine tokens is published from now on; undefined when it is disabled or gone. */
  assignStatus(clientId: string): Promise<StatusEntry | undefined>
  /** Makes the stored clients those of the configuration file (reconcile.ts). */
  reconcile(configured: readonly ConfiguredClient[], revision: Revision): Promise<Reconciled>
  /** For a production start: disables what a development start has seeded; answers the client ids. */
  disableSeeded(): Promise<string[]>
}

export function createClientRegistry(options: RegistryOptions): ClientRegistry {
  const { database, feed, now, resources, onDisabled, sealer } = options
  const rows = createClientStore({ sql: database })
  const statusLists = createStatusListStore({ sql: database })
  const remembered = createCache<RegisteredClient | undefined>({
    max: options.cached ?? 10_000,
    now
  })
  // keeps nothing; its single flight is all that is wanted
  const asked = createCache<RegisteredClient | undefined>({ max: 0, now })
  const workloads = createWorkloads({ rows, feed, now })
  const noted = createCache<true>({ max: 10_000, ttlSeconds: 3600, now })

  feed.on('clients', forget)
  feed.on('client_secrets', forget)
  feed.onGap(() => remembered.clear())

  function forget(clientId: string): void {
    remembered.delete(clientId)
    asked.delete(clientId)
    workloads.forget()
  }

  async function load(clientId: string): Promise<RegisteredClient | undefined> {
    const stored = await rows.find(clientId)
    return stored === undefined ? undefined : registered(stored)
  }

  function check(
    type: ClientType,
    metadata: unknown,
    source: MetadataSource,
    policy?: RegistrationPolicy
  ): CheckedMetadata {
    const checked = checkClientMetadata(metadata, { ...options, type, source })
    // an operator may let a client have more than its registration did
    const limited = checked.ok && source === 'registration' && policy !== undefined
    return limited ? applyRegistrationPolicy(policy, type, checked.metadata) : checked
  }

  /** Runs `work` with the client's row locked; this process forgets the client whatever comes of it. */
  async function change<T>(
    clientId: string,
    work: (
      client: RegisteredClient,
      store: ReturnType<typeof createClientStore>,
      tx: Queries
    ) => Promise<T>
  ): Promise<T | { ok: false; reason: 'not_found' }> {
    try {
      return await database.transaction(async tx => {
        const store = createClientStore({ sql: tx })
        // read after the lock: what was read before it may have changed while we waited
        await store.lock(clientId)
        const stored = await store.find(clientId)
        if (stored === undefined) return { ok: false, reason: 'not_found' }
        return work(registered(stored), store, tx)
      })
    } finally {
      forget(clientId)
    }
  }

  const ownedByConfig = { ok: false, reason: 'owned_by_config' } as const
  const reconciler = createReconciler({ database, check, onDisabled, resources, sealer })

  return {
    async find(clientId) {
      const client = feed.confirmed()
        ? await remembered.get(clientId, load)
        : await asked.get(clientId, load)
      return client?.disabledAt === undefined ? client : undefined
    },

    findStored: load,
    listSecrets: rows.listSecrets,

    async list({ after = '', limit = 1000 } = {}) {
      const stored = await rows.list({ after, limit })
      return stored.map(registered)
    },

    listWorkloads: workloads.list,

    async create(wanted) {
      const {
        clientId = issueClientId(),
        type,
        owner,
        secret,
        seeded = false,
        registration
      } = wanted
      const problems: MetadataProblem[] = []
      const idProblem = clientIdProblem(clientId, resources)
      if (idProblem !== undefined) problems.push({ member: 'client_id', problem: idProblem })
      const weak = secret === undefined ? undefined : secretProblem(secret)
      if (weak !== undefined) problems.push({ member: 'client_secret', problem: weak })
      const checked = check(type, wanted.metadata, owner, registration?.policy)
      if (!checked.ok) problems.push(...checked.problems)
      if (!checked.ok || problems.length > 0) return { ok: false, reason: 'invalid', problems }
      const { metadata: kept } = checked
      const issued = needsSecret(kept) ? secretFrom(secret) : undefined
      const sealed = issued && (await sealSecret(sealer, { clientId, metadata: kept }, issued))

      const client = await database.transaction(async tx => {
        const store = createClientStore({ sql: tx })
        if (registration !== undefined) {
          const tokens = createRegistrationTokenStore({ sql: tx })
          if (!(await tokens.use(registration.tokenId))) return 'token_spent'
        }
        const { softwareStatement } = wanted
        const fresh = { clientId, type, owner, seeded, registration, softwareStatement }
        if (!(await store.insert({ ...fresh, metadata: kept }))) return 'taken'
        if (issued !== undefined) await store.putSecret(clientId, issued.digest, sealed)
        return (await store.find(clientId)) ?? 'taken'
      })
      forget(clientId)
      return typeof client === 'string'
        ? { ok: false, reason: client }
        : { ok: true, client: registered(client), secret: issued?.secret }
    },

    update: (clientId, changes, source, softwareStatement) =>
      change(clientId, async (client, store): Promise<Updated> => {
        if (client.owner === 'config') return ownedByConfig
        if (client.owner === 'document') return { ok: false, reason: 'owned_by_document' }
        const whole = { ...client.metadata, ...changes }
        const checked = check(client.type, whole, source, client.registrationPolicy)
        if (!checked.ok) return { ok: false, reason: 'invalid', problems: checked.problems }
        await store.update(clientId, client.type, checked.metadata, softwareStatement)
        const needed = needsSecret(checked.metadata)
        const signs = signsWithSecret(checked.metadata)
        if (!needed) await store.dropOtherSecrets(clientId)
        else if (signs) await store.dropUnsealedSecrets(clientId)
        else await store.forgetSealedSecrets(clientId)
        const left = client.secrets.some(({ sealed }) => !signs || sealed !== undefined)
        const issued = needed && !left ? issueClientSecret() : undefined
        if (issued !== undefined) {
          const sealed = await sealSecret(sealer, { clientId, ...checked }, issued)
          await store.putSecret(clientId, issued.digest, sealed)
        }
        const updated = await store.find(clientId)
        if (updated === undefined) return { ok: false, reason: 'not_found' }
        return { ok: true, client: registered(updated), secret: issued?.secret }
      }),

    disable: clientId =>
      change(clientId, async (client, store, tx): Promise<Changed> => {
        if (client.owner === 'config') return ownedByConfig
        if (!(await store.disable(clientId))) return { ok: true, changed: false }
        await onDisabled([clientId], tx)
        return { ok: true, changed: true }
      }),

    enable: clientId =>
      change(clientId, async (client, store, tx): Promise<Changed> => {
        if (client.owner === 'config') return ownedByConfig
        if (!(await store.enable(clientId))) return { ok: true, changed: false }
        await onDisabled([clientId], tx)
        return { ok: true, changed: true }
      }),

    revokeTokens: (clientId, via) =>
      change(clientId, async (_client, store, tx): Promise<Changed> => {
        await store.refuseEarlierTokens(clientId)
        await onDisabled([clientId], tx)
        await appendAuditEvent(tx, { type: 'client.tokens_revoked', clientId, data: { via } })
        return { ok: true, changed: true }
      }),

    delete: clientId =>
      change(clientId, async (client, store, tx): Promise<Changed> => {
        if (client.owner === 'config' && client.disabledAt === undefined) return ownedByConfig
        await onDisabled([clientId], tx)
        await store.remove(clientId)
        return { ok: true, changed: true }
      }),

    rotateSecret: (clientId, old = { keepSeconds: secretOverlapSeconds.usual }) =>
      change(clientId, async (client, store): Promise<Rotated> => {
        if (!needsSecret(client.metadata)) return { ok: false, reason: 'no_secret_needed' }
        if (old !== 'revoke' && client.secrets.length >= liveSecrets) {
          return { ok: false, reason: 'two_live_secrets' }
        }
        const issued = issueClientSecret()
        await store.putSecret(clientId, issued.digest, await sealSecret(sealer, client, issued))
        if (old === 'revoke') await store.dropOtherSecrets(clientId, issued.digest)
        else await store.expireOtherSecrets(clientId, issued.digest, overlap(old.keepSeconds))
        return { ok: true, secret: issued.secret, secrets: await store.listSecrets(clientId) }
      }),

    async setOnlySecret(clientId, secret) {
      await change(clientId, async (client, store) => {
        const { secrets } = client
        if (!needsSecret(client.metadata))
          throw new Fault('internal', `${clientId} needs no secret.`)
        const hashed = digest(secret)
        if (secrets.length === 1 && secrets[0]?.digest.equals(hashed)) return
        const sealed = await sealSecret(sealer, client, { secret, digest: hashed })
        await store.putSecret(clientId, hashed, sealed)
        await store.dropOtherSecrets(clientId, hashed)
      })
    },

    async noteSecretUse(clientId, used) {
      await noted.get(`${clientId} ${used.toString('base64url')}`, async () => {
        await rows.noteSecretUse(clientId, used)
        return true
      })
    },

    async assignStatus(clientId) {
      const entry = await statusLists.assignToClient(clientId)
      forget(clientId)
      return entry
    },

    async reconcile(configured, revision) {
      const done = await reconciler.reconcile(configured, revision)
      // many may have changed, and starts are rare
      remembered.clear()
      workloads.forget()
      return done
    },

    async disableSeeded() {
      const disabled = await database.transaction(async tx => {
        const store = createClientStore({ sql: tx })
        const seeded = await store.listSeeded()
        for (const clientId of seeded) await store.disable(clientId)
        await onDisabled(seeded, tx)
        return seeded
      })
      disabled.forEach(forget)
      return disabled
    }
  }
}

function secretFrom(given: string | undefined): { secret: string; digest: Buffer } {
  return given === undefined ? issueClientSecret() : { secret: given, digest: digest(given) }
}

/** Whoever asks for longer gets the longest; a negative time is none. */
function overlap(seconds: number): number {
  return Math.min(Math.max(0, seconds), secretOverlapSeconds.most)
}
