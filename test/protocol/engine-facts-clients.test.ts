// What we rely on in the engine about clients that prove who they are, one test for each fact (see engine-facts.test.ts).

import { SignJWT } from 'jose'
import { errors } from 'oidc-provider'
import t from 'tap'
import { privateKey, startEngine } from './recording-engine.ts'

t.test(
  'how a client authenticates is read from it in each request, and what Client.find throws is the answer',
  async t => {
    const engine = await startEngine(t)
    const { Client } = engine.provider as unknown as {
      Client: { find(id: string): Promise<object>; prototype: object }
    }
    const client = await Client.find('app')
    const compared: string[] = []
    Object.assign(Client.prototype, {
      compareClientSecret(actual: string) {
        compared.push(actual)
        return true
      }
    })
    const form = { client_id: 'app', client_secret: 'handle', grant_type: 'client_credentials' }
    let method = 'private_key_jwt'
    Object.defineProperty(client, 'clientAuthMethod', { get: () => method })
    t.equal((await engine.post('/token', form)).status, 401)
    t.same(compared, [], 'a secret is none of its methods')
    method = 'client_secret_post'
    t.equal((await engine.post('/token', form)).status, 200)
    t.same(compared, ['handle'])
    Client.find = async () => {
      throw new errors.InvalidClientAuth('ours')
    }
    const details: unknown[] = []
    engine.provider.on('grant.error', (_ctx, error) => details.push(error.error_detail))
    const refused = await engine.post('/token', form)
    t.match([refused.status, await refused.json()], [401, { error: 'invalid_client' }])
    t.same(details, ['ours'], 'and the reason is for the log')
  }
)

t.test(
  'a client’s key store is asked for a key, then whether it is fresh, and at once to refresh, then again from the start',
  async t => {
    const engine = await startEngine(t, {
      clients: [
        {
          client_id: 'signer',
          redirect_uris: [],
          response_types: [],
          grant_types: ['client_credentials'],
          token_endpoint_auth_method: 'private_key_jwt',
          jwks_uri: 'https://keys.example.com/'
        }
      ],
      fetch: async () => {
        throw new Error('the engine fetches by itself')
      }
    })
    const client = await engine.provider.Client.find('signer')
    const asked: string[] = []
    let fresh = false
    let tick = 0
    Object.assign((client as unknown as { asymmetricKeyStore: object }).asymmetricKeyStore, {
      selectForVerify() {
        asked.push('select')
        return []
      },
      fresh() {
        asked.push(`fresh ${fresh}`)
        queueMicrotask(() => {
          tick += 1
        })
        return fresh
      },
      async refresh() {
        asked.push(`refresh in the same tick ${tick === 0}`)
        fresh = true
      }
    })
    const assertion = await new SignJWT({ jti: 'x' })
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .setIssuer('signer')
      .setSubject('signer')
      .setAudience(engine.provider.issuer)
      .setExpirationTime('1m')
      .sign(privateKey)
    const answer = await engine.post('/token', {
      grant_type: 'client_credentials',
      client_assertion: assertion,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    })
    t.equal(answer.status, 401)
    t.same(asked, [
      'select',
      'fresh false',
      'refresh in the same tick true',
      'select',
      'fresh true'
    ])
  }
)
