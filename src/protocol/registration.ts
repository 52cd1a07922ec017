// Dynamic client registration (RFC 7591, RFC 7592) against our registry: the engine has checked the request's form; our policy judges the
// metadata as it judges everybody's, and the secret that the engine made is stored as a digest.

import {
  type Client as EngineClient,
  errors,
  type KoaContextWithOIDC,
  Provider
} from 'oidc-provider'
import type { ClientType, RegisteredClient } from '../clients/client.ts'
import { registrationTokenDigest } from '../clients/registration-token.ts'
import type { ClientRegistry } from '../clients/registry.ts'
import { createStatementReader, statementClaims } from '../clients/software-statement.ts'
import { deviceGrantType } from '../clients/templates.ts'
import type { Config } from '../config/schema.ts'
import type { Queries } from '../store/database.ts'
import type { Payload } from '../store/grants.ts'
import {
  createRegistrationTokenStore,
  type RegistrationToken
} from '../store/registration-tokens.ts'
import { extraMetadata } from './client.ts'
import type { UnitOfWork } from './unit-of-work.ts'

/** Members that the engine adds and that are not metadata of ours. */
const notMetadata = new Set([
  'client_id',
  'client_secret',
  'client_id_issued_at',
  'client_secret_expires_at'
])

/** Members that every client has (RFC 7591 §2), whether it named them or not. */
const ofMachines = new Set(['grant_types', 'response_types', 'token_endpoint_auth_method'])

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

/** What the client asked for. The engine fills in members of people's clients, which a machine must not have (clients/metadata.ts). */
function askedFor(payload: Payload): Payload {
  const body: object = Provider.ctx?.oidc.body ?? {}
  const machine = typeOf(payload) === 'machine'
  return Object.fromEntries(
    Object.entries(payload).filter(
      ([member]) =>
        !notMetadata.has(member) && (!machine || member in body || ofMachines.has(member))
    )
  )
}

/**
 * RFC 7592 §2.2: "Valid values of client metadata fields in this request MUST replace, not augment, the values previously associated with
 * this client." What the operator said of the client is not the client's to drop.
 */
function leftOut(stored: object, metadata: Payload): Payload {
  const gone = Object.keys(stored).filter(
    member => !(member in metadata || (extraMetadata as readonly string[]).includes(member))
  )
  return Object.fromEntries(gone.map(member => [member, null]))
}

/**
 * Completes a record that the engine answers (RFC 7592 §3): no members of ours, and no secret but one that was made just now or that the
 * client has shown itself. What the engine holds in its place is known to nobody and opens nothing.
 */
export function completeRecord(
  ctx: KoaContextWithOIDC,
  { issuedSecret, softwareStatement: used }: Pick<UnitOfWork, 'issuedSecret' | 'softwareStatement'>,
  findRegistered: (client: EngineClient) => RegisteredClient | undefined
): void {
  const route = ctx.oidc?.route
  const reader = route === 'client' ? ctx.oidc.client : undefined
  const softwareStatement = used ?? (reader && findRegistered(reader)?.softwareStatement)
  const answered = ctx.status === 200 || ctx.status === 201
  if (answered && softwareStatement !== undefined && /^(registration|client)/.test(route ?? '')) {
    // RFC 7591 §3.2.1: "its value MUST be returned unmodified in the response"
    ctx.body = { ...(ctx.body as Payload), software_statement: softwareStatement }
  }
  if ((route !== 'client' && route !== 'client_update') || ctx.status !== 200) return
  const record = { ...(ctx.body as Payload) }
  for (const member of extraMetadata) delete record[member]
  const presented = ctx.oidc.body?.['client_secret']
  if (issuedSecret !== undefined) record['client_secret'] = issuedSecret
  else if (route === 'client' || presented === undefined) {
    delete record['client_secret']
    delete record['client_secret_expires_at']
  }
  ctx.body = record
}

/** The engine's name for what looks at metadata before it does; registration access tokens inherit it from the initial one. */
export const statementPolicy = 'software_statement'

