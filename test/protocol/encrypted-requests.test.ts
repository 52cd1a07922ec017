// Request objects that a client encrypts to this server (RFC 9101 §6.1): what is inside is judged like every signed request, what is around it
// before a key is touched, and a client may be as slow to learn of a new key as the key set says.

import { setTimeout } from 'node:timers/promises'
import { CompactEncrypt, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'
import t from 'tap'
import { createBrowser } from '../support/browser.ts'
import { secretOf } from '../support/configuration.ts'
import { passPages } from '../support/relying-party.ts'
import { person, startTestServer } from '../support/server.ts'
import { type App, basic, createRequests } from './requests.ts'

const own = await generateKeyPair('ES256', { extractable: true })
const appOf = (clientId: string): App => ({
  clientId,
  redirectUri: `https://${clientId}.example.com/callback`,
  caller: basic(clientId)
})
const [secretive, plain] = [appOf('secretive'), appOf('signing-only')]
const memberOf = async ({ clientId, redirectUri }: App) => ({
  client_id: clientId,
  type: 'web',
  client_secret: secretOf(clientId),
  redirect_uris: [redirectUri],
  jwks: { keys: [{ ...(await exportJWK(own.publicKey)), kid: 'own', use: 'sig' }] }
})
const server = await startTestServer(t, {
  clients: [
    { ...(await memberOf(secretive)), request_object_encryption_alg: 'ECDH-ES' },
    await memberOf(plain)
  ]
})
const requests = createRequests(server)
const { issuer } = requests
const now = () => Math.floor(Date.now() / 1000)

/** The key that the published set has for encryption. */
async function published(): Promise<JWK[]> {
  const { body } = await requests.get('/.well-known/jwks.json')
  return (body['keys'] as JWK[]).filter(({ use }) => use === 'enc')
}

async function signed(app: App): Promise<string> {
  const { url } = await requests.authorizationUrl({ app })
  return new SignJWT({ ...Object.fromEntries(url.searchParams), exp: now() + 60 })
    .setProtectedHeader({ alg: 'ES256', kid: 'own', typ: 'oauth-authz-req+jwt' })
    .setIssuer(app.clientId)
    .setAudience(issuer)
    .sign(own.privateKey)
}

async function encrypted(inside: string, header: object = {}, to?: JWK): Promise<string> {
  const key = to ?? (await published())[0]
  if (key === undefined) throw new Error('no key is published for encryption')
  return new CompactEncrypt(Buffer.from(inside))
    .setProtectedHeader({
      alg: 'ECDH-ES',
      enc: 'A256GCM',
      kid: String(key.kid),
      cty: 'JWT',
      ...header
    })
    .encrypt(await importJWK(key, 'ECDH-ES'))
}

const urlWith = (request: string, app: App) => {
  const url = new URL('/authorize', issuer)
  url.search = new URLSearchParams({ client_id: app.clientId, request }).toString()
  return url
}

/** The error of a refusal; `code` when it went through. */
async function outcome(request: string, app = secretive): Promise<string> {
  const page = await createBrowser({ origin: issuer }).get(urlWith(request, app))
  if (page.location?.pathname.startsWith('/interaction')) return 'sign-in'
  return /invalid_\w+/.exec(page.location?.search ?? page.html)?.[0] ?? String(page.status)
}
const push = (request: string, app = secretive) =>
  requests.post('/oauth/par', app.caller, { client_id: app.clientId, request })

t.test(
  'each advertised way of encrypting a request is taken, by value and pushed (RFC 9101 §6.1)',
  async t => {
    const { body } = await requests.get('/.well-known/openid-configuration')
    t.same(body['request_object_encryption_alg_values_supported'], ['ECDH-ES'])
    const contents = body['request_object_encryption_enc_values_supported'] as string[]
    t.same([...contents].sort(), ['A128CBC-HS256', 'A128GCM', 'A256GCM'])
    const [key, ...others] = await published()
    t.match(key, { kty: 'EC', crv: 'P-256', alg: 'ECDH-ES', use: 'enc' })
    t.same(others, [])
    for (const enc of contents) {
      const request = await encrypted(await signed(secretive), { enc })
      const { callbackUrl } = await passPages(
        requests.ada,
        await requests.ada.get(urlWith(request, secretive)),
        { ...person, redirectUri: secretive.redirectUri }
      )
      t.ok(callbackUrl.searchParams.has('code'), enc)
      const pushed = await push(await encrypted(await signed(secretive), { enc }))
      t.equal(pushed.status, 201, pushed.text)
    }
  }
)

t.test('what is inside must be signed by the client (RFC 9101 §6.1)', async t => {
  const stranger = await generateKeyPair('ES256')
  const claims = { iss: 'secretive', client_id: 'secretive', aud: issuer, exp: now() + 60 }
  const inside: Record<string, string> = {
    'unsigned JSON': JSON.stringify(claims),
    'alg none': `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.`,
    'another key': await new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid: 'own' })
      .sign(stranger.privateKey),
    'another JWE': await encrypted(await signed(secretive)),
    nothing: ''
  }
  for (const [what, content] of Object.entries(inside)) {
    t.equal(await outcome(await encrypted(content)), 'invalid_request_object', what)
    t.match(
      await push(await encrypted(content)),
      { status: 400, body: { error: 'invalid_request_object' } },
      what
    )
  }
})

