// Reference: bare Fastify routes that do only what nobody can leave out: parse, compare a hash, one signature or its check, and one round
// trip to PostgreSQL where the protocol needs one. No protocol server is faster than this. Reads what it is from its only argument, as JSON.

import {
  createHash,
  createHmac,
  generateKeyPairSync,
  randomBytes,
  randomUUID,
  sign,
  timingSafeEqual,
  verify
} from 'node:crypto'
import formbody from '@fastify/formbody'
import Fastify, { type FastifyRequest } from 'fastify'
import pg from 'pg'
import { secretOf } from '../support/configuration.ts'
import { benchApi } from './setting.ts'
import { answerQuestions } from './usage.ts'

const given = JSON.parse(process.argv[2] ?? '{}') as { issuer: string; port: number; url: string }
const { issuer } = given
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const rotationKey = randomBytes(32)
const pool = new pg.Pool({ connectionString: given.url, max: 10, pipeline: true })
const accountId = randomUUID()
let statements = 0

await pool.query(`CREATE TABLE accounts (id uuid PRIMARY KEY, claims jsonb NOT NULL);
  CREATE TABLE codes (hash bytea PRIMARY KEY, challenge text NOT NULL, consumed_at timestamptz);
  CREATE TABLE families (id uuid PRIMARY KEY, current_hash bytea NOT NULL, previous_hash bytea, rotated_at timestamptz)
    WITH (fillfactor = 80)`)
await pool.query('INSERT INTO accounts VALUES ($1, $2)', [accountId, { name: 'Ada Lovelace' }])

const hash = (value: string | Buffer) => createHash('sha256').update(value).digest()
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const header = part({ alg: 'ES256', typ: 'at+jwt', kid: 'one' })
const secrets = new Map(['storefront', 'billing'].map(id => [id, hash(secretOf(id))]))
const dsa = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const

/** RFC 9068 */
function accessToken(sub: string, clientId: string, aud: string): string {
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: issuer, sub, aud, client_id: clientId, scope: 'read:things' }
  const body = part({ ...claims, jti: randomUUID(), iat: now, exp: now + 600 })
  const signature = sign('sha256', Buffer.from(`${header}.${body}`), dsa)
  return `${header}.${body}.${signature.toString('base64url')}`
}

function verified(token: string): { sub: string; client_id: string; exp: number } {
  const at = token.lastIndexOf('.')
  const signature = Buffer.from(token.slice(at + 1), 'base64url')
  const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const
  if (!verify('sha256', Buffer.from(token.slice(0, at)), key, signature)) throw new Error('forged')
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  if (claims.exp * 1000 < Date.now()) throw new Error('expired')
  return claims
}

function clientOf(request: FastifyRequest): string {
  const [, encoded = ''] = (request.headers.authorization ?? '').split(' ')
  const [id = '', secret = ''] = Buffer.from(encoded, 'base64').toString().split(':')
  const known = secrets.get(decodeURIComponent(id))
  if (known === undefined || !timingSafeEqual(known, hash(decodeURIComponent(secret)))) {
    throw new Error('invalid_client')
  }
  return decodeURIComponent(id)
}

async function one<Row extends object>(name: string, text: string, values: unknown[]) {
  statements += 1
  const { rows } = await pool.query<Row>({ name, text, values })
  if (rows[0] === undefined) throw new Error('invalid_grant')
  return rows[0]
}

const refreshToken = (id: string, secret: Buffer) =>
  Buffer.concat([Buffer.from(id.replaceAll('-', ''), 'hex'), secret]).toString('base64url')

async function newFamily(): Promise<string> {
  const id = randomUUID()
  const token = refreshToken(id, randomBytes(32))
  await one('family', 'INSERT INTO families (id, current_hash) VALUES ($1, $2) RETURNING id', [
    id,
    hash(token)
  ])
  return token
}

type Form = Record<string, string>

const grants: Record<string, (form: Form, clientId: string) => Promise<object>> = {
  async client_credentials(_form, clientId) {
    return { access_token: accessToken(clientId, clientId, benchApi) }
  },
  async refresh_token({ refresh_token: presented = '' }, clientId) {
    const id = Buffer.from(presented, 'base64url').toString('hex', 0, 16)
    const next = refreshToken(id, createHmac('sha256', rotationKey).update(presented).digest())
    await one(
      'rotate',
      `UPDATE families SET current_hash = $3, previous_hash = current_hash, rotated_at = now()
       WHERE id = $1 AND current_hash = $2 RETURNING id`,
      [id, hash(presented), hash(next)]
    )
    return { access_token: accessToken(accountId, clientId, benchApi), refresh_token: next }
  },
  async authorization_code({ code = '', code_verifier: verifier = '' }, clientId) {
    const id = randomUUID()
    const token = refreshToken(id, randomBytes(32))
    const { challenge } = await one<{ challenge: string }>(
      'redeem',
      `WITH spent AS (UPDATE codes SET consumed_at = now() WHERE hash = $1 AND consumed_at IS NULL RETURNING challenge),
         family AS (INSERT INTO families (id, current_hash) SELECT $2, $3 FROM spent)
       SELECT challenge FROM spent`,
      [hash(code), id, hash(token)]
    )
    if (hash(verifier).toString('base64url') !== challenge) throw new Error('invalid_grant')
    return { access_token: accessToken(accountId, clientId, benchApi), refresh_token: token }
  }
}

const app = Fastify()
await app.register(formbody)
app.post<{ Body: Form }>('/oauth/token', async (request, reply) => {
  const clientId = clientOf(request)
  const answer = await grants[request.body['grant_type'] ?? '']?.(request.body, clientId)
  reply.header('cache-control', 'no-store')
  return { ...answer, expires_in: 600, token_type: 'Bearer', scope: 'read:things' }
})
app.post<{ Body: Form }>('/oauth/introspect', async request => {
  clientOf(request)
  const claims = verified(request.body['token'] ?? '')
  await one('state', 'SELECT id FROM accounts WHERE id = $1', [claims.sub])
  return { active: true, ...claims }
})
app.get('/userinfo', async request => {
  const { sub } = verified((request.headers.authorization ?? '').slice('Bearer '.length))
  const { claims } = await one<{ claims: object }>(
    'claims',
    'SELECT claims FROM accounts WHERE id = $1',
    [sub]
  )
  return { sub, ...claims }
})
const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'ES256' }] }
app.get('/.well-known/jwks.json', async () => jwks)
await app.listen({ port: given.port, host: '127.0.0.1' })

answerQuestions(() => statements, {
  refreshTokens: count => Promise.all(Array.from({ length: count }, newFamily)),
  accessToken: async () => accessToken(accountId, 'storefront', issuer),
  codes: count =>
    Promise.all(
      Array.from({ length: count }, async () => {
        const [code, verifier] = [randomBytes(32), randomBytes(32)].map(b =>
          b.toString('base64url')
        )
        const challenge = hash(verifier ?? '').toString('base64url')
        await one('code', 'INSERT INTO codes VALUES ($1, $2) RETURNING challenge', [
          hash(code ?? ''),
          challenge
        ])
        return { code, verifier }
      })
    )
})
