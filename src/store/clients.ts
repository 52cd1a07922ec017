// SQL of clients and their secrets (migrations/0004_clients.sql), and of the revision under which configured ones were written.
// Every write that must not be lost locks the client's row first; the change feed tells all processes by triggers.

import type { Queries } from './database.ts'
import type { StatusEntry } from './status-lists.ts'

type ClientType = 'web' | 'spa' | 'native' | 'machine'
type ClientOwner = 'config' | 'cli' | 'registration' | 'document'

/** A client as its rows say it. `metadata` is what the policy let through when it was written; here it is any object. */
export interface StoredClient {
  clientId: string
  type: ClientType
  owner: ClientOwner
  metadata: object
  secrets: { digest: Buffer; expiresAt: Date | undefined; sealed: Buffer | undefined }[]
  disabledAt: Date | undefined
  tokensNotBefore: Date | undefined
  status: StatusEntry | undefined
  seeded: boolean
  revision: number
  document: { digest: Buffer; freshUntil: Date; usableUntil: Date } | undefined
  /** what the initial access token allows that it was registered with */
  registrationPolicy: object | undefined
  softwareStatement: string | undefined
}

/** One row for each live secret, or one without: a client and its secrets in one statement. */
interface ClientRow {
  client_id: string
  type: ClientType
  owner: ClientOwner
  metadata: object
  revision: string
  seeded: boolean
  disabled_at: Date | null
  tokens_not_before: Date | null
  status_list: number | null
  status_idx: number | null
  digest: Buffer | null
  sealed: Buffer | null
  expires_at: Date | null
  document_digest: Buffer | null
  registration_policy: object | null
  software_statement: string | null
  fresh_until: Date
  usable_until: Date
}

export interface NewClient {
  clientId: string
  type: ClientType
  owner: ClientOwner
  metadata: object
  seeded: boolean
  registration?: { tokenId: string; policy: object } | undefined
  softwareStatement?: string | undefined
}

/** What was written last by a configuration, and how new that was. */
export interface WrittenRevision {
  from: 'key' | 'file' | 'variable' | 'nothing'
  value: number
  digest: string
}

/** A secret as administration sees it; `lastUsedAt` is exact to an hour. */
export interface StoredSecret {
  digest: Buffer
  createdAt: Date
  expiresAt: Date | undefined
  lastUsedAt: Date | undefined
}

const columns = `c.client_id, c.type, c.owner, c.metadata, c.revision, c.seeded, c.disabled_at, c.tokens_not_before,
  e.list AS status_list, e.idx AS status_idx, s.digest, s.expires_at, s.sealed, d.digest AS document_digest, d.fresh_until, d.usable_until,
  c.registration_policy, c.software_statement`
const liveSecret = '(s.expires_at IS NULL OR s.expires_at > clock_time())'
const withSecrets = `LEFT JOIN client_secrets s ON s.client_id = c.client_id AND ${liveSecret}
  LEFT JOIN status_entries e ON e.client_id = c.client_id AND e.ended_at IS NULL
  LEFT JOIN client_documents d ON d.client_id = c.client_id`
const order = 'ORDER BY c.client_id, s.created_at DESC, s.digest'

// any number, as long as it is the same in every version of the server
const reconcileLock = 7_591_001

export type ClientStore = ReturnType<typeof createClientStore>

