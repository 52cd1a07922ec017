// Clients as the engine sees them: built from our registry's rows, once per row, and compared by digests of two live secrets.
//
// Facts of the engine (9.13.3) that this depends on, each held by test/protocol/engine-facts.test.ts:
// - every lookup goes through the static Client.find (models/client.js), which we replace: one cache, ours, and no query on a hit;
// - a client whose method needs a secret must have one to be built; the value is only ever used by compareClientSecret: the key
//   store that the engine makes of it is emptied (client-secrets.ts).

import {
  type Client as EngineClient,
  errors,
  type KoaContextWithOIDC,
  Provider
} from 'oidc-provider'
import {
  type ClientSecret,
  describeForEngine,
  needsSecret,
  type RegisteredClient
} from '../clients/client.ts'
import type { RemoteKeys } from '../clients/remote-keys.ts'
import { openSecret } from '../clients/sealed-secrets.ts'
import { matchClientSecret } from '../clients/secrets.ts'
import type { Sealer } from '../lib/seal.ts'
import { equalConstantTime, randomSecret } from '../lib/secret.ts'
import { openidScopes } from '../oauth/scope.ts'
import { installRemoteKeys } from './client-keys.ts'
import { installSecrets, type TriedSecrets } from './client-secrets.ts'
import { installEncryptionKeys } from './encryption-keys.ts'
import { brokenProfile } from './profile.ts'
import type { ForeignAssertion } from './unit-of-work.ts'

/** RFC 6749 appendix A.1: visible ASCII. Anything else is nobody's, and a NUL is refused by the database. Long enough for a URL. */
const possibleId = /^[\x20-\x7e]{1,2000}$/

/** Members of ours: declared to the engine, so that a registration that names one is told so. */
export const extraMetadata = [
  'type',
  'default_resource',
  'profile',
  'first_party',
  'require_second_factor',
  'refresh_tokens',
  'dpop_nonce',
  'conformance',
  'workload_identity',
  'assertion_grants',
  'attester'
] as const

export interface ClientSource {
  /** Undefined for unknown and for disabled clients. */
  find(clientId: string): Promise<RegisteredClient | undefined>
  /** Notes that a secret was used; at most once an hour for each, and never awaited by a request. */
  noteSecretUse(clientId: string, digest: Buffer): Promise<void>
}

export interface EngineClients {
  /** The row behind the engine's object. */
  registeredOf(client: EngineClient): RegisteredClient
  /** undefined for one that is being registered, and has no row yet */
  findRegistered(client: EngineClient): RegisteredClient | undefined
  /** Notes which secret an assertion was signed with that is known to be good. */
  noteAssertion(ctx: KoaContextWithOIDC): void
}

export interface ClientDependencies {
  source: ClientSource
  /** keys that clients publish */
  remoteKeys: RemoteKeys
  /** what a trusted issuer says of the client of this request */
  assertion(): ForeignAssertion | undefined
  seal: Pick<Sealer, 'open'>
  /** types of authorization details that it may ask for */
  detailTypes(client: RegisteredClient): string[]
  /** why a client that was let in once cannot be served now */
  unservedReason(metadata: RegisteredClient['metadata']): string | undefined
  /** grant types that the engine was not told of: it would refuse the whole client */
  switchedOff: ReadonlySet<string>
  now: () => Date
}

