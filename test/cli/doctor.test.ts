// `mintmark doctor`: the table, the JSON, the exit code; the checks of the configuration and those that are handed in.
// The database is played by functions here: the table shows what they answer.

import t from 'tap'
import { type DoctorCheck, doctorCommand } from '../../src/cli/doctor.ts'
import { type CheckResult, checks } from '../../src/config/doctor.ts'
import type { Environment } from '../../src/config/variables.ts'
import { Fault } from '../../src/lib/fault.ts'
import { load, productionEnv, randomHex } from '../config/sound.ts'

const { MINTMARK_MASTER_KEY: key, ...keyless } = productionEnv
const files = { '/run/key': key ?? '' }
/** Nothing to complain about: not even the key in the environment. */
const exemplary: Environment = {
  ...keyless,
  MINTMARK_MASTER_KEY_FILE: '/run/key',
  MINTMARK_TRUSTED_PROXIES: '["127.0.0.1"]',
  MINTMARK_MAIL__FROM: 'no-reply@example.com',
  MINTMARK_MAIL__SMTP__URL: 'smtps://mail.example.com'
}

async function doctor(
  env: Environment,
  options: { args?: string[]; file?: object; more?: DoctorCheck[] } = {}
) {
  const said = { out: '', code: 0 }
  const context = {
    config: () => load(env, options.file, files),
    out: (text: string) => {
      said.out += `${text}\n`
    },
    exit: (code: number) => {
      said.code = code
    }
  }
  const command = doctorCommand(context, { env, checks: () => options.more ?? [] })
  await command.parseAsync(options.args ?? [], { from: 'user' })
  return said
}

function statuses(results: readonly CheckResult[], status: string): string[] {
  return results.filter(result => result.status === status).map(({ name }) => name)
}

t.test('a sound production configuration has nothing to do', async t => {
  const { out, code } = await doctor(exemplary)
  t.equal(code, 0)
  t.match(out, /0 problems, 0 warnings: ready for production/)
  t.match(out, /ok {7}issuer +https:\/\/id\.example\.com/)
})

t.test('development mode lists what production would refuse, and fails', async t => {
  const { out, code } = await doctor({})
  t.equal(code, 1)
  t.strictSame(statuses(checks(load({}), {}), 'problem'), ['issuer', 'database', 'master key'])
  t.match(out, /problem {2}master key .*takes no generated one\n +Make one with `openssl/)
  t.match(out, /3 problems, 1 warning: not ready for production/)
})

t.test('accounts and demo clients of a development file are problems, too', async t => {
  const file = {
    accounts: [{ login: 'ann', password: 'swordfish' }],
    clients: [{ client_id: 'demo-app', type: 'web' }]
  }
  const { out } = await doctor({}, { file })
  t.match(out, /problem {2}accounts/)
  t.match(out, /problem {2}clients +clients\[0\]\.client_id starts with demo-/)
  t.notMatch(out, /swordfish/)
})

const warned: [string, string, Environment][] = [
  ['a master key in the environment', 'master key', { MINTMARK_MASTER_KEY: randomHex() }],
  ['no trusted proxy', 'proxies', { MINTMARK_TRUSTED_PROXIES: '' }],
  ['open registration', 'registration', { MINTMARK_REGISTRATION__ENABLED: 'true' }],
  ['an exempt client', 'PKCE', { MINTMARK_PKCE__EXEMPT_CLIENT: 'old' }],
  ['conformance mode', 'conformance', { MINTMARK_CONFORMANCE__ENABLED: 'true' }],
  ['no mail server', 'mail', { MINTMARK_MAIL__SMTP__URL: '' }],
  ['a silent log', 'log', { MINTMARK_LOG__LEVEL: 'silent' }]
]
for (const [what, name, env] of warned) {
  t.test(`${what} is a warning, and no failure`, async t => {
    const file = name === 'master key' ? { MINTMARK_MASTER_KEY_FILE: '' } : {}
    const all = { ...exemplary, ...file, ...env }
    t.strictSame(statuses(checks(load(all, {}, files), all), 'warning'), [name])
    t.equal((await doctor(all)).code, 0)
  })
}

t.test('listening beyond the machine without a known proxy is a warning', async t => {
  const env = { ...exemplary, MINTMARK_HOST: '0.0.0.0', MINTMARK_TRUSTED_PROXIES: '' }
  t.ok(statuses(checks(load(env, {}, files), env), 'warning').includes('address'))
})

t.test('an issuer on another port than the server is a warning in development', async t => {
  const env = { MINTMARK_ISSUER: 'http://localhost:4000', MINTMARK_PORT: '5000' }
  t.strictSame(statuses(checks(load(env), env), 'warning'), ['address', 'mail'])
})

t.test('a check that is handed in takes its line, in order', async t => {
  const more: DoctorCheck[] = [
    { name: 'database version', run: async () => ({ status: 'ok', detail: 'PostgreSQL 18' }) },
    {
      name: 'clock',
      run: async () => ({ status: 'problem', detail: '7.3 s apart', fix: 'Use NTP.' })
    }
  ]
  const { out, code } = await doctor(exemplary, { more })
  t.equal(code, 1)
  t.match(
    out,
    /ok {7}database version +PostgreSQL 18\n {2}problem {2}clock +7\.3 s apart\n +Use NTP\./
  )
})

t.test('a check that throws is a problem, and an error from outside is not quoted', async t => {
  const throwing = (name: string, error: Error): DoctorCheck => ({
    name,
    run: () => Promise.reject(error)
  })
  const more = [
    throwing('database', new Fault('store_unavailable', 'The database did not answer.')),
    throwing('folder', new Error('connect postgres://u:hunter2@h'))
  ]
  const { out, code } = await doctor(exemplary, { more })
  t.equal(code, 1)
  t.match(out, /problem {2}database +The database did not answer\./)
  t.match(out, /problem {2}folder +could not be checked/)
  t.notMatch(out, /hunter2/)
})

t.test('a configuration that does not load is listed, and nothing else is tried', async t => {
  let tried = 0
  const more = [
    { name: 'database', run: async () => ({ status: 'ok' as const, detail: `${++tried}` }) }
  ]
  const { out, code } = await doctor({ MINTMARK_PORT: 'x', MINTMARK_TYPO: 'y' }, { more })
  t.equal(code, 1)
  t.equal(tried, 0)
  t.match(out, /problem {2}configuration +port must be a whole number/)
  t.match(out, /problem {2}configuration +MINTMARK_TYPO is not a variable/)
  t.match(out, /2 problems, 1 warning: not ready/)
})

t.test('-o json prints the same for scripts', async t => {
  const { out, code } = await doctor({}, { args: ['-o', 'json'] })
  const { ready, checks: results } = JSON.parse(out) as { ready: boolean; checks: CheckResult[] }
  t.equal(code, 1)
  t.equal(ready, false)
  t.strictSame(statuses(results, 'problem'), ['issuer', 'database', 'master key'])
  const sound = JSON.parse((await doctor(exemplary, { args: ['-o', 'json'] })).out) as object
  t.match(sound, { ready: true })
})
