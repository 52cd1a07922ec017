// The programs of examples/ as their README says to run them: against a server as `npm start` runs it, with the variables that
// `mintmark status -o env` prints, through the shell.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { createTestDatabase } from '../support/postgres.ts'
import { makePlace, mintmark, startMintmark } from '../support/process.ts'
import { freePort } from '../support/server.ts'

const file = (name: string) => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url))
const run = promisify(execFile)

const { url } = await createTestDatabase(t)
const place = makePlace(t, { DATABASE_URL: url, MINTMARK_PORT: `${await freePort()}` })
const { issuer, log } = await startMintmark(t, place)
const status = await mintmark(t, place, ['status', '-o', 'env'])
const { stdout } = await run('/bin/bash', ['-c', `set -a; eval "$0"; env -0`, status.out], {
  env: {}
})
const env: Record<string, string> = Object.fromEntries(
  stdout.split('\0').flatMap(line => (line.startsWith('MINTMARK_') ? [line.split(/=(.*)/s)] : []))
)

/** Starts the API on a free port; answers its address. */
async function startApi(t: Test, variables: Record<string, string> = {}): Promise<string> {
  const child: ChildProcess = spawn(process.execPath, [file('protect-an-api.mjs')], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...env, API_PORT: '0', ...variables }
  })
  t.teardown(async () => {
    if (child.kill()) await once(child, 'exit')
  })
  if (child.stdout === null) throw new Error('the API has no output')
  const [line] = await once(createInterface(child.stdout), 'line')
  return String(line).split(' ')[0] ?? ''
}

async function call(urls: string[], variables: Record<string, string> = {}) {
  const args = [file('call-an-api.mjs'), ...urls]
  return run(process.execPath, args, { env: { ...env, ...variables } }).then(
    ({ stdout }) => ({ code: 0, out: stdout, err: '' }),
    (error: { code: number; stdout: string; stderr: string }) => ({
      code: error.code,
      out: error.stdout,
      err: error.stderr
    })
  )
}

async function token(parameters: Record<string, string>): Promise<string> {
  const id = env['MINTMARK_DEMO_MACHINE_CLIENT_ID']
  const secret = env['MINTMARK_DEMO_MACHINE_CLIENT_SECRET']
  const response = await fetch(`${issuer}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', ...parameters })
  })
  const { access_token } = (await response.json()) as { access_token: string }
  return access_token
}

const tokenRequests = () =>
  log().filter(({ req }) => JSON.stringify(req ?? '').includes('"/oauth/token"')).length

t.test('the machine calls the API twice with one token', async t => {
  const api = await startApi(t)
  const before = tokenRequests()
  const { code, out } = await call([api, api])
  const line = '200 {"things":["a thing"],"for":"demo-machine"}\n'
  t.same([code, out], [0, line + line])
  t.equal(tokenRequests() - before, 1)
})

t.test('a refusal of the server is said with its code', async t => {
  const { code, err } = await call(['http://127.0.0.1:9/'], {
    API_RESOURCE: 'https://none.example'
  })
  t.equal(code, 1)
  t.match(err, /invalid_target: /)
})

t.test(
  'the token is kept until shortly before it expires, asked for once, and dropped',
  async t => {
    const script = `
    import { createTokenSource } from ${JSON.stringify(file('call-an-api.mjs'))}
    let time = Date.now()
    const tokens = createTokenSource({
      issuer: process.env.MINTMARK_ISSUER,
      clientId: process.env.MINTMARK_DEMO_MACHINE_CLIENT_ID,
      clientSecret: process.env.MINTMARK_DEMO_MACHINE_CLIENT_SECRET,
      resource: process.env.MINTMARK_ISSUER + '/demo-api',
      scope: 'read:things',
      now: () => time
    })
    const many = async () => Promise.all(Array.from({ length: 8 }, () => tokens.token()))
    const seen = [await many()]
    time += 569_000
    seen.push(await many())
    time += 2_000
    seen.push(await many())
    tokens.forget()
    seen.push(await many())
    const all = seen.flat()
    const numbers = new Map([...new Set(all)].map((one, i) => [one, i]))
    console.log(JSON.stringify(seen.map(group => [...new Set(group.map(one => numbers.get(one)))])))
  `
    const before = tokenRequests()
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { env })
    t.same(JSON.parse(stdout), [[0], [0], [1], [2]])
    t.equal(tokenRequests() - before, 3)
  }
)

t.test('the API takes its own access tokens and nothing else (RFC 9068 §4)', async t => {
  const api = await startApi(t)
  const resource = `${issuer}/demo-api`
  const answer = async (authorization?: string, query = '') => {
    const response = await fetch(`${api}${query}`, {
      headers: authorization === undefined ? {} : { authorization }
    })
    return [response.status, response.headers.get('www-authenticate')]
  }
  const realm = `Bearer realm="${resource}"`
  const invalid = [401, `${realm}, error="invalid_token"`]
  const good = await token({ resource, scope: 'read:things' })

  t.same(await answer(`Bearer ${good}`), [200, null])
  t.same(await answer(`bearer ${good}`), [200, null], 'RFC 9110 §11.1')
  t.same(await answer(), [401, realm], 'RFC 6750 §3.1: no error code')
  t.same(await answer(undefined, `?access_token=${good}`), [401, realm], 'in the query')
  t.same(await answer(`Bearer ${await token({ resource: issuer })}`), invalid, 'for the issuer')
  t.same(await answer(`Bearer ${good.slice(0, -2)}`), invalid, 'cut short')
  t.same(await answer('Bearer x'), invalid)
  t.same(
    await answer(`Bearer ${await token({ resource })}`),
    [403, `${realm}, error="insufficient_scope", scope="read:things"`],
    'without the scope'
  )
})

t.test('the API starts without the issuer, and answers 503 for it', async t => {
  const api = await startApi(t, { MINTMARK_ISSUER: `http://127.0.0.1:${await freePort()}` })
  const response = await fetch(api, { headers: { authorization: 'Bearer a.b.c' } })
  t.same([response.status, response.headers.get('retry-after')], [503, '10'])
})
