// Metadata honesty (Discovery §3, RFC 8414 §2): everything that discovery can say is in metadata-proofs.ts with the test that shows it at work, and
// every value that others know and this server does not advertise is refused, generated from what is advertised.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { exportJWK, generateKeyPair } from 'jose'
import t, { type Test } from 'tap'
import { issueInitialAccessToken } from '../../src/clients/registration-token.ts'
import { documentClients } from '../../src/config/client-document-schema.ts'
import { startTestServer } from '../support/server.ts'
import { behindProxy } from './certified.ts'
import { exchangeSetting } from './exchange.ts'
import { proofs, unlisted } from './metadata-proofs.ts'
import { basic, claimsIn, createProver, createRequests, spa } from './requests.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
// everything that can be switched on, so that everything that can be said is
const full = await startTestServer(t, {
  ...exchangeSetting,
  resources: [
    ...exchangeSetting.resources,
    {
      identifier: 'https://open.example.com',
      scopes: { 'read:open': { en: 'Read' } },
      clients: [documentClients]
    }
  ],
  registration: { enabled: true },
  grantManagement: { enabled: true },
  ciba: { enabled: true },
  authorizationDetails: [
    { type: 'visit', resources: ['https://open.example.com'], title: { en: 'Visit' } }
  ],
  // hundreds of clients in a second or two
  limits: Object.fromEntries(
    ['authorize', 'pushedRequests', 'devices', 'pages', 'signIn', 'registration'].map(name => [
      name,
      { perAddress: 1_000_000, rows: 10_000_000 }
    ])
  ),
  clientMetadataDocuments: { enabled: true },
  trustedIssuers: [{ issuer: 'https://ci.example.com', attests: true }],
  trustedProxies: behindProxy.trustedProxies,
  clientCertificates: behindProxy.clientCertificates
})
const plain = await startTestServer(t)
const requests = createRequests(full)
const documentPath = '/.well-known/openid-configuration'
const document = (await requests.get(documentPath)).body as Record<string, unknown>
const plainDocument = (await createRequests(plain).get(documentPath)).body

const prover = await createProver('ES256')
const { token: registrationToken } = await issueInitialAccessToken(full.store.database, {
  lifetimeSeconds: 3600,
  uses: 10_000
})
const pairs = await Promise.all(['ECDH-ES', 'RSA-OAEP'].map(alg => generateKeyPair(alg)))
const jwks = {
  keys: await Promise.all(
    pairs.map(async ({ publicKey }, at) => ({
      ...(await exportJWK(publicKey)),
      ...{ kid: `enc-${at}`, use: 'enc' }
    }))
  )
}
const own = await exportJWK((await generateKeyPair('ES256')).publicKey)
jwks.keys.push({ ...own, kid: 'sig', use: 'sig' })

t.test('every member that discovery can have is in the table, with a test that exists', async t => {
  const engine = readFileSync(`${root}node_modules/oidc-provider/lib/actions/discovery.js`, 'utf8')
  const ofEngine = [...engine.matchAll(/ctx\.body\.(\w+) =|^ {4}(\w+): /gm)].map(
    ([, set, literal]) => set ?? literal ?? ''
  )
  const ours = readdirSync(`${root}src/protocol`).flatMap(file => [
    ...readFileSync(`${root}src/protocol/${file}`, 'utf8').matchAll(
      /\b(\w+_(?:supported|endpoint|aliases|action_required)|protected_resources): /g
    )
  ])
  const said = [...Object.keys(document), ...Object.keys(plainDocument)]
  const possible = new Set([...ofEngine, ...ours.map(([, name = '']) => name), ...said])
  t.same([...possible].filter(name => !proofs.has(name)).sort(), [], 'add it to metadata-proofs.ts')
  t.same([...proofs.keys()].filter(name => !possible.has(name)).sort(), [], 'nobody says it')
  for (const [name, { works }] of proofs) {
    if ('never' in works) {
      t.notOk(said.includes(name), `${name}: ${works.never}`)
      continue
    }
    const [file, title] = works
    const source = existsSync(root + file) ? readFileSync(root + file, 'utf8') : ''
    t.ok(source.includes(title), `${name}: ${file} has ${title}`)
    t.ok(said.includes(name), `${name} is said by one of the servers`)
  }
})

t.test('every list is tried with values that others know and it does not have', async t => {
  for (const [name, value] of Object.entries(document)) {
    if (!Array.isArray(value) || ['claim_types_supported', 'protected_resources'].includes(name))
      continue
    const { known = [] } = proofs.get(name) ?? {}
    t.ok(
      known.some(one => !value.includes(one)),
      `${name}: what is known elsewhere`
    )
  }
})

/** Members that a value needs beside it. */
function company(member: string, value: string): Record<string, unknown> {
  const [, message] = /^(\w+)_encrypted_response_/.exec(member) ?? []
  const keys =
    message !== undefined || member.startsWith('request_object') || /^(private_|self_)/.test(value)
  const signs = value === 'HS256' ? 'client_secret_jwt' : 'private_key_jwt'
  return {
    redirect_uris: ['https://new.example.com/callback'],
    ...(keys ? { jwks } : {}),
    ...(message === undefined ? {} : { [`${message}_encrypted_response_alg`]: 'ECDH-ES' }),
    ...(message === 'userinfo' ? { userinfo_signed_response_alg: 'RS256' } : {}),
    ...(member === 'request_object_encryption_enc'
      ? { request_object_encryption_alg: 'ECDH-ES' }
      : {}),
    ...(value === 'tls_client_auth' ? { tls_client_auth_san_dns: 'new.example.com' } : {}),
    ...(member === 'token_endpoint_auth_signing_alg'
      ? { token_endpoint_auth_method: signs, ...(value === 'HS256' ? {} : { jwks }) }
      : {})
  }
}