export function createClientStore({ sql }: { sql: Queries }) {
  async function select(name: string, text: string, values: readonly unknown[]) {
    const { rows } = await sql.run<ClientRow>(name, text, values)
    return toClients(rows)
  }

  return {
    async find(clientId: string): Promise<StoredClient | undefined> {
      const found = await select(
        'clients.find',
        `SELECT ${columns} FROM clients c ${withSecrets} WHERE c.client_id = $1 ${order}`,
        [clientId]
      )
      return found[0]
    },

    /** Keeps others from changing the client until the transaction ends. Answers false for an unknown one. */
    async lock(clientId: string): Promise<boolean> {
      const { rowCount } = await sql.run(
        'clients.lock',
        'SELECT 1 FROM clients WHERE client_id = $1 FOR UPDATE',
        [clientId]
      )
      return rowCount === 1
    },

    /** In the order of client ids, after `after`. */
    async list(options: { after: string; limit: number }): Promise<StoredClient[]> {
      return select(
        'clients.list',
        `SELECT ${columns} FROM (SELECT * FROM clients WHERE client_id > $1 ORDER BY client_id LIMIT $2) c ${withSecrets} ${order}`,
        [options.after, options.limit]
      )
    },

    /** Those that tokens of other issuers may stand for, and that are not disabled. */
    async listWorkloads(): Promise<StoredClient[]> {
      return select(
        'clients.listWorkloads',
        `SELECT ${columns} FROM clients c ${withSecrets}
         WHERE c.metadata -> 'workload_identity' IS NOT NULL AND c.disabled_at IS NULL ${order}`,
        []
      )
    },

    /** Those that the configuration owns, and those of the named ids, whoever owns them. */
    async listForReconcile(clientIds: readonly string[]): Promise<StoredClient[]> {
      return select(
        'clients.listForReconcile',
        `SELECT ${columns} FROM clients c ${withSecrets} WHERE c.owner = 'config' OR c.client_id = ANY ($1) ${order}`,
        [clientIds]
      )
    },

    async listSeeded(): Promise<string[]> {
      const { rows } = await sql.run<{ client_id: string }>(
        'clients.listSeeded',
        'SELECT client_id FROM clients WHERE seeded AND disabled_at IS NULL ORDER BY client_id FOR UPDATE'
      )
      return rows.map(row => row.client_id)
    },

    /** Answers false when the id is taken. */
    async insert(client: NewClient): Promise<boolean> {
      const { rowCount } = await sql.run(
        'clients.insert',
        `INSERT INTO clients (client_id, type, owner, metadata, seeded, registration_token, registration_policy,
           software_statement) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (client_id) DO NOTHING`,
        [
          ...[client.clientId, client.type, client.owner, client.metadata, client.seeded],
          client.registration?.tokenId ?? null,
          client.registration?.policy ?? null,
          client.softwareStatement ?? null
        ]
      )
      return rowCount === 1
    },

    async update(
      clientId: string,
      type: ClientType,
      metadata: object,
      softwareStatement?: string
    ): Promise<void> {
      await sql.run(
        'clients.update',
        `UPDATE clients SET type = $2, metadata = $3, revision = revision + 1, updated_at = clock_time(),
           software_statement = coalesce($4, software_statement) WHERE client_id = $1`,
        [clientId, type, metadata, softwareStatement ?? null]
      )
    },

    /** Answers false when it was disabled already, or does not exist. */
    async disable(clientId: string): Promise<boolean> {
      const { rowCount } = await sql.run(
        'clients.disable',
        `UPDATE clients SET disabled_at = clock_time(), tokens_not_before = clock_time(), revision = revision + 1,
           updated_at = clock_time() WHERE client_id = $1 AND disabled_at IS NULL`,
        [clientId]
      )
      return rowCount === 1
    },

    /** Tokens of before stay refused. Answers false when it was enabled already, or does not exist. */
    async enable(clientId: string): Promise<boolean> {
      const { rowCount } = await sql.run(
        'clients.enable',
        `UPDATE clients SET disabled_at = NULL, tokens_not_before = clock_time(), revision = revision + 1,
           updated_at = clock_time() WHERE client_id = $1 AND disabled_at IS NOT NULL`,
        [clientId]
      )
      return rowCount === 1
    },

    async refuseEarlierTokens(clientId: string): Promise<void> {
      await sql.run(
        'clients.refuseEarlierTokens',
        'UPDATE clients SET tokens_not_before = clock_time() WHERE client_id = $1',
        [clientId]
      )
    },

    async remove(clientId: string): Promise<void> {
      await sql.run('clients.remove', 'DELETE FROM clients WHERE client_id = $1', [clientId])
    },

    async listSecrets(clientId: string): Promise<StoredSecret[]> {
      const { rows } = await sql.run<{
        digest: Buffer
        created_at: Date
        expires_at: Date | null
        last_used_at: Date | null
      }>(
        'clients.listSecrets',
        `SELECT digest, created_at, expires_at, last_used_at FROM client_secrets s
         WHERE client_id = $1 AND ${liveSecret} ORDER BY created_at DESC, digest`,
        [clientId]
      )
      return rows.map(row => ({
        digest: row.digest,
        createdAt: row.created_at,
        expiresAt: row.expires_at ?? undefined,
        lastUsedAt: row.last_used_at ?? undefined
      }))
    },

    /** A secret that is there already stays, and no longer expires. */
    async putSecret(clientId: string, digest: Buffer, sealed?: Buffer): Promise<void> {
      await sql.run(
        'clients.putSecret',
        `INSERT INTO client_secrets (client_id, digest, sealed) VALUES ($1, $2, $3)
         ON CONFLICT (client_id, digest) DO UPDATE
           SET expires_at = NULL, sealed = coalesce(excluded.sealed, client_secrets.sealed)`,
        [clientId, digest, sealed ?? null]
      )
    },

    /** Ends secrets that are digests only: nobody can verify an HMAC by them. */
    async dropUnsealedSecrets(clientId: string): Promise<void> {
      await sql.run(
        'clients.dropUnsealedSecrets',
        'DELETE FROM client_secrets WHERE client_id = $1 AND sealed IS NULL',
        [clientId]
      )
    },

    /** Keeps the digests alone. */
    async forgetSealedSecrets(clientId: string): Promise<void> {
      await sql.run(
        'clients.forgetSealedSecrets',
        'UPDATE client_secrets SET sealed = NULL WHERE client_id = $1 AND sealed IS NOT NULL',
        [clientId]
      )
    },

    /** All secrets but this one end in `seconds`, unless they end earlier anyway; expired ones leave. */
    async expireOtherSecrets(clientId: string, digest: Buffer, seconds: number): Promise<void> {
      await sql.run(
        'clients.dropExpiredSecrets',
        'DELETE FROM client_secrets WHERE client_id = $1 AND expires_at <= clock_time()',
        [clientId]
      )
      await sql.run(
        'clients.expireOtherSecrets',
        `UPDATE client_secrets SET expires_at = least(expires_at, clock_time() + make_interval(secs => $3))
         WHERE client_id = $1 AND digest <> $2`,
        [clientId, digest, seconds]
      )
    },

    /** Ends all secrets but this one now; without one, all. */
    async dropOtherSecrets(clientId: string, digest?: Buffer): Promise<void> {
      await sql.run(
        'clients.dropOtherSecrets',
        'DELETE FROM client_secrets WHERE client_id = $1 AND digest IS DISTINCT FROM $2::bytea',
        [clientId, digest ?? null]
      )
    },

    /** At most one write an hour for each secret, however many processes ask. */
    async noteSecretUse(clientId: string, digest: Buffer): Promise<void> {
      await sql.run(
        'clients.noteSecretUse',
        `UPDATE client_secrets SET last_used_at = clock_time() WHERE client_id = $1 AND digest = $2
         AND (last_used_at IS NULL OR last_used_at <= clock_time() - interval '1 hour')`,
        [clientId, digest]
      )
    },

    /** One reconciliation at a time, over all processes, until the transaction ends; answers what was written last. */
    async lockRevision(): Promise<WrittenRevision | undefined> {
      await sql.run('clients.lockRevision', 'SELECT pg_advisory_xact_lock($1)', [reconcileLock])
      const { rows } = await sql.run<{ value: WrittenRevision }>(
        'clients.revision',
        `SELECT value FROM settings WHERE name = 'clients_revision'`
      )
      return rows[0]?.value
    },

    async putRevision(revision: WrittenRevision): Promise<void> {
      await sql.run(
        'clients.putRevision',
        `INSERT INTO settings (name, value) VALUES ('clients_revision', $1)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = clock_time()`,
        [revision]
      )
    }
  }
}

