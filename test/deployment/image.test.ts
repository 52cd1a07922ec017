// Dockerfile and docker-compose.yml, as far as they can be checked without a container engine: what a build sends and copies exists,
// nothing runs as root, no secret has a default. Where the compose plugin is installed, it reads the file, too.

import { execFile, execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

const root = new URL('../../', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, root), 'utf8')

const dockerfile = read('Dockerfile').replaceAll('\\\n', ' ')
const instructions = dockerfile
  .split('\n')
  .filter(line => /^[A-Z]/.test(line))
  .map(line => {
    const [, name, rest] = line.match(/^(\w+)\s+(.*)$/) ?? []
    return { name: name ?? '', rest: rest ?? '' }
  })
const all = (name: string) => instructions.filter(line => line.name === name).map(line => line.rest)
const copied = all('COPY')
  .filter(rest => !rest.startsWith('--from'))
  .flatMap(rest => rest.split(/\s+/).slice(0, -1))

t.test('the image runs on Node 24 as the user node, and asks itself for its health', async t => {
  t.ok(all('FROM').every(image => /^node:24-slim( AS \w+)?$/.test(image)))
  t.strictSame(all('USER'), ['node'])
  t.strictSame(all('ENTRYPOINT'), ['["node", "bin/mintmark.mjs", "start"]'])
  t.strictSame(all('EXPOSE'), ['3000'])
  t.match(all('ENV')[0], /MINTMARK_MODE=production\s+MINTMARK_HOST=0\.0\.0\.0/)
})

t.test('the health check accepts an answer and refuses silence and errors', async t => {
  // shell form follows the options of HEALTHCHECK in the file
  const [check] = dockerfile.match(/CMD (\[.*livez.*\])/)?.slice(1) ?? []
  const [, ...args]: string[] = JSON.parse(check ?? '[]')
  const { createServer } = await import('node:http')
  const server = createServer((request, response) => {
    response.statusCode = request.url === '/livez' ? status : 404
    response.end()
  })
  let status = 200
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = String(typeof address === 'object' ? address?.port : '')
  const ask = () =>
    promisify(execFile)(process.execPath, args, { env: { MINTMARK_PORT: port } }).then(
      () => 'healthy',
      ({ code }) => code
    )
  t.equal(await ask(), 'healthy')
  status = 503
  t.equal(await ask(), 1)
  await new Promise(resolve => server.close(resolve))
  t.equal(await ask(), 1)
})

t.test('what the image copies is in the repository and is sent to the engine', async t => {
  const sent = read('.dockerignore')
    .split('\n')
    .filter(line => line.startsWith('!'))
  t.equal(
    read('.dockerignore')
      .split('\n')
      .find(line => !line.startsWith('#')),
    '*'
  )
  for (const path of copied) {
    // LICENSE* may match nothing
    if (!path.includes('*')) t.ok(existsSync(new URL(path, root)), path)
    t.ok(sent.includes(`!${path.replace('*', '')}`), `${path} is sent`)
  }
})

t.test('the compose file has no secret in it, and asks for each by name', async t => {
  const text = read('docker-compose.yml')
  const uses = [...text.matchAll(/\$\{(\w+)([^}]*)\}/g)]
  const without = (name: string) => uses.filter(use => use[1] === name && !use[2]?.startsWith(':?'))
  for (const name of ['POSTGRES_PASSWORD', 'MINTMARK_ISSUER']) {
    t.ok(
      uses.some(use => use[1] === name),
      name
    )
    t.strictSame(without(name), [], `${name} has no default`)
  }
  t.notMatch(text, /(PASSWORD|MASTER_KEY): (?!\$\{|\/run\/secrets\/)/)
  t.match(text, /condition: service_healthy/)
  t.match(text, /MINTMARK_MASTER_KEY_FILE: \/run\/secrets\/master_key/)
  t.strictSame(
    text.match(/ports:\n\s+- "[\d.]+:/g)?.map(port => port.trim().slice(-11)),
    ['"127.0.0.1:']
  )
})

function hasCompose(): boolean {
  try {
    execFileSync('docker', ['compose', 'version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

t.test(
  'docker compose config reads it',
  { skip: hasCompose() ? false : 'the compose plugin is not installed' },
  async t => {
    const config = (env: Record<string, string>) =>
      promisify(execFile)('docker', ['compose', 'config', '--format', 'json'], {
        cwd: fileURLToPath(root),
        env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env }
      })
    await t.rejects(config({}), { message: /set (MINTMARK_ISSUER|POSTGRES_PASSWORD)/ })
    const { stdout } = await config({
      MINTMARK_ISSUER: 'https://id.example.com',
      POSTGRES_PASSWORD: 'x1'
    })
    t.equal(
      JSON.parse(stdout).services.server.environment.DATABASE_URL,
      'postgres://mintmark:x1@database:5432/mintmark'
    )
  }
)
