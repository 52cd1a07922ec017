// SQL of client ID metadata documents (migrations/0019): who fetches one now, what was found, and which of them nobody uses. A document and its
// client are written together; one that asks for something else than before ends what was granted to it, in the same transaction.

import type { Database, Queries } from './database.ts'

const unusedBatch = 100

/** What becomes of a document that is not at hand. */
export type DocumentClaim =
  /** the caller fetches it, and tells what came of it */
  | 'claimed'
  /** another process does, now */
  | 'pending'
  /** it was fetched by somebody else meanwhile */
  | 'fresh'
  | 'stored'
  /** a moment ago it could not be had */
  | 'failed'
  /** too many that nobody knows were asked for */
  | 'limited'
  /** the operator has blocked it */
  | 'disabled'

export interface FetchLimits {
  perHost: number
  perSource: number
  total: number
}

export interface FoundDocument {
  clientId: string
  host: string
  type: 'web' | 'spa' | 'native'
  metadata: object
  digest: Buffer
  freshSeconds: number
  /** how long it is believed after that, while its host is down */
  staleSeconds: number
}

export type ClientDocumentStore = ReturnType<typeof createClientDocumentStore>

export function createClientDocumentStore(database: Pick<Database, 'run' | 'transaction'>) {
  async function finish(tx: Queries, clientId: string, outcome: 'stored' | 'failed') {
    await tx.run(
      'client_documents.finish',
      'UPDATE document_fetches SET outcome = $2 WHERE client_id = $1',
      [clientId, outcome]
    )
  }

  return {
    /** One statement; the answer holds over all processes. */
    async claim(
      document: { clientId: string; host: string; source: string },
      { perHost, perSource, total }: FetchLimits
    ): Promise<DocumentClaim> {
      const { rows } = await database.run<{ claim: DocumentClaim }>(
        'client_documents.claim',
        'SELECT claim_document_fetch($1, $2, $3, $4, $5, $6) AS claim',
        [document.clientId, document.host, document.source, perHost, perSource, total]
      )
      return rows[0]?.claim ?? 'failed'
    },

    /**
     * Writes the document and its client.
     * @param onChanged ends what the client holds; called where there is something, and it was given to another digest
     * @returns `full` when there are as many as there may be; nothing is written then
     */
    save: (
      found: FoundDocument,
      caps: { rows: number; rowsPerHost: number },
      onChanged: (tx: Queries) => Promise<void>
    ) =>
      database.transaction(async (tx): Promise<'new' | 'same' | 'changed' | 'full'> => {
        const { clientId, host, type, metadata } = found
        const { rows } = await tx.run<{ digest: Buffer; same: boolean; used: boolean }>(
          'client_documents.lock',
          `SELECT d.digest, c.metadata = $2::jsonb AND c.type = $3 AS same,
             EXISTS (SELECT FROM consents o WHERE o.client_id = c.client_id)
             OR EXISTS (SELECT FROM grants g WHERE g.client_id = c.client_id) AS used
           FROM clients c JOIN client_documents d USING (client_id) WHERE c.client_id = $1 FOR UPDATE OF c`,
          [clientId, JSON.stringify(metadata), type]
        )
        const [before] = rows
        if (before === undefined && !(await hasRoom(tx, host, caps))) {
          await finish(tx, clientId, 'failed')
          return 'full'
        }
        await tx.run(
          'client_documents.save_client',
          // the change feed tells every process, whether anything but its time has changed or not
          `INSERT INTO clients (client_id, type, owner, metadata) VALUES ($1, $2, 'document', $3)
           ON CONFLICT (client_id) DO UPDATE SET type = excluded.type, metadata = excluded.metadata,
             revision = clients.revision + CASE WHEN $4::boolean THEN 0 ELSE 1 END, updated_at = clock_time()`,
          [clientId, type, JSON.stringify(metadata), before?.same ?? false]
        )
        await tx.run(
          'client_documents.save',
          `INSERT INTO client_documents AS d (client_id, host, digest, fresh_until, usable_until)
           VALUES ($1, $2, $3, clock_time() + make_interval(secs => $4), clock_time() + make_interval(secs => $5))
           ON CONFLICT (client_id) DO UPDATE SET digest = excluded.digest, fetched_at = clock_time(),
             fresh_until = excluded.fresh_until, usable_until = excluded.usable_until`,
          [
            clientId,
            host,
            found.digest,
            found.freshSeconds,
            found.freshSeconds + found.staleSeconds
          ]
        )
        await finish(tx, clientId, 'stored')
        if (before === undefined) return 'new'
        if (before.digest.equals(found.digest)) return 'same'
        if (before.used) await onChanged(tx)
        return 'changed'
      }),

    /**
     * Nothing came of a fetch.
     * @param document `withdrawn`: its host answers, and has no such document any more
     */
    fail: (clientId: string, document: 'unreachable' | 'withdrawn') =>
      database.transaction(async tx => {
        await finish(tx, clientId, 'failed')
        if (document === 'unreachable') return
        const { rowCount } = await tx.run(
          'client_documents.withdraw',
          `UPDATE client_documents SET fresh_until = clock_time(), usable_until = clock_time()
           WHERE client_id = $1 AND usable_until > clock_time()`,
          [clientId]
        )
        if (rowCount === 0) return
        await tx.run(
          'client_documents.tell',
          'UPDATE clients SET updated_at = clock_time() WHERE client_id = $1',
          [clientId]
        )
      }),

    /** Deletes some that nobody has consented to for an hour; answers how many. A blocked one stays blocked. */
    removeUnused: () =>
      database.transaction(async tx => {
        const { rows } = await tx.run<{ client_id: string }>(
          'client_documents.unused',
          `SELECT c.client_id FROM clients c JOIN client_documents d USING (client_id)
           WHERE ${unused} ORDER BY d.fetched_at LIMIT ${unusedBatch} FOR UPDATE OF c SKIP LOCKED`
        )
        const ids = rows.map(row => row.client_id)
        if (ids.length === 0) return 0
        // looked at again under the lock: somebody may have consented between
        const { rowCount } = await tx.run(
          'client_documents.remove',
          `DELETE FROM clients c USING client_documents d
           WHERE c.client_id = ANY ($1) AND d.client_id = c.client_id AND ${unused}`,
          [ids]
        )
        return rowCount
      })
  }
}

const unused = `c.owner = 'document' AND c.disabled_at IS NULL AND d.fetched_at < clock_time() - interval '1 hour'
  AND NOT EXISTS (SELECT FROM consents o WHERE o.client_id = c.client_id)
  AND NOT EXISTS (SELECT FROM grants g WHERE g.client_id = c.client_id)`

/** One writer of new documents at a time, until its transaction ends: two that look at once would both find the last place. */
async function hasRoom(
  tx: Queries,
  host: string,
  caps: { rows: number; rowsPerHost: number }
): Promise<boolean> {
  await tx.run('client_documents.lock_room', 'SELECT pg_advisory_xact_lock(7591020)')
  const { rows } = await tx.run<{ room: boolean }>(
    'client_documents.room',
    `SELECT (SELECT count(*) FROM (SELECT FROM client_documents LIMIT $2) AS looked) < $2
       AND (SELECT count(*) FROM (SELECT FROM client_documents WHERE host = $1 LIMIT $3) AS looked) < $3 AS room`,
    [host, caps.rows, caps.rowsPerHost]
  )
  return rows[0]?.room ?? false
}
