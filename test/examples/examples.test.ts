// The programs of examples/ that need no packages of their own, as their README says to run them: against a server as `npm start` runs it with
// the examples' configuration, and with the variables that `mintmark status -o env` prints, through the shell. Those with packages, and those
// in a browser, are run by `npm run interop`.

import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { createPerson } from '../interop/person.ts'
import { audience, startFakeIssuer } from '../resource-server/fake-issuer.ts'
import { signRefusedTokens } from '../resource-server/refused-tokens.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { makePlace, mintmark, startMintmark } from '../support/process.ts'
import { freePort } from '../support/server.ts'

const file = (name: string) => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url))
const run = promisify(execFile)

const { url } = await createTestDatabase(t)
const place = makePlace(t, {
  DATABASE_URL: url,
  MINTMARK_PORT: `${await freePort()}`,
  MINTMARK_CONFIG: file('mintmark.json'),
  MINTMARK_DEVICE_CODES__INTERVAL: '1s'
})
const { issuer, log } = await startMintmark(t, place)
const status = await mintmark(t, place, ['status', '-o', 'env'])
const { stdout } = await run('/bin/bash', ['-c', `set -a; eval "$0"; env -0`, status.out], {
  env: {}
})
const env: Record<string, string> = Object.fromEntries(
  stdout.split('\0').flatMap(line => (line.startsWith('MINTMARK_') ? [line.split(/=(.*)/s)] : []))
)

const things = 'https://things.example.com'
const python = '/usr/bin/python3'
const hasPython = spawnSync(python, ['-c', 'import jwt, cryptography']).status === 0
const apis = [
  { name: 'node:http and jose', command: process.execPath, program: 'protect-an-api.mjs' },
  { name: 'Fastify', command: process.execPath, program: 'api-fastify/server.mjs' },
  {
    name: 'Python and PyJWT',
    command: python,
    program: 'api-python/server.py',
    skip: hasPython ? false : `${python} has no jwt and cryptography (python3-jwt)`
  }
] as const

type Program = Pick<(typeof apis)[number], 'command' | 'program'>

/** Starts an API on a free port; answers its address. */
async function startApi(
  t: Test,
  { command, program }: Program = apis[0],
  variables: Record<string, string> = {}
): Promise<string> {
  const child: ChildProcess = spawn(command, [file(program)], {
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
      resource: '${things}',
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

for (const { name, skip = false, ...program } of apis as readonly (Program & {
  name: string
  skip?: string | false
})[]) {
  const title = `the API with ${name} takes its own access tokens and nothing else (RFC 9068 §4)`
  t.test(title, { skip }, async t => {
    const api = await startApi(t, program)
    const answer = async (authorization?: string, query = '') => {
      const response = await fetch(`${api}${query}`, {
        headers: authorization === undefined ? {} : { authorization }
      })
      const challenge = response.headers.get('www-authenticate')
      if (challenge !== null) t.equal(/^Bearer realm="([^"]*)"/.exec(challenge)?.[1], things)
      return [response.status, /error="(\w+)"/.exec(challenge ?? '')?.[1]]
    }
    const invalid = [401, 'invalid_token']
    const good = await token({ resource: things, scope: 'read:things' })

    t.same(await answer(`Bearer ${good}`), [200, undefined])
    t.same(await answer(`bearer ${good}`), [200, undefined], 'RFC 9110 §11.1')
    t.same(await answer(), [401, undefined], 'RFC 6750 §3.1: no error code')
    t.same(await answer(undefined, `?access_token=${good}`), [401, undefined], 'in the query')
    t.same(await answer(`Bearer ${await token({ resource: issuer })}`), invalid, 'for the issuer')
    const demo = await token({ resource: `${issuer}/demo-api`, scope: 'read:things' })
    t.same(await answer(`Bearer ${demo}`), invalid, 'for another API')
    t.same(await answer(`Bearer ${good.slice(0, -2)}`), invalid, 'cut short')
    t.same(await answer('Bearer x'), invalid)
    t.same(
      await answer(`Bearer ${await token({ resource: things, scope: 'write:things' })}`),
      [403, 'insufficient_scope'],
      'without the scope'
    )
  })

  t.test(`the API with ${name} keeps out every token that is not good`, { skip }, async t => {
    const fake = await startFakeIssuer(t)
    fake.serveMetadataAt('/.well-known/oauth-authorization-server')
    const variables = { MINTMARK_ISSUER: fake.url, API_RESOURCE: audience }
    const api = await startApi(t, program, variables)
    const statusFor = async (token: string) =>
      (await fetch(api, { headers: { authorization: `Bearer ${token}` } })).status
    t.equal(await statusFor(await fake.sign()), 200)
    for (const [what, token] of Object.entries(await signRefusedTokens(fake))) {
      t.equal(await statusFor(token), 401, what)
    }
  })

  t.test(`the API with ${name} starts without the issuer, and answers 503`, { skip }, async t => {
    const nowhere = `http://127.0.0.1:${await freePort()}`
    const api = await startApi(t, program, { MINTMARK_ISSUER: nowhere })
    const authorization = `Bearer ${await token({ resource: things, scope: 'read:things' })}`
    const response = await fetch(api, { headers: { authorization } })
    t.same([response.status, Number(response.headers.get('retry-after')) > 0], [503, true])
  })
}

t.test(
  'the command signs its user in once, keeps the refresh token to itself, and signs out',
  async t => {
    const tokens = join(place.folder, 'things', 'tokens.json')
    const variables = { ...env, API_URL: await startApi(t), THINGS_TOKENS: tokens }
    const things = (...args: string[]) =>
      run(process.execPath, [file('cli/things.mjs'), ...args], { env: variables })
    const first = things()
    const [told] = await once(createInterface(first.child.stderr as Readable), 'line')
    const person = createPerson({
      issuer,
      login: env['MINTMARK_DEMO_LOGIN'] ?? '',
      password: env['MINTMARK_DEMO_PASSWORD'] ?? ''
    })
    await person.open(String(told).replace('Open ', ''))
    t.match((await first).stdout, /^200 \{"things":\["a thing"\]/)
    t.equal(statSync(tokens).mode & 0o777, 0o600)
    const kept = readFileSync(tokens, 'utf8')

    const second = await things()
    t.match(second, { stdout: /^200 /, stderr: '' })
    t.not(readFileSync(tokens, 'utf8'), kept, 'it has rotated')
    t.match(await things('logout'), { stderr: 'Signed out.\n' })
    t.throws(() => statSync(tokens))
  }
)
