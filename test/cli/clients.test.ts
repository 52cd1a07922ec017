// `mintmark clients …` over a real registry: what a person reads, what a script reads, and what is refused.
// A script's lines stand alone on standard output.

import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Command } from 'commander'
import t from 'tap'
import { clientsCommand } from '../../src/cli/clients.ts'
import { shellQuoted } from '../../src/cli/clients-text.ts'
import { matchClientSecret } from '../../src/clients/secrets.ts'
import { ci, createProcesses } from '../clients/processes.ts'

const build = await createProcesses(t)
const folder = t.testdir()
const web = ['--type', 'web', '--redirect-uri', 'https://app.example.com/callback']

async function start(clients: { client_id: string; client_secret?: string }[] = []) {
  const { first } = await build()
  async function run(...words: string[]) {
    const out: string[] = []
    const err: string[] = []
    let code = 0
    const clientsCli = clientsCommand({
      config: () => ({ clients, file: 'config/production.json' }),
      registry: async () => first.registry,
      out: text => out.push(text),
      err: text => err.push(text),
      exit: given => {
        code = given
      }
    })
    const program = new Command('mintmark').addCommand(clientsCli)
    for (const command of [program, clientsCli, ...clientsCli.commands]) {
      command.exitOverride().configureOutput({ writeErr: text => err.push(text) })
    }
    try {
      await program.parseAsync(['clients', ...words], { from: 'user' })
    } catch (error) {
      if (!(error instanceof Error && 'exitCode' in error)) throw error
      code = Number(error.exitCode)
    }
    return { out: out.join('\n'), err: err.join('\n'), code }
  }
  return { run, registry: first.registry, ended: first.ended, database: first.database }
}

t.test('--profile holds a client to FAPI 2.0, and says what the profile refuses', async t => {
  const { run, registry } = await start()
  const keys = ['--jwks-uri', 'https://app.example.com/keys']
  t.match(await run('create', ...web, '--id', 'bank', '--profile', 'fapi2', ...keys), { code: 0 })
  const client = await registry.find('bank')
  t.match(client?.metadata, { profile: 'fapi2', require_pushed_authorization_requests: true })
  const secret = await run('update', 'bank', '--auth-method', 'client_secret_basic')
  t.equal(secret.code, 1)
  t.match(secret.err, /token_endpoint_auth_method must be private_key_jwt.*profile fapi2/)
  t.match(await run('update', 'bank', '--profile', 'fapi1'), { code: 1, err: /fapi2/ })
  const late = await run('create', ...web, '--id', 'late')
  t.equal(late.code, 0)
  t.match(await run('update', 'late', '--profile', 'fapi2'), { code: 1, err: /profile fapi2/ })
})

t.test('create shows the secret once, and says so', async t => {
  const { run, registry } = await start()
  const made = await run('create', ...web, '--id', 'web', '--name', 'My app', '--first-party')
  t.equal(made.code, 0)
  t.match(made.out, /^client_id +web$/m)
  t.match(made.out, /^redirect_uris +https:\/\/app\.example\.com\/callback$/m)
  t.match(made.out, /shown this once/)
  const secret = /^client_secret +(\S+)$/m.exec(made.out)?.[1]
  const client = await registry.find('web')
  t.ok(client && matchClientSecret(client, secret, Date.now()))
  t.match(client, { owner: 'cli', metadata: { client_name: 'My app', first_party: true } })
  const shown = await run('show', 'web')
  t.match(shown.out, /secret made .* does not expire, not used yet/)
  t.notMatch(shown.out, new RegExp(String(secret)))
})

t.test('-o json and -o env leave standard output to the script', async t => {
  const { run, registry } = await start()
  const json = await run('create', ...web, '-o', 'json')
  const { client_id, client_secret } = JSON.parse(json.out)
  t.match(json.err, /shown this once/)
  const found = await registry.find(client_id)
  t.ok(found && matchClientSecret(found, client_secret, Date.now()))

  const env = await run('create', '--type', 'machine', '--id', 'billing', '-o', 'env')
  t.match(env.out, /^MINTMARK_CLIENT_ID='billing'\nMINTMARK_CLIENT_SECRET='[A-Za-z0-9_-]{43}'$/)
  t.match(env.err, /shown this once/)
  const spa = await run(
    'create',
    '--type',
    'spa',
    '--redirect-uri',
    'http://localhost:5173/',
    '--id',
    'spa',
    '-o',
    'env'
  )
  t.equal(spa.out, `MINTMARK_CLIENT_ID='spa'`)
  t.equal(spa.err, '', 'no secret, no sentence')
})

t.test('what a shell reads of -o env is the value itself', async t => {
  const odd = `it's "$HOME" \`id\` $(id) \\ ; & | x`
  const { stdout } = await promisify(execFile)('sh', [
    '-c',
    `X=${shellQuoted(odd)}; printf %s "$X"`
  ])
  t.equal(stdout, odd)
})