function toClients(rows: readonly ClientRow[]): StoredClient[] {
  const byId = Map.groupBy(rows, row => row.client_id)
  return [...byId.values()].flatMap(group => {
    const [row] = group
    return row === undefined ? [] : [toClient(row, group)]
  })
}

function toClient(row: ClientRow, group: readonly ClientRow[]): StoredClient {
  return {
    clientId: row.client_id,
    type: row.type,
    owner: row.owner,
    metadata: row.metadata,
    secrets: group.flatMap(({ digest, expires_at, sealed }) =>
      digest === null
        ? []
        : [{ digest, expiresAt: expires_at ?? undefined, sealed: sealed ?? undefined }]
    ),
    disabledAt: row.disabled_at ?? undefined,
    tokensNotBefore: row.tokens_not_before ?? undefined,
    status:
      row.status_list === null || row.status_idx === null
        ? undefined
        : { list: row.status_list, idx: row.status_idx },
    seeded: row.seeded,
    // bigint arrives as text; a revision is raised by hand or at starts and stays far below 2^53
    revision: Number(row.revision),
    document:
      row.document_digest === null
        ? undefined
        : {
            digest: row.document_digest,
            freshUntil: row.fresh_until,
            usableUntil: row.usable_until
          },
    registrationPolicy: row.registration_policy ?? undefined,
    softwareStatement: row.software_statement ?? undefined
  }
}
