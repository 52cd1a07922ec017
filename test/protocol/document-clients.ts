// A server that takes client metadata documents, a site that serves them, and the time that passes for a document: for the tests of both.

import type { Test } from 'tap'
import { type DocumentHost, startDocumentHost } from '../support/document-host.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { type App, createRequests, publicly, type Requests } from './requests.ts'

/** The API that opens to every document. */
export const mcp = 'https://mcp.example.com/mcp'

export interface DocumentClients {
  server: TestServer
  requests: Requests
  host: DocumentHost
  appAt(clientId: string): App
  sql(
    text: string,
    values?: unknown[]
  ): Promise<{ rows: Record<string, unknown>[]; rowCount: number }>
  /** Time passes for the document: it is to be fetched anew, and may be; `unusable` also while its host is down. */
  growOld(clientId: string, then?: 'usable' | 'unusable'): Promise<void>
}

export async function startDocumentClients(t: Test): Promise<DocumentClients> {
  const server = await startTestServer(t, {
    clientMetadataDocuments: { enabled: true, fetches: 1000, rowsPerHost: 1000 },
    resources: [
      {
        identifier: mcp,
        scopes: { 'tools:read': { en: 'See tools' } },
        clients: ['*metadata_documents*'],
        introspectionClient: 'api-server'
      }
    ]
  })
  const host = await startDocumentHost(t)
  let statements = 0
  const sql: DocumentClients['sql'] = (text, values = []) => {
    statements += 1
    return server.store.database.run(`test.documents.${statements}`, text, values)
  }

  async function until(what: string, done: () => Promise<boolean>) {
    for (let looks = 0; looks < 400; looks += 1) {
      if (await done()) return
      await new Promise(resolve => setTimeout(resolve, 25))
    }
    throw new Error(`never: ${what}`)
  }

  return {
    server,
    requests: createRequests(server),
    host,
    sql,
    appAt: clientId => ({
      clientId,
      redirectUri: `${host.origin}/callback`,
      caller: publicly(clientId)
    }),
    async growOld(clientId, then = 'usable') {
      const { rows } = await sql(
        `UPDATE client_documents SET fresh_until = clock_time() - interval '1 s',
           usable_until = CASE WHEN $2 = 'usable' THEN usable_until ELSE clock_time() - interval '1 s' END
         WHERE client_id = $1 RETURNING fresh_until`,
        [clientId, then]
      )
      const freshUntil = rows[0]?.['fresh_until'] as Date | undefined
      await sql('DELETE FROM document_fetches')
      await sql('UPDATE clients SET updated_at = clock_time() WHERE client_id = $1', [clientId])
      await until('the change is heard of', async () => {
        const client = await server.server.clients.find(clientId)
        return client?.document?.freshUntil.getTime() === freshUntil?.getTime()
      })
    }
  }
}
