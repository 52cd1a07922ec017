// The part of the schema about clients that nobody registered: their client_id is the address of a metadata document
// (draft-ietf-oauth-client-id-metadata-document). Owns whether they are let in at all, from where, and how many.

import Type from 'typebox'
import { closedObject, durationSchema } from './vocabulary.ts'

/** Entry of a resource's `clients` that stands for every client that is a metadata document. */
export const documentClients = '*metadata_documents*'

export const clientDocumentSchema = closedObject(
  {
    enabled: Type.Boolean({
      default: false,
      description:
        'Takes an https URL as `client_id`, and what stands there as the client (Client ID Metadata Documents); MCP clients come this way.'
    }),
    hosts: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description:
        'Hosts (with the port, where it is not 443) that such clients may come from. Empty: all.'
    }),
    stale: durationSchema({
      description:
        'How long a document that was good is believed while its host does not answer, after it was to be fetched anew.',
      default: '1d',
      minimum: '0s',
      maximum: '30d'
    }),
    fetches: Type.Integer({
      minimum: 1,
      maximum: 100_000,
      default: 60,
      description:
        'Documents of clients that nobody has consented to, fetched a minute over all processes; 20 of one host or for one address. Others: once a minute each at most.'
    }),
    rows: Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      default: 10_000,
      description: 'Such clients in the database at once; one without consent leaves after an hour.'
    }),
    rowsPerHost: Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      default: 100,
      description: 'Of one host.'
    })
  },
  { default: {} }
)