t.test(
  'what is around it is judged before a key is touched (RFC 8725 §3.2, CVE-2022-36083, CVE-2024-28176)',
  async t => {
    const good = await encrypted(await signed(secretive))
    const [head = '', ...rest] = good.split('.')
    const header = JSON.parse(Buffer.from(head, 'base64url').toString('utf8'))
    const with_ = (changes: object) =>
      [Buffer.from(JSON.stringify({ ...header, ...changes })).toString('base64url'), ...rest].join(
        '.'
      )
    const signing = server.server.keys.ring.active('identity', 'ES256')
    const wrong: Record<string, string> = {
      'a zip bomb': with_({ zip: 'DEF' }),
      'a count': with_({ alg: 'PBES2-HS256+A128KW', p2c: 1e9, p2s: 'AAAA' }),
      'a count beside': with_({ p2c: 1e9 }),
      RSA1_5: with_({ alg: 'RSA1_5' }),
      'RSA-OAEP': with_({ alg: 'RSA-OAEP' }),
      dir: with_({ alg: 'dir' }),
      'another content encryption': with_({ enc: 'A192GCM' }),
      'a critical extension': with_({ crit: ['x'], x: 1 }),
      'a key from elsewhere': with_({ jku: 'https://evil.example/keys' }),
      'a key for signatures': with_({ kid: signing.kid }),
      'a key that is not ours': with_({ kid: 'x'.repeat(43) }),
      'a point on another curve': with_({ epk: { ...header.epk, crv: 'P-384' } }),
      'a point that is none': with_({ epk: { ...header.epk, y: header.epk.x } }),
      'no point': with_({ epk: undefined }),
      'a changed text': `${good.slice(0, -4)}AAAA`,
      'a changed header': with_({ typ: 'JWT' }),
      'no header': `.${rest.join('.')}`
    }
    for (const [what, request] of Object.entries(wrong)) {
      t.equal(await outcome(request), 'invalid_request_object', what)
      t.match(
        await push(request),
        { status: 400, body: { error: 'invalid_request_object' } },
        `${what}, pushed`
      )
    }
    t.equal(await outcome(good), 'sign-in', 'the control')
  }
)

t.test(
  'for a client that is not registered for it, nothing is opened (RFC 9101 §10.5)',
  async t => {
    t.equal(await outcome(await encrypted(await signed(plain)), plain), 'invalid_request_object')
    t.equal(await outcome(await signed(plain), plain), 'sign-in', 'the control: signed alone')
    t.equal(
      await outcome(await encrypted(await signed(secretive)), appOf('nobody')),
      'invalid_client'
    )
  }
)

t.test(
  'a key that another one follows is published no more, and still opens what was on its way (Core §10.2.1)',
  async t => {
    const { keys } = server.server
    const [old] = await published()
    const early = await encrypted(await signed(secretive), {}, old)
    const made = await keys.signing.prepare({ purpose: 'encryption', alg: 'ECDH-ES' })
    if (made === 'lost') throw new Error('another process made one')
    await keys.ring.load()
    t.same(
      (await published()).map(({ kid }) => kid).sort(),
      [String(old?.kid), made.kid].sort(),
      'ahead of its use'
    )
    await keys.signing.activate({ ...made, purpose: 'encryption', alg: 'ECDH-ES' })
    // the engine is built anew when the change is heard; the limit of the test ends what never comes
    while ((await published()).some(({ kid }) => kid === old?.kid)) await setTimeout(20)
    t.match(await published(), [{ kid: made.kid }])
    t.equal(keys.ring.byKid(String(old?.kid))?.state, 'retiring')
    while ((await outcome(await encrypted(await signed(secretive)))) !== 'sign-in') {
      await setTimeout(20)
    }
    t.equal(await outcome(early), 'sign-in', 'by the key of before')
    t.equal(await outcome(await encrypted(await signed(secretive))), 'sign-in', 'by the new one')
  }
)
