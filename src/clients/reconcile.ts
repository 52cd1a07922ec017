// Clients of the configuration file, brought into the database at a start: declared there, owned there. One that has left the file is
// disabled, never deleted; one that comes back starts without what it held before.
// Refuses ids that are owned otherwise, and files of which nothing tells whether they are newer (`Revision`).

import { digest } from '../lib/secret.ts'
import { type ClientStore, createClientStore, type WrittenRevision } from '../store/clients.ts'
import type { Database, Queries } from '../store/database.ts'
import {
  type ClientMetadata,
  type ClientType,
  needsSecret,
  type RegisteredClient,
  signsWithSecret
} from './client.ts'
import { clientIdProblem } from './client-id.ts'
import type { CheckedMetadata, MetadataProblem, MetadataSource } from './metadata.ts'
import { type SecretSealer, sealSecret } from './sealed-secrets.ts'
import { secretOverlapSeconds, secretProblem } from './secrets.ts'
import { canonicalJson, registered } from './stored.ts'

/** A client as the file declares it: its metadata, and these. */
export interface ConfiguredClient {
  readonly client_id: string
  readonly type: ClientType
  /** the value itself; left out: whatever secrets the client has, it keeps */
  readonly client_secret?: string | undefined
  readonly [member: string]: unknown
}

/**
 * How new a configuration is: the number of its key `clientsRevision`, or else when the file was changed last (milliseconds).
 * It decides which file wins, when two processes have different ones; a start with an older file writes nothing, so that they do not
 * go to and fro:
 * 1. a file with the key beats every file without; among those with it, the higher number wins;
 * 2. among files without it, the one changed last wins. That is right on one machine, and as good as the clocks elsewhere: whoever
 *    runs several machines gives the key;
 * 3. a variable has no age of its own: it is as new as the start that reads it, and next to a file the later start wins;
 * 4. a start that has neither file nor variable says nothing, and changes nothing: what is missing may have been forgotten;
 * 5. equal revisions with different clients refuse to start, for nothing tells which is meant.
 *
 * Secrets are not part of what 5 compares: they come from variables that change without the file. A secret that is not live yet is
 * added, and the one before it stays valid for a day, so that processes with the old and the new one agree meanwhile. To end a leaked
 * one at once, take the client out of the file for one start.
 */
export interface Revision {
  from: 'key' | 'file' | 'variable' | 'nothing'
  value: number
}

export interface ReconcileProblem extends MetadataProblem {
  clientId: string
}

export type Reconciled =
  | { ok: true; outcome: 'older'; written: WrittenRevision }
  | {
      ok: true
      outcome: 'written'
      /** client ids; all empty when the file says what is stored */
      created: string[]
      updated: string[]
      enabled: string[]
      disabled: string[]
      /** have neither a secret nor keys yet: `mintmark clients rotate-secret` makes one */
      withoutSecret: string[]
    }
  | { ok: false; problems: ReconcileProblem[] }

interface Wanted {
  clientId: string
  type: ClientType
  metadata: ClientMetadata
  /** what the file says of it, without defaults: those of another version must not look like another file */
  declared: Record<string, unknown>
  secret: { secret: string; digest: Buffer } | undefined
}

interface ReconcilerOptions {
  database: Database
  check: (type: ClientType, metadata: unknown, source: MetadataSource) => CheckedMetadata
  resources: readonly string[]
  onDisabled: (clientIds: readonly string[], sql: Queries) => Promise<void>
  sealer?: SecretSealer | undefined
}

/** What the policy has against the clients of a file, all of them at once: without a look at what is stored. */
export function declaredClientProblems(
  configured: readonly ConfiguredClient[],
  policy: Pick<ReconcilerOptions, 'check' | 'resources'>
): ReconcileProblem[] {
  return checkAll(configured, policy).problems
}

function checkAll(
  configured: readonly ConfiguredClient[],
  { check, resources }: Pick<ReconcilerOptions, 'check' | 'resources'>
) {
  const problems: ReconcileProblem[] = []
  const wanted = new Map<string, Wanted>()
  for (const { client_id: clientId, type, client_secret: secret, ...members } of configured) {
    const report = (member: string, problem: string) => problems.push({ clientId, member, problem })
    const idProblem = clientIdProblem(clientId, resources)
    if (idProblem !== undefined) report('client_id', idProblem)
    if (wanted.has(clientId)) report('client_id', 'is declared twice')
    const checked = check(type, members, 'config')
    if (!checked.ok) for (const { member, problem } of checked.problems) report(member, problem)
    const weak = secret === undefined ? undefined : secretProblem(secret)
    if (weak !== undefined) report('client_secret', weak)
    if (!checked.ok) continue
    if (secret !== undefined && !needsSecret(checked.metadata)) {
      const method = checked.metadata.token_endpoint_auth_method
      report('client_secret', `is of no use with token_endpoint_auth_method ${method}`)
    }
    const hashed = secret === undefined ? undefined : { secret, digest: digest(secret) }
    const { metadata } = checked
    const declared = Object.fromEntries(
      Object.entries(metadata).filter(([member]) => Object.hasOwn(members, member))
    )
    wanted.set(clientId, { clientId, type, metadata, declared, secret: hashed })
  }
  return { problems, wanted }
}

