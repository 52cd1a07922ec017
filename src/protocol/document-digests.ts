// What was begun for a client that is a metadata document counts only while the document asks for the same (redirect URIs, keys, authentication):
// its digest goes with every artifact and grant of a request, and what comes back with another one is as good as unknown. So a document that
// changes between request and code takes over nothing. Other clients' artifacts have no digest.

import { type Client as EngineClient, Provider } from 'oidc-provider'
import type { RegisteredClient } from '../clients/client.ts'
import type { Payload } from '../store/grants.ts'
import type { ClientSource } from './client.ts'
import type { UnitOfWork } from './unit-of-work.ts'

/** In an artifact's payload, never seen by the engine. */
const member = 'documentDigest'

export interface DocumentDigests {
  /** of the client that this request is of, as it was when the request began */
  ofRequest(): Buffer | undefined
  /** Notes it in what is about to be stored; what was read in this request keeps its own, since the engine does not hand it back. */
  stamp(unit: UnitOfWork, artifact: string, payload: Payload): void
  /**
   * Whether what was stored was for the client as it is now.
   * @param artifact kind and value
   * @throws Fault `store_unavailable`
   */
  stillCounts(unit: UnitOfWork, artifact: string, payload: Payload): Promise<boolean>
}

export function createDocumentDigests(deps: {
  clients: Pick<ClientSource, 'find'>
  findRegistered(client: EngineClient): RegisteredClient | undefined
}): DocumentDigests {
  function ofRequest(): Buffer | undefined {
    const client = Provider.ctx?.oidc?.client
    return client === undefined ? undefined : deps.findRegistered(client)?.document?.digest
  }

  /** A code and a device code name their client, an interaction what was asked for. */
  function clientOf(payload: Payload): string {
    const { client_id: asked } = (payload['params'] ?? {}) as Payload
    return String(payload['clientId'] ?? asked ?? '')
  }

  return {
    ofRequest,

    stamp(unit, artifact, payload) {
      const digest = unit.documentDigests.get(artifact) ?? ofRequest()?.toString('base64url')
      if (digest !== undefined) payload[member] = digest
    },

    async stillCounts(unit, artifact, payload) {
      const stored = payload[member]
      if (typeof stored !== 'string') return true
      unit.documentDigests.set(artifact, stored)
      const client = await deps.clients.find(clientOf(payload))
      return client?.document?.digest.toString('base64url') === stored
    }
  }
}