/** What the adapter does with registered clients, and with the tokens that they are registered with. */
export function saveRegistration(deps: {
  clients: ClientRegistry
  sql: Queries
  rules: Pick<Config['registration'], 'softwareStatements' | 'requireSoftwareStatement'>
  now: () => Date
}) {
  const { clients, rules } = deps
  const tokens = createRegistrationTokenStore({ sql: deps.sql })
  const readStatement = createStatementReader({ signers: rules.softwareStatements, now: deps.now })
  // of the request at hand, by the unit of work that both calls are made in
  const presented = new WeakMap<UnitOfWork, RegistrationToken>()

  /** Puts the claims of a statement in place of what the client says; one that was given before holds on. */
  async function applyStatement(unit: UnitOfWork, said: Payload, before: string | undefined) {
    const given = said['software_statement'] ?? before
    if (given === undefined) {
      if (!rules.requireSoftwareStatement) return
      throw new errors.InvalidSoftwareStatement('a software_statement is needed to register here')
    }
    // what was taken once is not judged again: a statement may be over, and the client goes on
    if (given !== before) {
      const read = await readStatement(given)
      if (!read.ok && read.reason === 'unapproved') {
        throw new errors.UnapprovedSoftwareStatement(read.problem)
      }
      if (!read.ok) throw new errors.InvalidSoftwareStatement(read.problem)
    }
    const statement = String(given)
    Object.assign(said, statementClaims(statement))
    unit.softwareStatement = statement
  }

  return {
    /** For an update (RFC 7592 §2.2); the engine asks at a registration, too, where it is done already. */
    async reapplyStatement(unit: UnitOfWork | undefined, properties: Payload): Promise<void> {
      if (unit === undefined || Provider.ctx?.oidc.route !== 'client_update') return
      const stored = await clients.findStored(String(properties['client_id']))
      // a client that has none was registered when none was needed
      const before = stored?.softwareStatement
      if (before === undefined && properties['software_statement'] === undefined) return
      await applyStatement(unit, properties, before)
    },

    /** Undefined for a token that is unknown, used up, revoked or expired. */
    async findInitialToken(unit: UnitOfWork, value: string): Promise<Payload | undefined> {
      const token = await tokens.findLive(registrationTokenDigest(value))
      if (token === undefined) return undefined
      presented.set(unit, token)
      // here, since the engine decides about a secret before it asks any policy
      await applyStatement(unit, (Provider.ctx?.oidc.body ?? {}) as Payload, undefined)
      const seconds = (date: Date) => Math.floor(date.getTime() / 1000)
      return {
        ...{ kind: 'InitialAccessToken', jti: value },
        ...{ iat: seconds(token.createdAt), exp: seconds(token.expiresAt) },
        policies: [statementPolicy]
      }
    },

    /** Answers the secret that an update has made, where the client needs one since. */
    async saveRegisteredClient(
      unit: UnitOfWork,
      clientId: string,
      payload: Payload
    ): Promise<string | undefined> {
      const metadata = askedFor(payload)
      const stored = await clients.findStored(clientId)
      if (stored !== undefined) {
        const changes = { ...leftOut(stored.metadata, metadata), ...metadata }
        const updated = await clients.update(
          clientId,
          changes,
          'registration',
          unit.softwareStatement
        )
        if (updated.ok) return updated.secret
        refuse(
          updated.reason === 'invalid'
            ? updated.problems
            : [{ member: 'client', problem: updated.reason }]
        )
      }
      const secret = payload['client_secret']
      const token = presented.get(unit)
      const created = await clients.create({
        clientId,
        type: typeOf(metadata),
        owner: 'registration',
        metadata,
        softwareStatement: unit.softwareStatement,
        registration: token && { tokenId: token.id, policy: token.policy },
        ...(typeof secret === 'string' ? { secret } : {})
      })
      if (created.ok) return undefined
      if (created.reason === 'token_spent') {
        throw new errors.InvalidToken('the initial access token has registered as many as it may')
      }
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
