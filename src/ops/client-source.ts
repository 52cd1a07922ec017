// Where the protocol finds a client: in the registry, or, for a client_id that is a URL and where that is switched on, at that address
// (clients/documents.ts). Owns the choice between the two, and what the second one is allowed.

import { countedAddress } from '../accounts/address.ts'
import type { RegisteredClient } from '../clients/client.ts'
import { looksLikeDocumentUrl } from '../clients/document-url.ts'
import { createClientDocuments } from '../clients/documents.ts'
import type { ClientRegistry } from '../clients/registry.ts'
import type { Config } from '../config/schema.ts'
import type { Outbound } from '../lib/outbound.ts'
import { createClientDocumentStore } from '../store/client-documents.ts'
import type { Database } from '../store/database.ts'
import { endDocument } from '../store/ending.ts'

export interface ClientSource {
  find(clientId: string): Promise<RegisteredClient | undefined>
  noteSecretUse: ClientRegistry['noteSecretUse']
}

export function composeClientSource(deps: {
  config: Config & { issuer: string }
  clients: ClientRegistry
  database: Database
  outbound: Pick<Outbound, 'send'>
  /** the request at hand */
  units: { current(): { request: { address: string | undefined } } | undefined }
  log: { warn(data: object, message: string): void }
}): ClientSource {
  const { config, clients } = deps
  const { enabled, hosts, ...limits } = config.clientMetadataDocuments
  const { noteSecretUse } = clients
  // rows of documents may be there from before they were switched off
  const nobody: Pick<ClientSource, 'find'> = { find: async () => undefined }
  const documents = enabled
    ? createClientDocuments({
        ...limits,
        clients,
        outbound: deps.outbound,
        store: createClientDocumentStore(deps.database),
        rules: {
          development: config.mode === 'development',
          issuer: config.issuer,
          resources: config.resources.map(({ identifier }) => identifier),
          detailTypes: config.authorizationDetails.map(({ type }) => type),
          hosts
        },
        endClient: endDocument,
        source: () => countedAddress(deps.units.current()?.request.address ?? ''),
        log: deps.log,
        now: Date.now
      })
    : nobody
  return {
    find: id => (looksLikeDocumentUrl(id) ? documents : clients).find(id),
    noteSecretUse
  }
}