export function createReconciler(options: ReconcilerOptions) {
  const { database, check, resources, onDisabled, sealer } = options
  return {
    /** All or nothing, under a lock over all processes. Problems of all clients are reported at once, and nothing is written then. */
    async reconcile(
      configured: readonly ConfiguredClient[],
      revision: Revision
    ): Promise<Reconciled> {
      const { problems, wanted } = checkAll(configured, { check, resources })
      const now: WrittenRevision = { ...revision, digest: digestOf([...wanted.values()]) }
      return database.transaction(async tx => {
        const store = createClientStore({ sql: tx })
        const written = await store.lockRevision()
        const stored = (await store.listForReconcile([...wanted.keys()])).map(registered)
        for (const client of stored) {
          if (client.owner !== 'config') problems.push(ownedOtherwise(client))
        }
        if (problems.length > 0) return { ok: false, problems }
        const age = compareRevisions(now, written)
        if (written !== undefined && age === 'older') return { ok: true, outcome: 'older', written }
        if (age === 'unclear') return { ok: false, problems: [unclear(revision)] }
        const done = await write(store, tx, wanted, new Map(stored.map(c => [c.clientId, c])))
        await store.putRevision(now)
        return { ok: true, outcome: 'written', ...done }
      })
    }
  }

  async function write(
    store: ClientStore,
    tx: Queries,
    wanted: ReadonlyMap<string, Wanted>,
    stored: ReadonlyMap<string, RegisteredClient>
  ) {
    const created: string[] = []
    const updated: string[] = []
    const enabled: string[] = []
    const disabled: string[] = []
    /** whose grants end, though they are enabled */
    const ended: string[] = []
    const withoutSecret: string[] = []
    for (const client of wanted.values()) {
      const { clientId } = client
      const current = stored.get(clientId)
      if (current === undefined) {
        const { type, metadata } = client
        await store.insert({ clientId, type, owner: 'config', metadata, seeded: false })
        created.push(clientId)
      } else {
        if (differs(client, current)) {
          await store.update(clientId, client.type, client.metadata)
          updated.push(clientId)
        }
        if (current.disabledAt !== undefined) {
          await store.enable(clientId)
          enabled.push(clientId)
        }
        // another type of client, or one that was gone: what the former one was granted is not its
        if (current.disabledAt !== undefined || current.type !== client.type) {
          await store.refuseEarlierTokens(clientId)
          ended.push(clientId)
        }
      }
      await writeSecret(store, client, current, sealer)
      const signs = signsWithSecret(client.metadata)
      const had = current?.secrets.some(({ sealed }) => !signs || sealed !== undefined)
      const has = client.secret !== undefined || had === true
      if (needsSecret(client.metadata) && !has) withoutSecret.push(clientId)
    }
    for (const current of stored.values()) {
      if (wanted.has(current.clientId) || current.disabledAt !== undefined) continue
      await store.disable(current.clientId)
      disabled.push(current.clientId)
    }
    const over = [...ended, ...disabled]
    if (over.length > 0) await onDisabled(over, tx)
    return { created, updated, enabled, disabled, withoutSecret }
  }
}

async function writeSecret(
  store: ClientStore,
  wanted: Wanted,
  current: RegisteredClient | undefined,
  sealer: SecretSealer | undefined
): Promise<void> {
  const { clientId, metadata } = wanted
  const all = current?.secrets ?? []
  if (!needsSecret(metadata)) {
    if (all.length > 0) await store.dropOtherSecrets(clientId)
    return
  }
  const signs = signsWithSecret(metadata)
  const live = all.filter(({ sealed }) => !signs || sealed !== undefined)
  if (live.length < all.length) await store.dropUnsealedSecrets(clientId)
  if (!signs && all.some(({ sealed }) => sealed !== undefined)) {
    await store.forgetSealedSecrets(clientId)
  }
  if (wanted.secret === undefined) return
  const { digest: secret } = wanted.secret
  const sealed = await sealSecret(sealer, wanted, wanted.secret)
  if (current?.disabledAt !== undefined) {
    // a client that comes back is known by the file's secret only
    await store.putSecret(clientId, secret, sealed)
    await store.dropOtherSecrets(clientId, secret)
    return
  }
  // live already, be it as the older one: another process has a newer secret, and writing would go to and fro
  if (live.some(known => known.digest.equals(secret))) return
  const newest = live[0]?.digest
  if (newest !== undefined) await store.dropOtherSecrets(clientId, newest)
  await store.putSecret(clientId, secret, sealed)
  await store.expireOtherSecrets(clientId, secret, secretOverlapSeconds.usual)
}

function differs(wanted: Wanted, current: RegisteredClient): boolean {
  return (
    wanted.type !== current.type ||
    canonicalJson(wanted.metadata) !== canonicalJson(current.metadata)
  )
}

function digestOf(wanted: readonly Wanted[]): string {
  const described = wanted
    .map(({ clientId, type, declared }) => canonicalJson({ clientId, type, declared }))
    .sort()
  return digest(...described).toString('base64url')
}

/** `same` and `newer` may write: rows that differ all the same are put right. */
function compareRevisions(
  now: WrittenRevision,
  written: WrittenRevision | undefined
): 'newer' | 'same' | 'older' | 'unclear' {
  if (written === undefined) return 'newer'
  if (now.from !== written.from) {
    return written.from === 'key' || now.from === 'nothing' ? 'older' : 'newer'
  }
  if (now.value !== written.value) return now.value > written.value ? 'newer' : 'older'
  return now.digest === written.digest ? 'same' : 'unclear'
}

function ownedOtherwise({ clientId, owner }: RegisteredClient): ReconcileProblem {
  const how = owner === 'cli' ? 'made on the command line' : 'registered dynamically'
  const problem = `exists already and was ${how}: choose another id, or delete it with \`mintmark clients delete ${clientId} --yes\``
  return { clientId, member: 'client_id', problem }
}

function unclear(revision: Revision): ReconcileProblem {
  const problem =
    revision.from === 'key'
      ? `is ${revision.value}, and other clients were written with the same number: raise clientsRevision in the file that is meant`
      : 'is needed: other clients were written from a file of the same age; set it, higher in the file that is meant'
  return { clientId: '', member: 'clientsRevision', problem }
}
