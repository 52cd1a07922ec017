// Unknown names and wrong shapes: refused, all of them at once, each naming key, variable and what to do, never a value.
// What is sound beside them is judged in the same run.

import { readFileSync } from 'node:fs'
import t from 'tap'
import { ConfigurationError } from '../../src/config/configuration-error.ts'
import { load, problemsOf, productionEnv, randomHex } from './sound.ts'

function paths(work: () => unknown): string[] {
  return problemsOf(work).map(({ path }) => path)
}

t.test('an unknown key is refused, with the name that was meant', async t => {
  const file = {
    isuer: 'https://id.example.com',
    refreshTokens: { leway: '10s' },
    leeway: '10s',
    clients: [{ client_id: 'a', type: 'machine', redirect_uri: 'https://a.example.com' }],
    somethingElse: true
  }
  const fixes = new Map(problemsOf(() => load({}, file)).map(({ path, fix }) => [path, fix]))
  t.equal(fixes.size, 5)
  t.match(fixes.get('isuer'), /Did you mean issuer\?/)
  t.match(fixes.get('refreshTokens.leway'), /Did you mean leeway\?/)
  t.match(fixes.get('leeway'), /Did you mean refreshTokens\.leeway\?/)
  t.match(fixes.get('clients[0].redirect_uri'), /Did you mean redirect_uris\?/)
  t.match(fixes.get('somethingElse'), /reference\.md/)
})

t.test('an unknown variable is refused, with the name that was meant', async t => {
  const env = {
    MINTMARK_REFRESH_TOKEN__LEEWAY: '15s',
    MINTMARK_ISUER: 'x',
    MINTMARK_TYP: 'x',
    MINTMARK_WHATEVER_IT_IS: ''
  }
  const problems = problemsOf(() => load(env))
  t.match(problems, [
    {
      path: 'MINTMARK_REFRESH_TOKEN__LEEWAY',
      fix: /Did you mean MINTMARK_REFRESH_TOKENS__LEEWAY\?/
    },
    { path: 'MINTMARK_ISUER', fix: /Did you mean MINTMARK_ISSUER\?/ },
    { path: 'MINTMARK_TYP', fix: /^Unset it/ },
    { path: 'MINTMARK_WHATEVER_IT_IS', fix: /reference\.md/ }
  ])
  t.strictSame(
    paths(() => load({ MINTMARKS: 'x', DATABASE_URI: 'x', HOME: '/root' })),
    []
  )
})

t.test('all problems are reported at once: names, shapes, secrets and rules', async t => {
  const file = {
    port: '3000',
    refreshTokens: { leeway: '500ms', idle: '400d' },
    log: { level: 'loud', colour: true },
    resources: [{ identifier: 'relative' }, { scopes: {} }],
    clients: [
      { client_id: 'demo-a', type: 'web', redirect_uris: 'https://a', client_secret: 'typed' },
      { client_id: 'b' },
      'c',
      { client_id: 'd', type: 'machine', client_secret: 'env:NOT_THERE' },
      { client_id: 'demo-e', type: 'robot' },
      { client_id: 'f', type: 'spa', client_secret: randomHex(), first_party: 'yes' }
    ],
    product: { colour: 'red' }
  }
  const env = { MINTMARK_MODE: 'production', MINTMARK_TYPO: '1', MINTMARK_ACCOUNTS: '{oops' }
  t.strictSame(
    new Set(paths(() => load(env, file))),
    new Set([
      'MINTMARK_TYPO',
      'accounts',
      'port',
      'refreshTokens.leeway',
      'refreshTokens.idle',
      'log.level',
      'log.colour',
      'resources[0].identifier',
      'resources[1].identifier',
      'clients[0].redirect_uris',
      'clients[0].client_id',
      'clients[0].client_secret',
      'clients[1].type',
      'clients[2]',
      'clients[3].client_secret',
      'clients[4].type',
      'clients[5].client_secret',
      'clients[5].first_party',
      'product.colour',
      'issuer',
      'masterKey',
      'database.url'
    ])
  )
})

t.test('a hundred problems are a hundred lines', async t => {
  const clients = Array.from({ length: 100 }, () => ({ type: 'machine' }))
  t.equal(paths(() => load({}, { clients })).length, 100)
})

t.test('an entry keeps its place when an earlier one is unsound', async t => {
  const clients = [{ client_id: 'a' }, { client_id: 'b', type: 'machine', client_secret: 'typed' }]
  t.strictSame(
    paths(() => load({}, { clients })),
    ['clients[0].type', 'clients[1].client_secret']
  )
})

t.test('a key that is wrong is told once, not again for what it breaks', async t => {
  t.strictSame(
    paths(() => load({ ...productionEnv, MINTMARK_MASTER_KEY: 'short' })),
    ['masterKey']
  )
  const file = {
    resources: [{ identifier: 5 }],
    clients: [{ client_id: 'a', type: 'machine', default_resource: 'https://api.example.com' }]
  }
  t.strictSame(
    paths(() => load({}, file)),
    ['resources[0].identifier']
  )
})

t.test('each problem names the key, the variable and what to do', async t => {
  const env = { MINTMARK_PORT: 'http', MINTMARK_SESSIONS__IDLE: '3 days' }
  const error = t.throws(() => load(env), ConfigurationError) as ConfigurationError
  t.equal(error.code, 'configuration_invalid')
  t.match(error.problems, [
    { path: 'port', variable: 'MINTMARK_PORT', problem: 'must be a whole number' },
    { path: 'sessions.idle', variable: 'MINTMARK_SESSIONS__IDLE', problem: /such as 30s, 10m/ }
  ])
  t.match(error.message, /^The configuration has 2 problems \(no file, variables only\):\n/)
  t.match(error.message, /\n {2}port \(MINTMARK_PORT\) must be a whole number\.\n {4}\S/)
  for (const { fix } of error.problems) t.match(fix, /\S.*[.>`]$/)
})

t.test('no problem shows a value', async t => {
  const values = ['hunter2-port', 'hunter2-level', 'hunter2-secret', 'hunter2-url', 'hunter2-key']
  const [port, level, client_secret, url, key] = values
  const file = {
    log: { level },
    masterKey: key,
    clients: [
      { client_id: 'a', type: 'web', client_secret },
      { client_id: 'b', type: 'web', client_secret: [client_secret] }
    ]
  }
  const env = { MINTMARK_PORT: port, DATABASE_URL: url, MINTMARK_RESOURCES: '[hunter2-json' }
  const error = t.throws(() => load(env, file), ConfigurationError) as ConfigurationError
  t.equal(error.problems.length, 7)
  t.notMatch(`${error.message}${JSON.stringify(error.problems)}${error.stack}`, /hunter2/)
})

t.test('the files of config/ are sound', async t => {
  const read = (name: string) =>
    JSON.parse(readFileSync(new URL(`../../config/${name}`, import.meta.url), 'utf8')) as object
  t.equal(load({}, read('development.json')).mode, 'development')
  const env = { ...productionEnv, WEB_SECRET: randomHex(), API_SECRET: randomHex() }
  const example = load(env, read('example.json'))
  t.equal(example.mode, 'production')
  t.equal(example.clients.length, 3)
})
