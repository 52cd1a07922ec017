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

t.test(
  'of several secrets each is taken out in turn, the last one is that which verified, and then the claims are judged',
  async t => {
    const seen: string[] = []
    const engine = await startEngine(t, {
      clientAuthMethods: ['client_secret_jwt', 'client_secret_basic'],
      clients: [
        {
          client_id: 'hmac',
          client_secret: 'placeholder',
          redirect_uris: [],
          response_types: [],
          grant_types: ['client_credentials'],
          token_endpoint_auth_method: 'client_secret_jwt'
        }
      ],
      assertJwtClientAuthClaimsAndHeader: async () => {
        seen.push('claims')
      }
    })
    const client = await engine.provider.Client.find('hmac')
    const store = (client as unknown as { symmetricKeyStore: object }).symmetricKeyStore
    const keyOf = (secret: string) => ({ kty: 'oct', k: Buffer.from(secret).toString('base64url') })
    const secrets = ['first', 'second', 'third'].map(name => name.repeat(10))
    Object.assign(store, {
      selectForVerify({ alg, kid }: { alg: string; kid?: string }) {
        seen.push(`select ${alg} ${kid}`)
        return secrets.map(keyOf)
      },
      getKeyObject(key: { k: string }) {
        seen.push(Buffer.from(key.k, 'base64url').toString().slice(0, 5))
        return key
      }
    })
    const assertion = await new SignJWT({ jti: 'x' })
      .setProtectedHeader({ alg: 'HS256', kid: 'any' })
      .setIssuer('hmac')
      .setSubject('hmac')
      .setAudience(engine.provider.issuer)
      .setExpirationTime('1m')
      .sign(Buffer.from('second'.repeat(10)))
    const answer = await engine.post('/token', {
      grant_type: 'client_credentials',
      client_assertion: assertion,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    })
    t.equal(answer.status, 200)
    t.same(seen, ['select HS256 any', 'first', 'secon', 'claims'])
  }
)
