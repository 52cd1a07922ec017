// The self-check finds what is broken: each test breaks one thing of a small server, and the step
// of that name must say so. The server is a function behind `fetch`; nothing listens.

import { SignJWT } from 'jose'
import t from 'tap'
import { selfCheck } from '../../src/demo/self-check.ts'
import { createKey } from '../resource-server/fake-issuer.ts'

const issuer = 'http://127.0.0.1:9'
const resource = `${issuer}/demo-api`
const key = await createKey('k')
const json = (body: object, status = 200) => Response.json(body, { status })

/** A server in a function: what each path answers can be replaced. */
function serve(broken: Record<string, () => Response | Promise<Response>> = {}) {
  const revoked = new Set<string>()
  let asked = 0
  const routes: Record<string, (form: URLSearchParams) => Response | Promise<Response>> = {
    '/.well-known/openid-configuration': () =>
      json({
        issuer,
        jwks_uri: `${issuer}/jwks`,
        token_endpoint: `${issuer}/token`,
        introspection_endpoint: `${issuer}/introspect`,
        revocation_endpoint: `${issuer}/revoke`
      }),
    '/jwks': () => json({ keys: [key.publicJwk] }),
    '/token': async form =>
      json({ access_token: await sign(form.get('resource')), token_type: 'bearer' }),
    '/introspect': form => json({ active: !revoked.has(form.get('token') ?? '') }),
    '/revoke': form => {
      revoked.add(form.get('token') ?? '')
      return new Response(null, { status: 200 })
    },
    ...broken
  }
  const fetch: typeof globalThis.fetch = async (input, init) => {
    asked += 1
    const route = routes[new URL(String(input)).pathname]
    return route ? route(new URLSearchParams(String(init?.body ?? ''))) : json({}, 404)
  }
  return { fetch, asked: () => asked }
}

function sign(audience: string | null, clientId = 'machine') {
  return new SignJWT({ client_id: clientId })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'k' })
    .setIssuer(issuer)
    .setSubject(clientId)
    .setAudience(audience ?? issuer)
    .setJti('1')
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(key.privateKey)
}

async function check(broken: Parameters<typeof serve>[0]) {
  const { fetch } = serve(broken)
  const machineClient = { id: 'machine', secret: 's' }
  return selfCheck({ issuer, machineClient, resource, fetch })
}

t.test('a server that works passes every step, in order', async t => {
  const { steps, milliseconds } = await check({})
  t.same(
    steps,
    ['discovery', 'jwks', 'client_credentials', 'verify', 'introspect', 'revoke'].map(name => ({
      name,
      ok: true
    }))
  )
  t.type(milliseconds, 'number')
})

const active = () => json({ active: true })
const breaks: [step: string, says: RegExp, broken: Parameters<typeof serve>[0]][] = [
  ['discovery', /./, { '/.well-known/openid-configuration': () => json({}, 500) }],
  [
    'discovery',
    /./,
    { '/.well-known/openid-configuration': () => json({ issuer: 'http://other' }) }
  ],
  ['jwks', /has no keys/, { '/jwks': () => json({ keys: [] }) }],
  ['jwks', /private members: d/, { '/jwks': () => json({ keys: [{ ...key.publicJwk, d: 'x' }] }) }],
  [
    'client_credentials',
    /invalid_client: who are you/,
    { '/token': () => json({ error: 'invalid_client', error_description: 'who are you' }, 401) }
  ],
  [
    'verify',
    /another API/,
    { '/token': async () => json({ access_token: await sign(issuer), token_type: 'bearer' }) }
  ],
  [
    'verify',
    /names the client other/,
    {
      '/token': async () =>
        json({ access_token: await sign(resource, 'other'), token_type: 'bearer' })
    }
  ],
  ['introspect', /not active/, { '/introspect': () => json({ active: false }) }],
  ['revoke', /still active/, { '/introspect': active }],
  [
    'revoke',
    /unexpected HTTP/,
    { '/revoke': () => json({ error: 'temporarily_unavailable' }, 503) }
  ]
]
for (const [step, says, broken] of breaks) {
  t.test(`the step ${step} fails with ${says}`, async t => {
    const { steps } = await check(broken)
    const failed = steps.find(({ ok }) => !ok)
    t.equal(failed?.name, step)
    t.match(failed?.detail, says)
    const rest = steps.slice(steps.indexOf(failed as (typeof steps)[0]) + 1)
    t.ok(rest.every(({ ok, detail }) => !ok && detail === `not tried, since ${step} failed`))
  })
}
