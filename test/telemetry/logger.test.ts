// The process log: one JSON line per entry for any input, and no secret in it by whatever way it came in (checks 209, 210; ASVS §16.2.5,
// §16.4.1). Fastify is the real one, since it is the one that logs most.

import Fastify from 'fastify'
import { type Test, test } from 'tap'
import { Fault } from '../../src/lib/fault.ts'
import { createLogger, type LoggerOptions } from '../../src/telemetry/logger.ts'
import { loggedPath } from '../../src/telemetry/serializers.ts'

const secret = 'S3cr3tS3cr3tS3cr3tS3cr3tS3cr3t'
const jwt = `eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiI${secret}.MEUCIQ${secret}`

/** A logger, and the lines that it wrote. */
function capture(level: LoggerOptions['level'] = 'trace') {
  const chunks: string[] = []
  const stream = { write: (text: string) => chunks.push(text) as unknown as undefined }
  const logger = createLogger({ level, stream })
  const lines = () => chunks.join('').split('\n').slice(0, -1)
  const entries = () => lines().map(line => JSON.parse(line) as Record<string, unknown>)
  return { logger, lines, entries }
}

function holdsNoSecret(t: Test, { lines, entries }: ReturnType<typeof capture>) {
  t.ok(entries().length > 0, 'something was logged, and each line parses')
  const told = lines().filter(line => line.includes(secret))
  t.strictSame(
    told.map(line => line.slice(0, 300)),
    []
  )
}

const breaking = 'a\r\nb\u001b[31mc\u0000d\u2028e\u2029f\u009b2Jg\u202eh"}\n{"level":"fatal"}\ud800'

test('any text is one well-formed line that steers no terminal (check 209)', async t => {
  const log = capture()
  log.logger.info(breaking)
  log.logger.info({ login: breaking, nested: { deep: [breaking] }, [breaking]: 1 }, 'text')
  log.logger.child({ requestId: breaking }).info(breaking.repeat(50))
  log.logger.error({ err: new Error(breaking) }, 'failed')
  t.equal(log.lines().length, 4)
  t.equal(log.entries().length, 4, 'each parses')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  t.notMatch(log.lines().join(''), /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/)
  t.equal(log.entries()[0]?.['msg'], breaking, 'nothing is lost by escaping')
})

test('members with the name of a secret are redacted at any depth (check 210)', async t => {
  const log = capture()
  const names = [
    'authorization',
    'Authorization',
    'cookie',
    'set-cookie',
    'Set-Cookie',
    'password',
    'client_secret',
    'clientSecret',
    'access_token',
    'refreshToken',
    'id_token_hint',
    'code',
    'device_code',
    'user_code',
    'code_verifier',
    'state',
    'nonce',
    'client_assertion',
    'DPoP',
    'body',
    'query',
    'masterKey',
    'registration_access_token',
    'connectionString'
  ]
  for (const name of names) {
    log.logger.info({ [name]: secret })
    log.logger.info({ [name]: { inner: [secret] } })
    log.logger.info({ a: { b: [{ [name]: secret }] } })
    log.logger.info({ headers: new Map([[name, secret]]) })
    log.logger.child({ [name]: secret }).info('from a child')
    log.logger.info({ cause: Object.assign(new Error('with members'), { [name]: secret }) })
  }
  t.equal(log.entries().length, names.length * 6)
  holdsNoSecret(t, log)
})

test('values that look like a secret are redacted wherever they stand (check 210)', async t => {
  const values = [
    `Authorization: Bearer ${secret}`,
    `DPoP ${secret}`,
    `Basic ${secret}==`,
    jwt,
    `line\n${jwt}`,
    `/authorize?client_id=web&code=${secret}&state=${secret}`,
    `https://app.example/cb#access_token=${secret}`,
    `return_to=%2Fcb%3Fcode%3D${secret}%26state%3D${secret}`,
    `grant_type=refresh_token&refresh_token=${secret}&client_secret=${secret}`,
    `cookie __Host-session=${secret}; path=/`,
    `$argon2id$v=19$m=19456,t=2,p=1$${secret}$${secret}`,
    `postgres://mintmark:${secret}@db.example/mintmark`,
    JSON.stringify({ grant_type: 'password', password: secret, refresh_token: secret }),
    `-----BEGIN PRIVATE KEY-----\n${secret}\n${secret}\n-----END PRIVATE KEY-----`
  ]
  const log = capture()
  for (const value of values) {
    log.logger.info(value)
    log.logger.info({ note: value, list: [value] }, 'text')
    log.logger.child({ binding: value }).info('from a child')
    log.logger.error({ err: new Error(value, { cause: new Fault('internal', value) }) }, 'failed')
    log.logger.error(new Error(value))
    log.logger.info('%s and %j', value, { value })
  }
  t.equal(log.entries().length, values.length * 6)
  holdsNoSecret(t, log)
})