async function registered(member: string, value: string): Promise<string> {
  const body = { ...company(member, value), [member]: value }
  const ask = () =>
    requests.json('POST', '/oauth/register', body, {
      authorization: `Bearer ${registrationToken}`
    })
  let answer = await ask()
  // rows are shared out a part at a time (ops/limits.ts)
  while (answer.body['error'] === 'temporarily_unavailable') {
    await sleep(50)
    answer = await ask()
  }
  return answer.status === 201 && answer.body[member] === value ? 'taken' : answer.text
}

const errorOf = async (extra: Record<string, string | undefined>) =>
  (await requests.authorize({ browser: requests.ada, extra })).location?.searchParams

/** Each way of asking for a value: `refused` in the words of the answer, or `taken`. */
const asking: Record<string, (value: string) => Promise<string>> = {
  'grant type': async grant_type => {
    const { body } = await requests.token(basic('web'), { grant_type })
    return body['error'] === 'unsupported_grant_type' ? 'unsupported_grant_type' : 'taken'
  },
  'response type': async response_type => {
    const { location, status } = await requests.authorize({
      browser: requests.ada,
      extra: { response_type }
    })
    const told = new URLSearchParams(`${location?.search.slice(1)}&${location?.hash.slice(1)}`)
    return told.get('error') ?? (status < 400 && told.has('code') ? 'taken' : 'refused')
  },
  'response mode': async response_mode => {
    const page = await requests.authorize({ browser: requests.ada, extra: { response_mode } })
    const { location, forms } = page
    const text = `${location?.search}${location?.hash}${[...(forms[0]?.fields.keys() ?? [])]}`
    return /code=|response=|code|response/.test(text) && !text.includes('error')
      ? 'taken'
      : 'refused'
  },
  scope: async scope => {
    const tokens = await requests.tokens({ scope: `openid ${scope}`, extra: { prompt: 'consent' } })
    return String(tokens['scope']).split(' ').includes(scope) ? 'taken' : 'left out'
  },
  claim: async claim => {
    const claims = `{"userinfo":{"${claim}":{"essential":true}},"id_token":{"${claim}":null}}`
    const tokens = await requests.tokens({
      scope: 'openid profile email',
      extra: { claims, prompt: 'consent' }
    })
    const { body } = await requests.userinfo(tokens.access_token)
    const there = [body, claimsIn(tokens.id_token)].some(of => Object.hasOwn(of, claim))
    return there ? 'taken' : 'left out'
  },
  acr: async acr => {
    const claims = JSON.stringify({ id_token: { acr: { essential: true, values: [acr] } } })
    return (await errorOf({ claims }))?.get('error') ?? 'taken'
  },
  'PKCE method': async code_challenge_method =>
    (await errorOf({ code_challenge_method }))?.get('error') ?? 'taken',
  language: async ui_locales => {
    const start = await requests.authorize({ app: spa, extra: { ui_locales } })
    const cookie = start.headers
      .getSetCookie()
      .map(line => line.split(';')[0])
      .join('; ')
    const page = await requests.get(start.location?.pathname ?? '', { cookie })
    return page.text.includes(`lang="${ui_locales}"`) ? 'taken' : 'another one'
  },
  proof: async alg => {
    const good = await prover.proof({ url: `${full.issuer}/oauth/token` })
    const [, payload, signature] = good.split('.')
    const head = { typ: 'dpop+jwt', alg, jwk: prover.jwk }
    const proof =
      alg === 'ES256'
        ? good
        : [Buffer.from(JSON.stringify(head)).toString('base64url'), payload, signature].join('.')
    const parameters = { grant_type: 'client_credentials' }
    const { status, body } = await requests.token(basic('billing'), parameters, { dpop: proof })
    return status === 200 ? 'taken' : String(body['error'])
  }
}

/** Advertised values that are tried elsewhere only: with other keys, forms, certificates. */
const notHere = new Set([
  ...['proof', 'claim', 'self_signed_tls_client_auth'],
  ...['attest_jwt_client_auth', 'attest_jwt_client_auth_dpop']
])

for (const [name, { known = [], askedBy }] of proofs) {
  if (askedBy === undefined) continue
  t.test(`${name}: what is not advertised is refused`, async (t: Test) => {
    await requests.code()
    const advertised = document[name] as string[]
    const ask = asking[askedBy] ?? ((value: string) => registered(askedBy, value))
    for (const value of known.filter(one => !advertised.includes(one)))
      t.not(await ask(value), 'taken', value)
    if (notHere.has(askedBy)) return
    for (const value of advertised.filter(one => !notHere.has(one)))
      t.equal(await ask(value), 'taken', value)
  })
}

t.test(
  'values of parameters that discovery does not list are refused, or change nothing',
  async t => {
    await requests.code()
    for (const prompt of unlisted.prompt) {
      t.equal((await errorOf({ prompt }))?.get('error'), 'invalid_request', `prompt=${prompt}`)
    }
    for (const display of unlisted.display) {
      t.ok((await errorOf({ display }))?.has('code'), `display=${display}`)
    }
    t.equal(document['prompt_values_supported'], undefined)
    t.equal(document['display_values_supported'], undefined)
  }
)