t.test('a workload’s client is made with issuer and subject, and has no secret', async t => {
  const { run, registry } = await start()
  const named = ['--workload-issuer', ci, '--workload-subject', 'repo:example/shop:*']
  const made = await run('create', '--type', 'machine', '--id', 'deploy', ...named)
  t.match([made.code, made.err], [0, ''])
  t.match(made.out, /^token_endpoint_auth_method +private_key_jwt$/m)
  t.match(made.out, /^workload_identity +\{"issuer":"https:\/\/ci.example.com",.*shop:\*"\}$/m)
  t.notMatch(made.out, /secret/)
  t.match(await registry.find('deploy'), {
    metadata: { workload_identity: [{ issuer: ci, subject: 'repo:example/shop:*' }] }
  })
  const half = await run('create', '--type', 'machine', ...named.slice(0, 2))
  t.match([half.code, half.err], [1, /together/])
  const wide = await run('create', '--type', 'machine', ...named.slice(0, 3), 'repo:*')
  t.match([wide.code, wide.err], [1, /workload_identity\[0\].subject must have at least two parts/])
})

t.test('all problems are told at once, the exit code is 1 and nothing is made', async t => {
  const { run, registry } = await start()
  const refused = await run(
    'create',
    '--type',
    'web',
    '--id',
    'urn:x',
    '--redirect-uri',
    'http://x/',
    '--redirect-uri',
    'javascript:x',
    '--name',
    'x'.repeat(200)
  )
  t.equal(refused.code, 1)
  t.equal(refused.out, '')
  for (const member of ['client_id ', 'redirect_uris[0] ', 'redirect_uris[1] ', 'client_name ']) {
    t.ok(refused.err.includes(`\n  ${member}`), member)
  }
  t.strictSame(await registry.list(), [])
  t.equal((await run('create')).code, 1, 'a type is needed')
  t.equal((await run('create', '--type', 'other')).code, 1)
  await run('create', ...web, '--id', 'web')
  t.match(await run('create', ...web, '--id', 'web'), { code: 1, err: /already.*another --id/ })
})

t.test(
  'keys and further members come from files; a private key is refused and not repeated',
  async t => {
    const { run, registry } = await start()
    const { publicKey, privateKey } = await crypto.subtle.generateKey(
      { name: 'ECDSA', namedCurve: 'P-256' },
      true,
      ['sign', 'verify']
    )
    const save = async (name: string, value: unknown) => {
      const path = join(folder, name)
      await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value))
      return path
    }
    const publicJwk = await crypto.subtle.exportKey('jwk', publicKey)
    const privateJwk = await crypto.subtle.exportKey('jwk', privateKey)
    const good = await save('public.json', {
      keys: [{ kty: publicJwk.kty, crv: publicJwk.crv, x: publicJwk.x, y: publicJwk.y }]
    })
    const bad = await save('private.json', { keys: [privateJwk] })
    const machine = ['--type', 'machine', '--auth-method', 'private_key_jwt']
    t.match(await run('create', ...machine, '--id', 'm', '--jwks-file', good), { code: 0 })
    const refused = await run('create', ...machine, '--jwks-file', bad)
    t.match(refused, { code: 1, err: /must be a public key/ })
    t.notOk(`${refused.out}${refused.err}`.includes(String(privateJwk.d)))
    t.match(await run('update', 'm', '--jwks-uri', 'https://m.example.com/jwks.json'), { code: 0 })
    const updated = await registry.find('m')
    t.match(updated?.metadata, { jwks_uri: 'https://m.example.com/jwks.json', jwks: undefined })

    const members = await save('members.json', {
      client_name: 'From file',
      software_id: 'x',
      scope: 'a:b'
    })
    t.match(await run('update', 'm', '--metadata', members, '--name', 'From option'), { code: 0 })
    t.match((await registry.find('m'))?.metadata, { client_name: 'From option', software_id: 'x' })
    const broken = await save('broken.json', '{"d":"hidden')
    const unread = await run('update', 'm', '--metadata', broken)
    t.match(unread, { code: 1, err: /must hold one JSON object/ })
    t.notMatch(unread.err, /hidden/)
    t.match(await run('update', 'm', '--metadata', join(folder, 'none')), {
      code: 1,
      err: /ENOENT/
    })
    t.match(await run('update', 'm'), { code: 1, err: /Nothing to change/ })
  }
)

