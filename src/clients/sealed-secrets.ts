// Secrets that a client signs with (client_secret_jwt, OpenID Connect Core §9): an HMAC is verified by the secret itself, so it lies sealed in
// the database, bound to client and secret, and only for clients that registered the method. Everybody else's is a digest alone.

import { Fault } from '../lib/fault.ts'
import type { SealContext, Sealer } from '../lib/seal.ts'
import { type ClientMetadata, type ClientSecret, signsWithSecret } from './client.ts'

/** Asked for when a secret has to be sealed: a command line that never does needs no master key. */
export type SecretSealer = () => Promise<Pick<Sealer, 'seal'>>

function placeOf(clientId: string, digest: Buffer): SealContext {
  const key = `${clientId}:${digest.toString('hex')}`
  return { table: 'client_secrets', column: 'sealed', key }
}

/** What is stored beside the digest; undefined for a client that shows its secret. @throws Fault */
export async function sealSecret(
  sealer: SecretSealer | undefined,
  client: { clientId: string; metadata: ClientMetadata },
  { secret, digest }: { secret: string; digest: Buffer }
): Promise<Buffer | undefined> {
  if (!signsWithSecret(client.metadata)) return undefined
  if (sealer === undefined) throw new Fault('internal', 'There is no key to seal a secret with.')
  return (await sealer()).seal(secret, placeOf(client.clientId, digest))
}

/** The secret itself; undefined when only its digest is kept. @throws Fault `seal_broken` */
export function openSecret(
  sealer: Pick<Sealer, 'open'>,
  clientId: string,
  { digest, sealed }: ClientSecret
): Buffer | undefined {
  return sealed === undefined ? undefined : sealer.open(sealed, placeOf(clientId, digest))
}
