// What is encrypted to a client's own key (RFC 7516): ID tokens, userinfo, introspection and authorization responses, each signed first.
// And that nothing else that reads a JWT opens one that is encrypted.

import { createServer } from 'node:http'
import {
  type CryptoKey,
  compactDecrypt,
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  type JSONWebKeySet,
  jwtVerify
} from 'jose'
import * as oidc from 'openid-client'
import t from 'tap'
import { secretOf } from '../support/configuration.ts'
import { passPages } from '../support/relying-party.ts'
import { freePort, person, startTestServer } from '../support/server.ts'
import { type App, basic, claimsIn, createRequests, headerOf, web } from './requests.ts'

const algorithms = ['ECDH-ES', 'ECDH-ES+A256KW', 'RSA-OAEP', 'RSA-OAEP-256'] as const
const contents = ['A128CBC-HS256', 'A128GCM', 'A256GCM'] as const
type Pair = { publicKey: CryptoKey; privateKey: CryptoKey }

const idOf = (alg: string) => `enc-${alg.toLowerCase().replace('+', '-')}`
const appOf = (alg: string): App => ({
  clientId: idOf(alg),
  redirectUri: `https://${idOf(alg)}.example.com/callback`,
  caller: basic(idOf(alg))
})
const pairs = new Map<string, Pair>()
for (const alg of algorithms) pairs.set(alg, await generateKeyPair(alg, { extractable: true }))
const pairOf = (alg: string) => {
  const pair = pairs.get(alg)
  if (pair === undefined) throw new Error(alg)
  return pair
}
const encOf = (index: number) => contents[index % contents.length] ?? contents[0]
const messages = ['id_token', 'userinfo', 'introspection', 'authorization']

const server = await startTestServer(t, {
  clients: await Promise.all(
    algorithms.map(async (alg, index) => ({
      client_id: idOf(alg),
      type: 'web',
      client_secret: secretOf(idOf(alg)),
      redirect_uris: [appOf(alg).redirectUri],
      jwks: {
        keys: [
          // a key of the same type for signatures stands first: it must not be taken
          {
            ...(await exportJWK((await generateKeyPair('ES256')).publicKey)),
            kid: 'sig',
            use: 'sig'
          },
          { ...(await exportJWK(pairOf(alg).publicKey)), kid: 'enc', use: 'enc', alg }
        ]
      },
      userinfo_signed_response_alg: 'RS256',
      ...Object.fromEntries(
        messages.flatMap(message => [
          [`${message}_encrypted_response_alg`, alg],
          [`${message}_encrypted_response_enc`, encOf(index)]
        ])
      )
    }))
  )
})
const requests = createRequests(server)
const { issuer } = requests

async function keySet() {
  const { body } = await requests.get('/.well-known/jwks.json')
  return createLocalJWKSet(body as unknown as JSONWebKeySet)
}

/** Opens a nested JWT and answers what is inside, with both headers looked at. */
async function opened(jwe: string, alg: (typeof algorithms)[number]): Promise<string> {
  const { plaintext, protectedHeader } = await compactDecrypt(jwe, pairOf(alg).privateKey)
  t.match(protectedHeader, {
    alg,
    enc: encOf(algorithms.indexOf(alg)),
    kid: 'enc',
    cty: 'JWT'
  })
  t.notOk('zip' in protectedHeader)
  return Buffer.from(plaintext).toString('utf8')
}

async function verified(jwt: string, app: App) {
  return (await jwtVerify(jwt, await keySet(), { issuer, audience: app.clientId })).payload
}

