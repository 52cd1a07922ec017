// Runs docs/workload-identity.md as it stands there: the configuration of each platform, and the commands that a pod, a job or a mesh
// workload runs, against a fake of that platform that signs such tokens. Only addresses and paths are put in their place.

import { execFile, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { createSigner, signJwt, startKeyHost } from '../support/key-host.ts'
import { startTestServer } from '../support/server.ts'

const page = readFileSync(
  fileURLToPath(new URL('../../docs/workload-identity.md', import.meta.url)),
  'utf8'
)
const missing = ['curl', 'jq'].filter(name => spawnSync(name, ['--version']).status !== 0)
const skip = missing.length > 0 && `${missing.join(' and ')} not found`

function block(language: string, platform: string): string {
  const found = new RegExp(`\`\`\`${language} ${platform}\n(.*?)\`\`\``, 's').exec(page)?.[1]
  if (found === undefined) throw new Error(`the page has no ${language} of ${platform}`)
  return found
}

interface Platform {
  name: string
  clientId: string
  /** the issuer as the page names it, and where its keys are there */
  issuer: string
  bundle?: string
  alg: string
  /** as such a platform fills them in */
  claims: Record<string, unknown>
  subject: string
}

const now = Math.floor(Date.now() / 1000)
const platforms: Platform[] = [
  {
    name: 'kubernetes',
    clientId: 'reports',
    issuer: 'https://oidc.cluster.example.com',
    alg: 'RS256',
    subject: 'system:serviceaccount:shop:reports',
    claims: {
      iat: now,
      nbf: now,
      exp: now + 3607,
      'kubernetes.io': { namespace: 'shop', serviceaccount: { name: 'reports' } }
    }
  },
  {
    name: 'github',
    clientId: 'deploy',
    issuer: 'https://token.actions.githubusercontent.com',
    alg: 'RS256',
    subject: 'repo:example/shop:environment:production',
    claims: {
      iat: now,
      nbf: now - 300,
      exp: now + 300,
      jti: 'one',
      repository_id: '74',
      repository: 'example/shop',
      workflow_ref: 'example/shop/.github/workflows/deploy.yml@refs/heads/main'
    }
  },
  {
    name: 'spiffe',
    clientId: 'cart',
    issuer: 'spiffe://example.org',
    bundle: 'https://bundle.example.org/',
    alg: 'ES256',
    subject: 'spiffe://example.org/ns/shop/sa/cart',
    claims: { exp: now + 300 }
  }
]

async function run(t: Test, platform: Platform) {
  const host = await startKeyHost(t)
  const key = await createSigner('one', platform.alg)
  const issuer = platform.bundle === undefined ? host.url : platform.issuer
  host.answers.set('/.well-known/openid-configuration', { issuer, jwks_uri: `${host.url}/keys` })
  host.answers.set('/keys', { keys: [key.jwk] })
  const { use: _, ...jwk } = key.jwk
  host.answers.set('/', { keys: [{ ...jwk, use: 'jwt-svid' }] })
  const placed = block('json', platform.name)
    .replaceAll(platform.issuer, issuer)
    .replaceAll(platform.bundle ?? '\n\n', `${host.url}/`)
  const server = await startTestServer(t, JSON.parse(placed))

  const folder = t.testdir()
  const script = block('sh', platform.name)
    .replaceAll('https://id.example.com', server.issuer)
    .replaceAll('/var/run/secrets/id.example.com/token', `${folder}/token`)
    .replaceAll('/run/svid.jwt', `${folder}/token`)
  const { aud, ...rest } = { aud: server.issuer, ...platform.claims }
  const common = platform.bundle === undefined ? { iss: issuer } : {}
  const ask = async (sub: string) => {
    const jwt = await signJwt(key, {
      ...common,
      sub,
      aud: platform.name === 'github' ? aud : [aud],
      ...rest
    })
    writeFileSync(`${folder}/token`, jwt)
    let asked = ''
    // as the runner's service answers whoever has the run's bearer token
    host.answers.set(`/runner?api=2&audience=${server.issuer}`, (request, response) => {
      asked = request.headers.authorization ?? ''
      response.end(JSON.stringify({ count: 1, value: jwt }))
    })
    const { stdout } = await promisify(execFile)('sh', ['-euc', script], {
      env: {
        ...process.env,
        ACTIONS_ID_TOKEN_REQUEST_URL: `${host.url}/runner?api=2`,
        ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'of-the-run'
      }
    })
    if (platform.name === 'github') t.equal(asked, 'Bearer of-the-run')
    return JSON.parse(stdout) as { access_token?: string; error?: string }
  }
  const { access_token = '' } = await ask(platform.subject)
  const claims = JSON.parse(Buffer.from(access_token.split('.')[1] ?? '', 'base64url').toString())
  t.match(claims, { sub: platform.clientId, client_id: platform.clientId })
  t.match(await ask(`${platform.subject}-evil`), { error: 'invalid_client' })
}

for (const platform of platforms) {
  t.test(`what the page says of ${platform.name} gets a token, and nobody else one`, { skip }, t =>
    run(t, platform)
  )
}