test('what is no secret stays readable', async t => {
  const log = capture()
  const plain =
    'Basic authentication failed, the Bearer realm is https://id.example.com:8443/oauth/token'
  log.logger.warn(
    { clientId: 'web', errorCode: 'store_unavailable', count: 3, at: new Date(0) },
    plain
  )
  t.match(log.entries()[0], {
    level: 'warn',
    time: /^\d{4}-\d\d-\d\dT/,
    pid: process.pid,
    clientId: 'web',
    errorCode: 'store_unavailable',
    count: 3,
    at: '1970-01-01T00:00:00.000Z',
    msg: plain
  })
})

test("an error is told by type, code, message, stack and causes, never by the database's detail", async t => {
  const log = capture()
  const violated = Object.assign(new Error('duplicate key'), {
    code: '23505',
    detail: `Key (login)=(${secret}) already exists.`,
    where: secret,
    parameters: [secret]
  })
  log.logger.error({ err: new Fault('store_unavailable', 'no answer', violated) }, 'failed')
  t.match(log.entries()[0]?.['err'], {
    type: 'Fault',
    errorCode: 'store_unavailable',
    message: 'no answer',
    stack: /logger\.test\.ts/,
    cause: { errorCode: '23505', message: 'duplicate key' }
  })
  holdsNoSecret(t, log)
})

test('cycles, deep and huge values end', async t => {
  const log = capture()
  const cycle: Record<string, unknown> = { name: 'cycle' }
  cycle['self'] = cycle
  const error = new Error('own cause')
  error.cause = error
  log.logger.info({ cycle, bytes: Buffer.alloc(1_000_000, 65), long: 'x'.repeat(1_000_000) })
  log.logger.error({ err: error })
  log.logger.info({ list: Array.from({ length: 10_000 }, () => 'item') })
  t.equal(log.entries().length, 3)
  t.ok(log.lines().every(line => line.length < 20_000))
})

test('scrubbing takes time in proportion to the line: no pattern backtracks over it (check 206)', async t => {
  const log = capture()
  for (const piece of [
    'eyJ',
    'eyJaaaaaaaa.',
    '://',
    '://a:',
    'Bearer ',
    '__Host-',
    '$argon2id$',
    '"a',
    'code',
    '-----BEGIN ',
    'a'
  ]) {
    const began = process.hrtime.bigint()
    log.logger.info(piece.repeat(Math.ceil(100_000 / piece.length)))
    // not a measurement: quadratic work on 100,000 characters takes minutes
    t.ok(process.hrtime.bigint() - began < 5_000_000_000n, piece)
  }
})

test('a path is told without query, fragment and segments that open something', async t => {
  t.equal(loggedPath('/authorize?code=1#2'), '/authorize')
  t.equal(
    loggedPath('/.well-known/oauth-authorization-server'),
    '/.well-known/oauth-authorization-server'
  )
  t.equal(loggedPath(`/interaction/${secret.slice(0, 21)}/login`), '/interaction/:opaque/login')
  t.equal(loggedPath(`/device;${secret}`), '/device')
})

test('Fastify logs requests with their path only: no query, body, cookie or header that authenticates (checks 209, 210)', async t => {
  const log = capture()
  const app = Fastify({ loggerInstance: log.logger })
  t.teardown(() => app.close())
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_req, body, done) => done(null, body)
  )
  app.post('/oauth/token', async (request, reply) => {
    request.log.info(
      { headers: request.headers, body: request.body, query: request.query },
      'all of it'
    )
    reply.header('set-cookie', `__Host-session=${secret}`)
    return { access_token: jwt }
  })
  app.get('/fail', async () => {
    throw new Error(`Unexpected token, "password=${secret}" is not valid JSON`)
  })
  const headers = {
    authorization: `Basic ${secret}`,
    cookie: `__Host-session=${secret}`,
    'user-agent': 'Mozilla\u001b[31m \u009b2J {"level":"fatal"}',
    dpop: jwt,
    'content-type': 'application/x-www-form-urlencoded'
  }
  const payload = `grant_type=password&login=alice&password=${secret}&code=${secret}`
  const target = `/oauth/token?code=${secret}&state=${secret}&token=${secret}`
  t.equal((await app.inject({ method: 'POST', url: target, headers, payload })).statusCode, 200)
  t.equal((await app.inject({ method: 'GET', url: `/fail?token=${secret}` })).statusCode, 500)
  t.equal(
    (await app.inject({ method: 'GET', url: `/nowhere/${secret}?a=${secret}` })).statusCode,
    404
  )
  holdsNoSecret(t, log)
  t.match(log.entries()[0], {
    msg: 'incoming request',
    reqId: /./,
    req: { method: 'POST', path: '/oauth/token', address: '127.0.0.1', userAgent: /^Mozilla/ }
  })
  t.ok(log.entries().some(entry => entry['msg'] === 'request completed'))
})

test('the level decides, and silent is silent', async t => {
  const log = capture('warn')
  log.logger.info('not this')
  log.logger.warn('this')
  t.match(log.entries(), [{ level: 'warn', msg: 'this' }])
  const silent = capture('silent')
  silent.logger.fatal('nothing')
  t.strictSame(silent.lines(), [])
})