/** Replaces the engine's client lookup and secret comparison on this provider. */
export function installClients(
  provider: Provider,
  {
    source,
    remoteKeys,
    assertion,
    seal,
    unservedReason,
    detailTypes,
    switchedOff,
    now
  }: ClientDependencies
): EngineClients {
  const built = new WeakMap<RegisteredClient, EngineClient>()
  const rows = new WeakMap<EngineClient, RegisteredClient>()
  // stands where the engine wants a secret; nobody knows it
  const placeholder = randomSecret()
  const tried: TriedSecrets = new WeakMap()

  function registeredOf(client: EngineClient): RegisteredClient {
    const row = rows.get(client)
    if (row === undefined) throw new Error('a client that did not come from the registry')
    return row
  }

  const Client = provider.Client as unknown as {
    new (metadata: Record<string, unknown>): EngineClient
    find(id: unknown): Promise<EngineClient | undefined>
    prototype: {
      compareClientSecret(this: EngineClient, actual: string): boolean
      backchannelLogout(): Promise<void>
    }
  }

  Client.find = async id => {
    const asserted = assertion()
    if (asserted?.ok === false) throw new errors.InvalidClientAuth(asserted.reason)
    if (typeof id !== 'string' || !possibleId.test(id)) return undefined
    const row = await source.find(id)
    if (row === undefined) return undefined
    const known = built.get(row)
    if (known !== undefined) return known
    // the engine would leave out what it does not know, and hand out tokens that are bound to nothing
    const unserved = unservedReason(row.metadata) ?? brokenProfile(row)
    if (unserved !== undefined) throw new errors.InvalidClientAuth(unserved)
    const metadata = engineMetadata(row, placeholder, switchedOff)
    const client = new Client({ ...metadata, authorization_details_types: detailTypes(row) })
    if (needsSecret(row.metadata))
      Object.defineProperty(client, 'clientSecret', { get: () => shownSecret(row) })
    const { jwks_uri: keysAt } = row.metadata
    if (keysAt !== undefined) installRemoteKeys(client, remoteKeys.at(keysAt))
    installEncryptionKeys(client)
    if (row.metadata.workload_identity !== undefined) takeHandles(client)
    const open = (secret: ClientSecret) => openSecret(seal, row.clientId, secret)
    installSecrets(client, row, { open, tried, now })
    built.set(row, client)
    rows.set(client, row)
    return client
  }

  /** In a request in which a trusted issuer's token stands for the client, it authenticates by the handle (foreign-assertions.ts). */
  function takeHandles(client: EngineClient): void {
    const { clientAuthMethod } = client
    Object.defineProperty(client, 'clientAuthMethod', {
      get() {
        const asserted = assertion()
        const meant = asserted?.ok === true && asserted.clientId === client.clientId
        return meant ? 'client_secret_post' : clientAuthMethod
      }
    })
  }

  /** RFC 7592 §2.2: a client may repeat its secret in an update. The engine compares it with this member (actions/registration.js). */
  function shownSecret(row: RegisteredClient): string {
    const oidc = Provider.ctx?.oidc
    const shown = oidc?.route === 'client_update' ? oidc.body?.['client_secret'] : undefined
    const right = typeof shown === 'string' && matchClientSecret(row, shown, now().getTime())
    return right ? shown : placeholder
  }

  Client.prototype.compareClientSecret = function compareClientSecret(actual) {
    const row = registeredOf(this)
    const asserted = assertion()
    if (asserted !== undefined) {
      return (
        asserted.ok &&
        asserted.clientId === row.clientId &&
        equalConstantTime(Buffer.from(asserted.handle), Buffer.from(actual))
      )
    }
    const matched = matchClientSecret(row, actual, now().getTime())
    // beside the request, and no harm when it is lost: it only tells an operator which secret is still in use
    if (matched !== undefined) source.noteSecretUse(row.clientId, matched).catch(() => undefined)
    return matched !== undefined
  }

  // queued in the transaction that ends the session, and not sent by the request that does (store/logout-notices.ts)
  Client.prototype.backchannelLogout = async () => undefined

  function noteAssertion(ctx: KoaContextWithOIDC): void {
    const used = tried.get(ctx)
    const clientId = ctx.oidc.client?.clientId
    if (used === undefined || clientId === undefined) return
    source.noteSecretUse(clientId, used).catch(() => undefined)
  }

  return { registeredOf, findRegistered: client => rows.get(client), noteAssertion }
}

/** The metadata that the engine's Client is built from. */
export function engineMetadata(
  row: RegisteredClient,
  placeholder: string,
  switchedOff: ReadonlySet<string> = new Set()
): Record<string, unknown> {
  const { metadata } = row
  return {
    // The engine knows OpenID scopes only; scopes of resources are narrowed by the catalogue.
    ...describeForEngine(row, new Set(openidScopes)),
    grant_types: row.metadata.grant_types.filter(grant => !switchedOff.has(grant)),
    type: row.type,
    // the engine wants keys of a client that signs; here it is others who sign
    ...(metadata.workload_identity !== undefined &&
    metadata.jwks === undefined &&
    metadata.jwks_uri === undefined
      ? { jwks: { keys: [] } }
      : {}),
    // pings are ours (pings.ts); the engine takes https alone, and in development a client may have http on loopback
    ...(metadata.backchannel_client_notification_endpoint === undefined
      ? {}
      : { backchannel_client_notification_endpoint: 'https://client.invalid/' }),
    ...(needsSecret(row.metadata) ? { client_secret: placeholder } : {})
  }
}
