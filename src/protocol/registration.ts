// Dynamic client registration (RFC 7591, RFC 7592) against our registry: the engine has checked the request's form; our policy judges the
// metadata as it judges everybody's, and the secret that the engine made is stored as a digest.

import { errors } from 'oidc-provider'
import type { ClientType } from '../clients/client.ts'
import type { ClientRegistry } from '../clients/registry.ts'
import { deviceGrantType } from '../clients/templates.ts'
import { digest, randomSecret } from '../lib/secret.ts'
import type { ArtifactStore } from '../store/artifacts.ts'
import type { Database } from '../store/database.ts'
import type { Payload } from '../store/grants.ts'

/** Members that the engine adds and that are not metadata of ours. */
const notMetadata = new Set([
  'client_id',
  'client_secret',
  'client_id_issued_at',
  'client_secret_expires_at'
])

/** A stranger says what the software is by what it asks for. */
function typeOf(metadata: Payload): ClientType {
  const grants = [metadata['grant_types']].flat()
  if (grants.length === 1 && grants[0] === 'client_credentials') return 'machine'
  if (metadata['application_type'] === 'native' || grants.includes(deviceGrantType)) return 'native'
  return metadata['token_endpoint_auth_method'] === 'none' ? 'spa' : 'web'
}

function refuse(problems: { member: string; problem: string }[]): never {
  const text = problems.map(({ member, problem }) => `${member} ${problem}`).join('; ')
  throw new errors.InvalidClientMetadata(text)
}

/** What the adapter does with registered clients. */
export function saveRegistration(clients: ClientRegistry) {
  return {
    async saveRegisteredClient(clientId: string, payload: Payload): Promise<void> {
      const metadata = Object.fromEntries(
        Object.entries(payload).filter(([member]) => !notMetadata.has(member))
      )
      if ((await clients.findStored(clientId)) !== undefined) {
        const updated = await clients.update(clientId, metadata, 'registration')
        if (updated.ok) return
        refuse(
          updated.reason === 'invalid'
            ? updated.problems
            : [{ member: 'client', problem: updated.reason }]
        )
      }
      const secret = payload['client_secret']
      const created = await clients.create({
        clientId,
        type: typeOf(metadata),
        owner: 'registration',
        metadata,
        ...(typeof secret === 'string' ? { secret } : {})
      })
      if (created.ok) return
      refuse(
        created.reason === 'invalid'
          ? created.problems
          : [{ member: 'client_id', problem: 'is taken' }]
      )
    },

    async deleteRegisteredClient(clientId: string): Promise<void> {
      await clients.delete(clientId)
    }
  }
}

/**
 * Makes an initial access token (RFC 7591 §3): whoever has it may register clients while it lives.
 * @returns the token, shown once; only its digest is stored
 */
export async function issueInitialAccessToken(
  database: Database,
  artifacts: Pick<ArtifactStore, 'saveStatement'>,
  lifetimeSeconds: number
): Promise<string> {
  const value = randomSecret()
  await database.pipeline([
    artifacts.saveStatement({
      id: digest('artifact', 'InitialAccessToken', value),
      kind: 'InitialAccessToken',
      grantId: undefined,
      clientId: undefined,
      userCode: undefined,
      payload: { kind: 'InitialAccessToken', iat: Math.floor(Date.now() / 1000) },
      sealed: undefined,
      lifetimeSeconds,
      interval: undefined
    })
  ])
  return value
}
