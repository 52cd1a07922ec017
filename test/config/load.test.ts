// Where a setting comes from and what it becomes: precedence, variable names, durations, secrets, paths, frozen.
// Nothing here touches a disk or this process's environment.

import { generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import t from 'tap'
import { configKeys, variableName } from '../../src/config/keys.ts'
import { loadConfig } from '../../src/config/load.ts'
import { parseDuration } from '../../src/config/vocabulary.ts'
import { besideOthers, besideTls } from './beside.ts'
import { cwd, files, load, problemsOf, productionEnv, randomHex } from './sound.ts'

t.test('without file and environment, development mode starts with the defaults', async t => {
  const config = load({})
  t.equal(config.mode, 'development')
  t.equal(config.issuer, undefined)
  t.equal(config.port, undefined)
  t.equal(config.host, '127.0.0.1')
  t.equal(config.dataFolder, `${cwd}/.data`)
  t.strictSame(config.accessTokens, { lifetimeSeconds: 600, algorithm: 'ES256' })
  t.strictSame(config.idTokens, { lifetimeSeconds: 3600, algorithm: 'RS256' })
  t.strictSame(config.refreshTokens, {
    leewaySeconds: 30,
    publicLeewaySeconds: 15,
    idleSeconds: 30 * 86_400,
    absoluteSeconds: 90 * 86_400
  })
  t.strictSame(config.conformance, {
    enabled: false,
    responseTypes: [],
    registration: 'token'
  })
  t.notOk('masterKey' in config)
})

t.test('the environment goes over the file, the file over the default', async t => {
  const file = { refreshTokens: { leeway: '20s' }, log: { level: 'warn' } }
  t.equal(load({}).refreshTokens.leewaySeconds, 30)
  t.equal(load({}, file).refreshTokens.leewaySeconds, 20)
  const env = { MINTMARK_REFRESH_TOKENS__LEEWAY: '25s' }
  const config = load(env, file)
  t.equal(config.refreshTokens.leewaySeconds, 25)
  t.equal(config.log.level, 'warn', 'what the environment leaves alone stays')
})

t.test('an empty variable counts as not set', async t => {
  t.equal(load({ MINTMARK_LOG__LEVEL: '' }, { log: { level: 'warn' } }).log.level, 'warn')
})

t.test('every key has a variable of its own, made from its path', async t => {
  t.equal(variableName('refreshTokens.leeway'), 'MINTMARK_REFRESH_TOKENS__LEEWAY')
  t.equal(variableName('database.directUrl'), 'MINTMARK_DATABASE__DIRECT_URL')
  const names = configKeys.flatMap(({ variable, aliases }) => [variable, ...aliases])
  t.equal(new Set(names).size, names.length)
  t.ok(names.length > 35)
})

t.test('every variable reaches its key', async t => {
  const publicJwk = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
  const values: Record<string, string> = {
    mode: 'development',
    issuer: 'http://localhost:4000',
    host: '127.0.0.2',
    port: '4000',
    dataFolder: '/var/lib/mintmark',
    'database.url': 'postgres://localhost/a',
    'database.directUrl': 'postgres://localhost/b',
    'database.pool': '7',
    'database.embedded': 'false',
    'database.pooler': 'transaction',
    'database.preparedStatements': 'unnamed',
    workers: '2',
    'http.connections': '9000',
    'http.connectionsPerAddress': '400',
    'shutdown.delay': '2s',
    masterKey: randomHex(),
    previousMasterKeys: JSON.stringify([randomHex()]),
    'keys.rotationInterval': '44d',
    'keys.publishAhead': '2d',
    'keys.cacheLifetime': '6m',
    trustedProxies: '["10.0.0.0/24"]',
    'tls.certificate': '/etc/mintmark/tls.crt',
    'tls.key': '/etc/mintmark/tls.key',
    'clientCertificates.from': 'tls',
    'clientCertificates.header': 'X-Client-Cert',
    'clientCertificates.format': 'pem',
    'clientCertificates.authorities': '/etc/mintmark/clients.pem',
    'clientCertificates.origin': 'https://mtls.example.com',
    'outbound.allowed': '["keys.internal", "10.1.0.0/16"]',
    'passwords.breachCheck.url': 'https://breaches.example.com/range/',
    trustedIssuers:
      '[{ "issuer": "https://ci.example.com", "maxLifetime": "1h", "attests": true }]',
    upstreams:
      '[{ "id": "work", "name": "Work", "issuer": "https://login.example.com", "client_id": "a", "client_secret": "s" }]',
    'accessTokens.lifetime': '11m',
    'accessTokens.algorithm': 'RS256',
    'statusLists.ttl': '40s',
    'statusLists.lifetime': '6m',
    'idTokens.lifetime': '12m',
    'idTokens.algorithm': 'ES256',
    'refreshTokens.leeway': '21s',
    'refreshTokens.publicLeeway': '11s',
    'refreshTokens.idle': '11d',
    'refreshTokens.absolute': '44d',
    'authorizationCodes.lifetime': '31s',
    'deviceCodes.enabled': 'false',
    'deviceCodes.lifetime': '9m',
    'deviceCodes.interval': '6s',
    'sessions.idle': '3d',
    'sessions.absolute': '44d',
    'interactions.lifetime': '30m',
    'registration.enabled': 'true',
    'registration.softwareStatements': JSON.stringify([
      { issuer: 'https://publisher.example', jwks: { keys: [publicJwk] } }
    ]),
    'registration.requireSoftwareStatement': 'true',
    'registration.reapUnused': '31d',
    'clientMetadataDocuments.enabled': 'true',
    'grantManagement.enabled': 'true',
    'grantManagement.actionRequired': 'true',
    'clientMetadataDocuments.hosts': '["app.example.com"]',
    'clientMetadataDocuments.stale': '2d',
    'clientMetadataDocuments.fetches': '61',
    'clientMetadataDocuments.rows': '100',
    'clientMetadataDocuments.rowsPerHost': '10',
    'limits.authorize.perAddress': '50',
    'limits.authorize.rows': '500',
    'limits.pushedRequests.perAddress': '51',
    'limits.pushedRequests.rows': '501',
    'limits.devices.perAddress': '52',
    'limits.devices.rows': '502',
    'limits.backchannel.perAddress': '59',
    'limits.backchannel.rows': '509',
    'ciba.enabled': 'true',
    'ciba.lifetime': '4m',
    'ciba.interval': '7s',
    'limits.pages.perAddress': '53',
    'limits.pages.rows': '503',
    'limits.signIn.perAddress': '54',
    'limits.signIn.rows': '504',
    'limits.registration.perAddress': '55',
    'limits.registration.rows': '505',
    'audit.retention': '500d',
    'metrics.port': '9464',
    'metrics.host': '127.0.0.3',
    'pkce.exemptClient': 'old',
    'conformance.enabled': 'true',
    'conformance.responseTypes': '["id_token"]',
    'conformance.registration': 'open',
    resources: '[{"identifier":"https://api.example.com"}]',
    authorizationDetails:
      '[{"type":"payment","resources":["https://api.example.com"],"title":{"en":"Pay"}}]',
    'dpop.nonce': 'required',
    acr: '[{"value":"urn:a","amr":["pwd"]}]',
    secondFactor: 'required',
    clients: '[{"client_id":"a","type":"machine"}]',
    clientsRevision: '7',
    restoreEpoch: '3',
    accounts: '[{"login":"ann","password":"secret"}]',
    'accountDeletion.grace': '30d',
    'mail.from': 'Example <no-reply@example.com>',
    'mail.smtp.url': 'smtps://user:word@mail.example.com',
    'mail.smtp.host': 'mail.example.com',
    'mail.smtp.port': '2525',
    'mail.smtp.user': 'mintmark',
    'mail.smtp.password': 'a-password',
    'mail.smtp.tls': 'implicit',
    signUp: 'invitation',
    ...{ 'product.name': 'Example', 'product.logo': '/srv/logo.svg' },
    ...{ 'product.colour': '#123456', 'product.radius': '4' },
    ...{ 'product.links.help': 'mailto:help@example.com', 'product.links.terms': 'https://a.b/c' },
    ...{ 'product.links.privacy': 'https://a.b/p', 'product.links.report': 'https://a.b/r' },
    'log.level': 'debug'
  }
  t.strictSame(
    configKeys.map(({ path }) => path).sort(),
    Object.keys(values).sort(),
    'a new key needs a value in this test'
  )
  const plain = JSON.stringify(load({}))
  for (const { path, variable, schema } of configKeys) {
    const value = values[path] ?? ''
    const base = path === 'database.directUrl' ? { DATABASE_URL: 'postgres://localhost/a' } : {}
    const company = { ...base, ...besideTls(path), ...besideOthers(path) }
    const config = load({ ...company, [variable]: value })
    if (path === 'mode' || path === 'database.embedded') continue
    t.not(JSON.stringify(config), plain, `${variable} changes something`)
    const inner = schema.duration === undefined ? path : `${path}Seconds`
    const member = inner
      .split('.')
      .reduce<unknown>((node, name) => (node as Record<string, unknown>)[name], config)
    t.ok(member !== undefined, `${inner} is there`)
  }
})

t.test('the short variables of the issue mean their keys', async t => {
  t.equal(load({ MINTMARK_DATA: 'here' }).dataFolder, `${cwd}/here`)
  t.equal(load({ DATABASE_URL: 'postgres://h/d' }).database.url, 'postgres://h/d')
  const env = { DATABASE_URL: 'postgres://h/d', DATABASE_DIRECT_URL: 'postgresql://h/direct' }
  t.equal(load(env).database.directUrl, 'postgresql://h/direct')
  t.equal(load({ MINTMARK_PORT: '4321' }).port, 4321)
})

t.test('two variables for one key must agree', async t => {
  const same = { DATABASE_URL: 'postgres://h/d', MINTMARK_DATABASE__URL: 'postgres://h/d' }
  t.equal(load(same).database.url, 'postgres://h/d')
  const differ = { DATABASE_URL: 'postgres://h/d', MINTMARK_DATABASE__URL: 'postgres://h/e' }
  const [problem, ...others] = problemsOf(() => load(differ))
  t.equal(problem?.path, 'database.url')
  t.match(problem?.problem, /DATABASE_URL and MINTMARK_DATABASE__URL/)
  t.strictSame(others, [])
})

t.test('variables that nobody meant for us are left alone', async t => {
  const env = {
    MINTMARK_DEMO_WEB_CLIENT_ID: 'demo-web',
    MINTMARK_SERVICE_HOST: '10.0.0.1',
    MINTMARK_SERVICE_PORT: '80',
    MINTMARK_PORT: 'tcp://10.0.0.1:80',
    MINTMARK_PORT_80_TCP_ADDR: '10.0.0.1'
  }
  t.equal(load(env).port, undefined)
})

t.test(
  'MINTMARK_CONFIG names the file; else config/mintmark.json, else in development its own',
  async t => {
    const named = (level: string) => JSON.stringify({ log: { level } })
    const readFile = files({
      [`${cwd}/my.json`]: named('fatal'),
      [`${cwd}/config/mintmark.json`]: named('error'),
      [`${cwd}/config/development.json`]: named('warn')
    })
    const level = (env: Record<string, string>, read = readFile) =>
      loadConfig({ env, cwd, readFile: read }).log.level
    t.equal(level({ MINTMARK_CONFIG: 'my.json' }), 'fatal')
    t.equal(level({}), 'error')
    const development = files({ [`${cwd}/config/development.json`]: named('warn') })
    t.equal(level({}, development), 'warn')
    t.equal(level({ ...productionEnv } as Record<string, string>, development), 'info')
  }
)

t.test('a file that was named must exist, and be JSON; nothing of it is quoted', async t => {
  const [missing] = problemsOf(() => load({ MINTMARK_CONFIG: 'none.json' }))
  t.match(missing, { path: `${cwd}/none.json`, variable: 'MINTMARK_CONFIG', problem: /ENOENT/ })
  const broken = { [`${cwd}/b.json`]: '{\n  "masterKey": "hunter2" oops }' }
  const error = t.throws(() => load({ MINTMARK_CONFIG: 'b.json' }, undefined, broken))
  t.match(String(error), /not valid JSON at line 2/)
  t.notMatch(String(error), /hunter2|oops/)
  const list = { [`${cwd}/b.json`]: '[]' }
  t.match(
    problemsOf(() => load({ MINTMARK_CONFIG: 'b.json' }, undefined, list)),
    [{ problem: /one JSON object/ }]
  )
})

t.test('durations are whole numbers with a unit, and become seconds', async t => {
  t.strictSame(['30s', '10m', '1h', '90d', '0s'].map(parseDuration), [30, 600, 3600, 7_776_000, 0])
  for (const wrong of ['500ms', '10', 'm', '1.5h', '-1s', '1 h', '01s', '1w', '']) {
    t.equal(parseDuration(wrong), undefined, wrong)
  }
})

t.test('a secret is a value, a variable or a file', async t => {
  const secret = randomHex()
  const client = (client_secret: string) => ({
    clients: [{ client_id: 'web', type: 'web', client_secret }]
  })
  const others = { [`${cwd}/config/secrets/web`]: `${secret}\n` }
  t.equal(load({}, client(secret)).clients[0]?.client_secret, secret)
  t.equal(load({ WEB: secret }, client('env:WEB')).clients[0]?.client_secret, secret)
  t.equal(
    load({}, client('file:secrets/web'), others).clients[0]?.client_secret,
    secret,
    'the path starts at the file, and the newline at its end is left out'
  )
  const accounts = { accounts: [{ login: 'ann', password: 'env:PW' }] }
  t.equal(load({ PW: 'pass' }, accounts).accounts[0]?.password, 'pass')
  const database = { database: { url: 'env:PG' } }
  t.equal(load({ PG: 'postgres://h/d' }, database).database.url, 'postgres://h/d')
})

t.test('a relative file in a variable starts at the working directory', async t => {
  const key = randomHex()
  const others = { [`${cwd}/key`]: key, [`${cwd}/config/key`]: 'another one' }
  const expected = Buffer.from(key, 'hex')
  t.strictSame(load({ MINTMARK_MASTER_KEY: 'file:key' }, {}, others).masterKey, expected)
  t.strictSame(load({ MINTMARK_MASTER_KEY_FILE: 'key' }, {}, others).masterKey, expected)
})

t.test('a secret that is not there is told by key and place', async t => {
  const file = {
    masterKey: 'file:nowhere',
    clients: [{ client_id: 'web', type: 'web', client_secret: 'env:WEB_SECRET' }]
  }
  const problems = problemsOf(() => load({}, file, {}))
  t.match(problems, [
    { path: 'masterKey', problem: /\/config\/nowhere, which cannot be read \(ENOENT\)/ },
    { path: 'clients[0].client_secret', problem: /WEB_SECRET, which is not set/ }
  ])
  t.equal(problems.length, 2)
  const empty = problemsOf(() => load({}, { masterKey: 'file:e' }, { [`${cwd}/config/e`]: '\n' }))
  t.match(empty, [{ path: 'masterKey', problem: /which is empty/ }])
})

t.test('a secret of the file that a variable replaces is not looked for', async t => {
  const file = { masterKey: 'file:/run/secrets/none' }
  t.ok(load({ MINTMARK_MASTER_KEY: randomHex() }, file).masterKey)
})

t.test('a master key is 32 random bytes in hex, base64 or base64url', async t => {
  const hex = randomHex()
  const bytes = Buffer.from(hex, 'hex')
  for (const encoding of ['hex', 'base64', 'base64url'] as const) {
    t.strictSame(load({ MINTMARK_MASTER_KEY: bytes.toString(encoding) }).masterKey, bytes)
  }
  const wrong = [hex.slice(2), bytes.subarray(1).toString('base64'), 'A'.repeat(43), 'password']
  for (const key of wrong) {
    t.match(
      problemsOf(() => load({ MINTMARK_MASTER_KEY: key })),
      [{ path: 'masterKey' }]
    )
  }
  t.match(
    problemsOf(() => load({ MINTMARK_PREVIOUS_MASTER_KEYS: '["short"]' })),
    [{ path: 'previousMasterKeys[0]' }]
  )
})

t.test('an https issuer makes the mode production, and production listens on one port', async t => {
  const config = load(productionEnv)
  t.equal(config.mode, 'production')
  t.equal(config.port, 3000)
})

t.test('in development the port follows the issuer, and not the other way round', async t => {
  t.equal(load({ MINTMARK_ISSUER: 'http://localhost:4000' }).port, 4000)
  const env = { MINTMARK_ISSUER: 'http://localhost:4000', MINTMARK_PORT: '5000' }
  t.equal(load(env).port, 5000)
})

t.test('a resource takes what it leaves open from the access tokens of all', async t => {
  const config = load(
    { MINTMARK_ACCESS_TOKENS__LIFETIME: '7m' },
    {
      resources: [
        { identifier: 'https://a.example.com' },
        { identifier: 'urn:b', accessTokens: { lifetime: '1m', algorithm: 'EdDSA', typ: 'JWT' } }
      ]
    }
  )
  t.strictSame(
    config.resources.map(({ accessTokens }) => accessTokens),
    [
      { lifetimeSeconds: 420, algorithm: 'ES256', typ: 'at+jwt' },
      { lifetimeSeconds: 60, algorithm: 'EdDSA', typ: 'JWT' }
    ]
  )
})

t.test('a configuration is frozen through and through', async t => {
  const config = load(
    {},
    { resources: [{ identifier: 'urn:a', scopes: { read: { en: 'Read' } } }] }
  )
  const holders = [
    config,
    config.accessTokens,
    config.resources,
    config.resources[0],
    config.resources[0]?.scopes,
    config.resources[0]?.scopes['read'],
    config.trustedProxies
  ]
  for (const holder of holders) t.ok(Object.isFrozen(holder))
  t.throws(() => {
    config.host = '0.0.0.0'
  }, TypeError)
})

t.test('a printed configuration shows no secret', async t => {
  const key = randomHex()
  const secret = randomHex()
  const config = load(
    { MINTMARK_MASTER_KEY: key, DATABASE_URL: 'postgres://u:hunter2@h/d' },
    {
      clients: [{ client_id: 'web', type: 'web', client_secret: secret }],
      accounts: [{ login: 'ann', password: 'swordfish' }],
      previousMasterKeys: [randomHex()]
    }
  )
  const printed = [config, config.clients[0], config.database, config.accounts]
    .map(value => inspect(value, { depth: 9, maxStringLength: null, maxArrayLength: null }))
    .join('\n')
  t.notMatch(printed, /hunter2|swordfish|<Buffer/)
  t.notOk(printed.includes(secret))
  t.match(printed, /client_secret: '\[secret\]'/)
  t.equal(config.clients[0]?.client_secret, secret, 'the part that needs it gets the value')
})
