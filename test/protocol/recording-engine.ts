// The engine itself, configured by little more than it needs, with an adapter that keeps things in memory and writes down what it is asked.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { exportJWK, generateKeyPair } from 'jose'
import { type Adapter, type AdapterPayload, type Configuration, Provider } from 'oidc-provider'
import type { Test } from 'tap'
import { freePort } from '../support/server.ts'
import type { Parameters } from './requests.ts'

export const { privateKey } = await generateKeyPair('ES256', { extractable: true })
const signingKey = { ...(await exportJWK(privateKey)), kid: 'one', alg: 'ES256', use: 'sig' }
const models = ['AccessToken', 'ClientCredentials', 'DeviceCode', 'Grant', 'IdToken']
models.push('Interaction', 'RefreshToken', 'Session')

export interface Engine {
  provider: Provider
  /** `Model.method id`, in order */
  calls: string[]
  store: Map<string, AdapterPayload>
  get(path: string, headers?: Record<string, string>): Promise<Response>
  post(path: string, form: Parameters, headers?: Record<string, string>): Promise<Response>
}

/** Serves a new one on loopback. */
export async function startEngine(t: Test, changes: Partial<Configuration> = {}): Promise<Engine> {
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const calls: string[] = []
  const store = new Map<string, AdapterPayload>()
  const adapter = (model: string): Adapter => {
    const noted = (method: string, id: string) => void calls.push(`${model}.${method} ${id}`)
    return {
      async upsert(id, payload) {
        noted('upsert', id)
        store.set(`${model} ${id}`, payload)
      },
      async find(id) {
        noted('find', id)
        return store.get(`${model} ${id}`)
      },
      async findByUserCode(code) {
        noted('findByUserCode', code)
        return [...store.values()].find(payload => payload.userCode === code)
      },
      async findByUid() {
        return undefined
      },
      async consume(id) {
        noted('consume', id)
      },
      async destroy(id) {
        noted('destroy', id)
      },
      async revokeByGrantId(id) {
        noted('revokeByGrantId', id)
      }
    }
  }
  const provider = new Provider(issuer, {
    adapter,
    jwks: { keys: [signingKey] },
    cookies: { keys: ['k'.repeat(32)] },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clients: ['app', 'other'].map(client_id => ({
      client_id,
      client_secret: `secret of ${client_id}`,
      redirect_uris: [`https://${client_id}.example.com/callback`],
      post_logout_redirect_uris: [`https://${client_id}.example.com/`],
      grant_types: [
        'authorization_code',
        'refresh_token',
        'client_credentials',
        'urn:ietf:params:oauth:grant-type:device_code'
      ]
    })),
    rotateRefreshToken: true,
    ttl: Object.fromEntries(models.map(model => [model, 3600])),
    findAccount: async (_ctx, accountId) => ({
      accountId,
      claims: async () => ({ sub: accountId })
    }),
    ...changes,
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      deviceFlow: { enabled: true },
      ...changes.features
    } as Configuration['features']
  } as Configuration)
  // what provider.use() adds later is not part of a callback that was made before
  let callback: ReturnType<Provider['callback']> | undefined
  const server = createServer((request, response) => {
    callback ??= provider.callback()
    return callback(request, response)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => void server.close())
  return {
    provider,
    calls,
    store,
    get: (path, headers = {}) => fetch(issuer + path, { headers, redirect: 'manual' }),
    post: (path, form, headers = {}) =>
      fetch(issuer + path, {
        method: 'POST',
        headers,
        body: new URLSearchParams(form as Record<string, string>)
      })
  }
}