t.test(
  'each advertised way of encryption is taken for each kind of message, signed inside (Core §10.2, RFC 9701 §5, JARM §2.2)',
  async t => {
    const { body } = await requests.get('/.well-known/openid-configuration')
    for (const message of messages) {
      const list = (kind: string) => body[`${message}_encryption_${kind}_values_supported`]
      t.same([...(list('alg') as string[])].sort(), [...algorithms].sort(), message)
      t.same([...(list('enc') as string[])].sort(), [...contents].sort(), message)
    }
    for (const alg of algorithms) {
      const app = appOf(alg)
      const tokens = await requests.tokens({ app, scope: 'openid email' })
      const idToken = await verified(await opened(tokens.id_token, alg), app)
      t.match(idToken, { sub: server.accountId, email: 'ada@example.com' }, alg)
      const parts = tokens.id_token.split('.').map(part => Buffer.from(part, 'base64url'))
      t.notOk(
        parts.some(part => part.includes('ada@')),
        'not to be read in between'
      )

      const userinfo = await requests.userinfo(tokens.access_token)
      t.match(userinfo.headers.get('content-type'), /^application\/jwt/)
      t.match(await verified(await opened(userinfo.text, alg), app), {
        sub: server.accountId,
        email: 'ada@example.com'
      })

      const asJwt = { accept: 'application/token-introspection+jwt' }
      const token = tokens.access_token
      const told = await requests.post('/oauth/introspect', app.caller, { token }, asJwt)
      const inside = await opened(told.text, alg)
      t.equal(headerOf(inside)['typ'], 'token-introspection+jwt')
      t.match(await verified(inside, app), { token_introspection: { active: true } })
      const plain = await requests.post('/oauth/introspect', app.caller, { token })
      t.match(plain, { status: 400, body: { error: 'invalid_request' } }, 'never in the clear')

      const { url } = await requests.authorizationUrl({ app, extra: { response_mode: 'jwt' } })
      const { callbackUrl } = await passPages(requests.ada, await requests.ada.get(url), {
        ...person,
        redirectUri: app.redirectUri
      })
      t.same([...callbackUrl.searchParams.keys()], ['response'])
      const response = callbackUrl.searchParams.get('response') ?? ''
      t.ok('code' in (await verified(await opened(response, alg), app)))
    }
  }
)

t.test('openid-client decrypts all of a sign-in (Core §10.2)', async t => {
  const alg = 'ECDH-ES'
  const app = appOf(alg)
  const config = await oidc.discovery(
    new URL(issuer),
    app.clientId,
    { userinfo_signed_response_alg: 'RS256', authorization_signed_response_alg: 'RS256' },
    oidc.ClientSecretBasic(secretOf(app.clientId)),
    { execute: [oidc.allowInsecureRequests, oidc.useJwtResponseMode] }
  )
  oidc.enableDecryptingResponses(config, [...contents], {
    key: pairOf(alg).privateKey,
    kid: 'enc',
    alg
  })
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: app.redirectUri,
    scope: 'openid profile',
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256'
  })
  const { callbackUrl } = await passPages(requests.ada, await requests.ada.get(url), {
    ...person,
    redirectUri: app.redirectUri
  })
  const tokens = await oidc.authorizationCodeGrant(config, callbackUrl, {
    pkceCodeVerifier,
    idTokenExpected: true
  })
  t.equal(tokens.claims()?.sub, server.accountId)
  const told = await oidc.fetchUserInfo(config, tokens.access_token, server.accountId)
  t.equal(told['name'], 'Ada Lovelace')
})

t.test('a hint is the ID token inside, decrypted by the client (Core §3.1.2.1)', async t => {
  const app = appOf('ECDH-ES')
  const { id_token } = await requests.tokens({ app })
  const hinted = async (id_token_hint: string) =>
    (
      await requests.authorize({
        app,
        browser: requests.ada,
        extra: { prompt: 'none', id_token_hint }
      })
    ).location?.searchParams
  t.ok((await hinted(await opened(id_token, 'ECDH-ES')))?.has('code'))
  t.equal((await hinted(id_token))?.get('error'), 'invalid_request')
})

