// Our signatures, verified by code that is not ours, in processes that know the issuer and nothing else: jose, and PyJWT with Python's
// cryptography. Access tokens (RFC 9068) and ID tokens in every algorithm that we offer; changed tokens and other audiences are refused.

import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { api, redirectUri, secretOf } from '../support/configuration.ts'
import { signIn } from '../support/relying-party.ts'
import { person, startTestServer } from '../support/server.ts'

const python = '/usr/bin/python3'
const hasPyJwt = spawnSync(python, ['-c', 'import jwt, cryptography']).status === 0

const libraries = [
  { name: 'jose', command: [process.execPath, pathOf('verify-with-jose.mjs')], skip: false },
  {
    name: 'PyJWT',
    command: [python, pathOf('verify_with_pyjwt.py')],
    skip: !hasPyJwt && `python3-jwt and python3-cryptography are not installed for ${python}`
  }
]

interface Question {
  issuer: string
  token: string
  audience: string
  alg: string
}

interface Verdict {
  ok: boolean
  header?: Record<string, unknown>
  claims?: Record<string, unknown>
  refusal?: string
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url))
}

/** Asks one library, in a process that gets no environment of ours. */
function ask([command = '', ...args]: string[], question: Question): Promise<Verdict> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env: {} })
  child.stdin?.end(JSON.stringify(question))
  let printed = ''
  child.stdout?.on('data', chunk => {
    printed += chunk
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => resolve(JSON.parse(printed)))
  })
}

/** Another subject under the same signature. */
function withOtherSubject(token: string): string {
  const [header, payload = '', signature] = token.split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
  const changed = Buffer.from(JSON.stringify({ ...claims, sub: 'somebody else' }))
  return [header, changed.toString('base64url'), signature].join('.')
}

/** The same claims under another signature. */
function withOtherSignature(token: string): string {
  const [header, payload, signature = ''] = token.split('.')
  const bytes = Buffer.from(signature, 'base64url')
  bytes[10] = (bytes[10] ?? 0) ^ 1
  return [header, payload, bytes.toString('base64url')].join('.')
}

t.test('other libraries verify our tokens, by the published keys (RFC 7517)', async t => {
  const algorithms = ['ES256', 'EdDSA'] as const
  const clientOf = (alg: string) => `wants-${alg.toLowerCase()}`
  const { issuer, accountId } = await startTestServer(t, {
    clients: algorithms.map(alg => ({
      client_id: clientOf(alg),
      type: 'web',
      client_name: alg,
      client_secret: secretOf(clientOf(alg)),
      redirect_uris: [redirectUri],
      id_token_signed_response_alg: alg
    }))
  })

  async function tokensOf(clientId: string, resource?: string) {
    const { tokens } = await signIn({
      issuer,
      clientId,
      clientSecret: secretOf(clientId),
      redirectUri,
      scope: resource === undefined ? 'openid' : 'openid read:things',
      resource,
      ...person
    })
    return { access: tokens.access_token, id: tokens.id_token ?? '' }
  }

  const web = await tokensOf('web', api)
  const cases: { name: string; token: string; audience: string; alg: string }[] = [
    { name: 'an access token for an API', token: web.access, audience: api, alg: 'ES256' },
    { name: 'an ID token', token: web.id, audience: 'web', alg: 'RS256' }
  ]
  for (const alg of algorithms) {
    const { access, id } = await tokensOf(clientOf(alg))
    cases.push({ name: `an ID token in ${alg}`, token: id, audience: clientOf(alg), alg })
    if (alg === 'EdDSA') {
      cases.push({ name: 'an access token of ours', token: access, audience: issuer, alg: 'ES256' })
    }
  }

  for (const { name: library, command, skip } of libraries) {
    t.test(library, { skip }, async t => {
      for (const { name, token, ...expected } of cases) {
        const about = { issuer, token, ...expected }
        const [verified, changed, forged, elsewhere, otherAlgorithm] = await Promise.all([
          ask(command, about),
          ask(command, { ...about, token: withOtherSubject(token) }),
          ask(command, { ...about, token: withOtherSignature(token) }),
          ask(command, { ...about, audience: 'https://other.example.com' }),
          ask(command, { ...about, alg: expected.alg === 'RS256' ? 'ES256' : 'RS256' })
        ])
        t.match(
          verified,
          {
            ok: true,
            header: { alg: expected.alg, kid: String },
            claims: { iss: issuer, aud: expected.audience, sub: accountId }
          },
          name
        )
        t.match(changed, { ok: false, refusal: /signature/i }, `${name}, with another subject`)
        t.match(forged, { ok: false, refusal: /signature/i }, `${name}, with another signature`)
        t.match(elsewhere, { ok: false, refusal: /claim|audience/i }, `${name}, elsewhere`)
        t.match(otherAlgorithm, { ok: false, refusal: /alg/i }, `${name}, as another algorithm`)
      }
    })
  }
})