t.test('list shows every client with its owner and state', async t => {
  const { run, registry } = await start()
  t.match(await run('list'), { code: 0, out: '', err: /no clients yet/ })
  await run('create', ...web, '--id', 'web', '--name', 'My app')
  await registry.reconcile([{ client_id: 'billing', type: 'machine' }], { from: 'key', value: 1 })
  await run('disable', 'web')
  const { out } = await run('list')
  t.match(out.split('\n'), [
    /^billing +machine +config +enabled$/,
    /^web +web +cli +disabled +My app$/
  ])
  t.match(JSON.parse((await run('list', '-o', 'json')).out), [
    { client_id: 'billing', disabled: false },
    { client_id: 'web', disabled: true }
  ])
})

t.test('disable and enable say what they did; delete asks for --yes', async t => {
  const { run, registry } = await start()
  await run('create', ...web, '--id', 'web', '--name', 'My app')
  t.match(await run('disable', 'web'), { code: 0, out: /is disabled/ })
  t.equal(await registry.find('web'), undefined)
  t.match(await run('disable', 'web'), { code: 0, out: /was disabled already/ })
  t.match(await run('enable', 'web'), { code: 0, out: /is enabled/ })
  t.match(await run('delete', 'web'), { code: 1, err: /web \(My app\).*\n.*--yes/ })
  t.ok(await registry.find('web'))
  t.match(await run('delete', 'web', '--yes'), { code: 0, out: /is deleted/ })
  for (const verb of ['show', 'disable', 'enable', 'delete', 'rotate-secret']) {
    t.match(await run(verb, 'web'), { code: 1, err: /There is no client web/ }, verb)
  }
})

t.test('rotate-secret keeps the old one for a while, or ends it', async t => {
  const { run, registry } = await start()
  await run('create', '--type', 'machine', '--id', 'm')
  const rotated = await run('rotate-secret', 'm', '--keep-old', '1h', '-o', 'json')
  t.match(JSON.parse(rotated.out), { client_id: 'm', client_secret: /^[A-Za-z0-9_-]{43}$/ })
  const [, older] = await registry.listSecrets('m')
  const minutes = (Number(older?.expiresAt) - Date.now()) / 60_000
  t.ok(minutes > 59 && minutes <= 60.1)
  t.match(await run('rotate-secret', 'm'), { code: 1, err: /two valid secrets.*--revoke-old/ })
  t.match(await run('rotate-secret', 'm', '--revoke-old'), { code: 0, out: /shown this once/ })
  t.equal((await registry.listSecrets('m')).length, 1)
  for (const wrong of ['8d', '1w', '-1h', 'x', '']) {
    t.equal((await run('rotate-secret', 'm', `--keep-old=${wrong}`)).code, 1, wrong)
  }
  await run('create', '--type', 'spa', '--redirect-uri', 'https://app.example.com/', '--id', 'spa')
  t.match(await run('rotate-secret', 'spa'), { code: 1, err: /has no secret/ })
})

t.test(
  'revoke-tokens ends what a client holds, also one that the file owns, and is audited',
  async t => {
    const { run, registry, ended, database } = await start()
    await registry.reconcile([{ client_id: 'filed', type: 'machine' }], { from: 'key', value: 1 })
    await registry.create({ clientId: 'made', type: 'machine', owner: 'cli', metadata: {} })
    for (const id of ['filed', 'made']) {
      t.equal((await registry.find(id))?.tokensNotBefore, undefined)
      t.match(await run('revoke-tokens', id), { code: 0, out: /^All tokens of .* have ended\.$/ })
      const client = await registry.find(id)
      t.ok(client?.tokensNotBefore, 'it is enabled, and its earlier tokens are refused')
    }
    t.same(ended, ['filed', 'made'], 'with its grants and families')
    const { rows } = await database.run<{ client_id: string; data: object }>(
      'test.events',
      `SELECT client_id, data FROM audit_events WHERE type = 'client.tokens_revoked' ORDER BY id`
    )
    t.same(
      rows,
      ['filed', 'made'].map(client_id => ({ client_id, data: { via: 'cli' } }))
    )
    t.match(await run('revoke-tokens', 'nobody'), { code: 1, err: /no client nobody/ })
  }
)

t.test('what the file owns is changed in the file, which is named', async t => {
  const client_secret = randomBytes(32).toString('hex')
  const { run, registry } = await start([
    { client_id: 'filed', client_secret },
    { client_id: 'bare' }
  ])
  await registry.reconcile(
    [
      { client_id: 'filed', type: 'machine', client_secret },
      { client_id: 'bare', type: 'machine' }
    ],
    { from: 'key', value: 1 }
  )
  for (const words of [
    ['update', 'filed', '--name', 'x'],
    ['disable', 'filed'],
    ['delete', 'filed', '--yes'],
    ['rotate-secret', 'filed']
  ]) {
    t.match(await run(...words), { code: 1, err: /config\/production\.json/ }, words.join(' '))
  }
  t.match(await run('rotate-secret', 'bare'), { code: 0, out: /client_secret/ })
})