t.test(
  'keys behind a jwks_uri that are not for encryption are not taken, and nothing is spent (RFC 7517 §4.2)',
  async t => {
    const port = await freePort()
    const pair = pairOf('ECDH-ES')
    const jwk = await exportJWK(pair.publicKey)
    const ed25519 = await exportJWK((await generateKeyPair('EdDSA')).publicKey)
    let keys: object[] = [
      { ...ed25519, kid: 'ed' },
      { ...jwk, kid: 'sig', use: 'sig' },
      { ...jwk, kid: 'any' }
    ]
    const host = createServer((_request, response) => response.end(JSON.stringify({ keys })))
    await new Promise<void>(resolve => host.listen(port, '127.0.0.1', resolve))
    t.teardown(() => host.close())
    const member = {
      type: 'web',
      redirect_uris: ['https://remote.example.com/callback'],
      id_token_encrypted_response_alg: 'ECDH-ES'
    }
    const ids = ['remote', 'remote-later']
    const local = await startTestServer(t, {
      mode: 'development',
      // each at a place of its own: what was fetched for one tells nothing of the other
      clients: ids.map(client_id => ({
        ...member,
        client_id,
        client_secret: secretOf(client_id),
        jwks_uri: `http://127.0.0.1:${port}/${client_id}.json`
      }))
    })
    const mine = createRequests(local)
    const [early, later] = ids.map(clientId => ({
      clientId,
      redirectUri: 'https://remote.example.com/callback',
      caller: basic(clientId)
    })) as [App, App]
    const refused = await mine.redeem(await mine.code({ app: early }))
    t.equal(refused.status, 400, refused.text)
    t.equal(refused.body['error'], 'invalid_client_metadata')
    keys = [...keys, { ...jwk, kid: 'enc', use: 'enc' }]
    const { id_token } = await mine.tokens({ app: later })
    t.equal(headerOf(id_token)['kid'], 'enc')
    const { plaintext } = await compactDecrypt(id_token, pair.privateKey)
    t.equal(claimsIn(Buffer.from(plaintext).toString('utf8'))['aud'], 'remote-later')
  }
)

t.test(
  'nothing that is encrypted is opened, whatever it asks for: no inflating, no deriving (RFC 8725 §3.2, CVE-2024-28176)',
  async t => {
    const { access_token } = await requests.tokens()
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const random = (length: number) => Buffer.alloc(length, 7).toString('base64url')
    const headers: Record<string, object> = {
      'a zip bomb': { alg: 'ECDH-ES', enc: 'A256GCM', zip: 'DEF', epk: {} },
      'a huge count': { alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2c: 1e9, p2s: random(16) },
      RSA1_5: { alg: 'RSA1_5', enc: 'A128CBC-HS256' },
      'RSA with our signing key': {
        alg: 'RSA-OAEP',
        enc: 'A256GCM',
        kid: headerOf(access_token)['kid']
      },
      'the secret of the client': { alg: 'dir', enc: 'A256GCM' },
      'nested, unsigned': { alg: 'A256KW', enc: 'A256GCM', cty: 'JSON' }
    }
    for (const [what, header] of Object.entries(headers)) {
      // a billion rounds would take the rest of this run
      const jwe = [part(header), random(256), random(12), random(2000), random(16)].join('.')
      const request = await requests.post('/oauth/par', web.caller, {
        client_id: 'web',
        request: jwe
      })
      t.match(request, { status: 400, body: { error: 'invalid_request_object' } }, what)
      t.equal((await requests.userinfo(jwe)).status, 401, what)
      t.same((await requests.introspect(web.caller, jwe)).body, { active: false }, what)
      const asserted = await requests.token(
        {
          headers: {},
          parameters: {
            client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
            client_assertion: jwe
          }
        },
        { grant_type: 'client_credentials', client_id: 'billing' }
      )
      t.match(asserted.body['error'], /^invalid_(client|request)$/, what)
      const proven = await requests.token(
        web.caller,
        { grant_type: 'refresh_token', refresh_token: 'x' },
        { DPoP: jwe }
      )
      t.equal(proven.status, 400, what)
      const hint = await requests.get(`/logout?${new URLSearchParams({ id_token_hint: jwe })}`)
      t.equal(hint.status, 400, what)
    }
  }
)
