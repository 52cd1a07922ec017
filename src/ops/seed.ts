// What a development start declares besides the configuration: a demo app, a machine client, an API with two scopes, and a person. Marked
// as seeded, so that a production start on the same database disables all of it.

import type { ConfiguredAccount } from '../accounts/reconcile.ts'
import type { ClientRegistry } from '../clients/registry.ts'
import { demoLogin, demoMachineClientId, demoWebClientId } from '../config/demo-names.ts'
import type { Config } from '../config/schema.ts'
import { Fault } from '../lib/fault.ts'

/** Of a conformance run nothing is somebody else's. */
export function hasDemo({ mode, conformance }: Pick<Config, 'mode' | 'conformance'>): boolean {
  return mode === 'development' && !conformance.enabled
}

/** The demo API of this issuer (RFC 8707 §2). */
export function demoResource(issuer: string): string {
  return `${issuer}/demo-api`
}

/** The demo API, as a configuration would declare it. */
export function demoApi(
  config: Pick<Config, 'accessTokens'>,
  issuer: string
): Config['resources'][number] {
  return {
    identifier: demoResource(issuer),
    name: { en: 'Demo API', ko: '데모 API' },
    scopes: {
      'read:things': { en: 'See your things', ko: '내 항목 보기' },
      'write:things': { en: 'Add and change your things', ko: '내 항목 추가 및 변경' }
    },
    accessTokens: { ...config.accessTokens, typ: 'at+jwt' },
    optionalScopes: [],
    statusList: false,
    exchange: [],
    clients: [demoWebClientId, demoMachineClientId],
    introspectionClient: demoMachineClientId
  }
}

export function demoAccount(password: string): ConfiguredAccount {
  return {
    login: demoLogin,
    password,
    name: 'Demo Person',
    email: demoLogin,
    email_verified: true,
    locale: 'en'
  }
}

/** Makes the demo clients, or brings them back to what they should be: the issuer may have moved. */
export async function seedClients(
  clients: ClientRegistry,
  issuer: string,
  machineSecret: string
): Promise<void> {
  await ensure(clients, {
    clientId: demoWebClientId,
    type: 'spa',
    metadata: {
      client_name: 'Demo app',
      redirect_uris: [`${issuer}/demo/callback`],
      post_logout_redirect_uris: [`${issuer}/demo`],
      grant_types: ['authorization_code', 'refresh_token']
    }
  })
  await ensure(clients, {
    clientId: demoMachineClientId,
    type: 'machine',
    secret: machineSecret,
    metadata: { client_name: 'Demo machine', default_resource: demoResource(issuer) }
  })
}

async function ensure(
  clients: ClientRegistry,
  wanted: {
    clientId: string
    type: 'spa' | 'machine'
    metadata: object
    secret?: string
  }
): Promise<void> {
  const { clientId, metadata } = wanted
  const created = await clients.create({ ...wanted, owner: 'cli', seeded: true })
  if (created.ok) return
  if (created.reason === 'invalid') {
    throw new Error(`the demo client ${clientId} was refused: ${JSON.stringify(created.problems)}`)
  }
  // it is there: of an earlier start, perhaps under another port, or with another data folder
  const updated = await clients.update(clientId, metadata, 'cli')
  if (!updated.ok) {
    throw new Fault(
      'configuration_invalid',
      `The client ${clientId} of this database is not the demo's (${updated.reason}), and development mode needs the name. Use another database, or set MINTMARK_MODE=production.`
    )
  }
  await clients.enable(clientId)
  // what is printed must work, whatever was rotated meanwhile
  if (wanted.secret !== undefined) await clients.setOnlySecret(clientId, wanted.secret)
}
