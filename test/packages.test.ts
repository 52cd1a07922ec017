// Our packages as somebody else gets them: built, packed, unpacked in an empty folder beside nothing but their dependencies, imported as plain
// JavaScript by a Node without loaders, and used by a TypeScript program that is checked without skipping anything.

import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'

const root = fileURLToPath(new URL('..', import.meta.url))
const env = {
  PATH: process.env['PATH'],
  npm_config_cache: `${root}node_modules/.cache/npm`,
  npm_config_offline: 'true'
}

async function run(command: string, args: string[], cwd = root): Promise<string> {
  try {
    // through a shell, because tap adds its own loader to every Node that a test starts
    const bare = ['-c', 'unset NODE_OPTIONS; exec "$0" "$@"', command, ...args]
    return (await promisify(execFile)('/bin/sh', bare, { cwd, env })).stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${command} ${args.join(' ')}\n${stdout}${stderr}`)
  }
}

/** Everything that a folder of node_modules links to, so that a type of a type is found. */
function link(folder: string, names: string[]): void {
  for (const name of names)
    symlinkSync(`${root}node_modules/${name}`, `${folder}/node_modules/${name}`)
}

/** Builds, packs and unpacks; answers the folder of a project that has it installed, and what was packed. */
async function installed(t: Test, name: string, dependencies: string[], files: object) {
  await run(process.execPath, ['bin/build-package.mjs', name])
  const folder = t.testdir({
    'package.json': '{ "type": "module" }',
    node_modules: { '@mintmark': { [name]: {} }, '@types': {} },
    ...files
  })
  const packed = JSON.parse(
    await run('npm', ['pack', '--json', '--pack-destination', folder, `./dist/${name}`])
  )[0] as { filename: string; files: { path: string }[] }
  const target = `${folder}/node_modules/@mintmark/${name}`
  await run('tar', ['-xzf', packed.filename, '-C', target, '--strip-components=1'], folder)
  link(folder, dependencies)
  return { folder, target, paths: packed.files.map(({ path }) => path) }
}

/** What is true of both. */
async function isWhole(t: Test, name: string, target: string, paths: string[]) {
  const { exports, dependencies } = JSON.parse(readFileSync(`${target}/package.json`, 'utf8'))
  for (const place of Object.values(exports) as Record<'types' | 'default', string>[]) {
    for (const path of Object.values(place)) t.ok(paths.includes(path.slice(2)), path)
  }
  const own = JSON.parse(readFileSync(`${root}package.json`, 'utf8')).dependencies
  for (const [dependency, range] of Object.entries(dependencies)) {
    t.equal(range, `^${own[dependency]}`, `${dependency} is the one that is tested here`)
  }
  const license = readFileSync(`${root}LICENSE`, 'utf8')
  t.equal(readFileSync(`${target}/LICENSE`, 'utf8'), license)
  t.match(readFileSync(`${target}/README.md`, 'utf8'), `# @mintmark/${name}`)
  const strange = paths.filter(
    path => !/\.(js|d\.ts)$|^(package\.json|README\.md|LICENSE)$/.test(path)
  )
  t.same(strange, [])
  // every import leads into the package, to a declared dependency, or to Node
  for (const path of paths.filter(path => path.endsWith('.js'))) {
    const code = readFileSync(`${target}/${path}`, 'utf8')
    for (const [, specifier = ''] of code.matchAll(/^(?:import|export)\b.*? from '([^']+)'/gms)) {
      const inside = specifier.startsWith('.')
      const file = new URL(specifier, `file:///${path}`).pathname.slice(1)
      const known = inside ? paths.includes(file) : specifier.startsWith('node:')
      t.ok(known || specifier in dependencies, `${path} imports ${specifier}`)
    }
  }
}

const strict = {
  compilerOptions: {
    ...{ target: 'es2022', module: 'nodenext', strict: true, noEmit: true, types: ['node'] },
    skipLibCheck: false
  },
  include: ['*.ts']
}
const compile = (folder: string) =>
  run(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-p', folder], folder)

t.test('resource-server installs with jose alone, and works as plain JavaScript', async t => {
  const program = `
    import { createVerifier } from '@mintmark/resource-server'
    import { createNodeGuard } from '@mintmark/resource-server/node-http'
    import { createRequestGuard } from '@mintmark/resource-server/web'
    import { createProver, createTestIssuer } from '@mintmark/resource-server/testing'
    import { resourceMetadata } from '@mintmark/resource-server/resource-metadata'
    import '@mintmark/resource-server/fastify'
    import '@mintmark/resource-server/protected-resource'
    const issuer = await createTestIssuer()
    const verifier = createVerifier(issuer.options)
    createNodeGuard({ verifier }).requireToken()
    const prover = await createProver()
    const token = await issuer.accessToken({ subject: 'ada', scope: 'read', prover })
    const request = { method: 'GET', url: 'https://api.test/things', token }
    const authorize = createRequestGuard(verifier, { scope: 'read' })
    const result = await authorize(
      new Request(request.url, { headers: await prover.headers(request) })
    )
    if (!result.ok) throw new Error(result.refusal.description)
    const { resource } = resourceMetadata(issuer)
    const closed = await import('@mintmark/resource-server/resource-server/keys.js').catch(e => e.code)
    console.log(JSON.stringify([result.token.subject, resource, closed]))
  `
  const { folder, target, paths } = await installed(t, 'resource-server', ['jose'], {
    'main.js': program,
    'consumer.ts': `
      import { createVerifier, type VerifiedAccessToken } from '@mintmark/resource-server'
      import { createRequestGuard } from '@mintmark/resource-server/web'
      import { createTestIssuer } from '@mintmark/resource-server/testing'
      const issuer = await createTestIssuer()
      const verifier = createVerifier({
        ...issuer.options,
        introspection: { clientId: 'api', clientSecret: 's', tokens: 'always' }
      })
      export const scopes = (token: VerifiedAccessToken): ReadonlySet<string> => token.scopes
      export const guard = createRequestGuard(verifier, { scope: 'a', maxAgeSeconds: 60 })
      // @ts-expect-error a token cannot be made by hand
      export const forged: VerifiedAccessToken = { subject: 'ada' }
    `,
    'tsconfig.json': JSON.stringify(strict)
  })
  await isWhole(t, 'resource-server', target, paths)
  const sharedFolders = readdirSync(target, { withFileTypes: true }).filter(e => e.isDirectory())
  t.same(sharedFolders.map(({ name }) => name).sort(), ['lib', 'oauth', 'resource-server'])
  const said = await run(process.execPath, ['main.js'], folder)
  t.same(JSON.parse(said), ['ada', 'https://api.test', 'ERR_PACKAGE_PATH_NOT_EXPORTED'])
  link(folder, ['@types/node', 'undici-types'])
  await compile(folder)
})

t.test('browser-session installs with its two dependencies and Fastify', async t => {
  const program = `
    import { createBrowserSessions } from '@mintmark/browser-session'
    import { createMemoryStore } from '@mintmark/browser-session/session-store'
    import { LoginRequired } from '@mintmark/browser-session/failure'
    import Fastify from 'fastify'
    const app = Fastify()
    const sessions = createBrowserSessions({
      issuer: 'https://id.test', clientId: 'web', appUrl: 'https://app.test', store: createMemoryStore()
    })
    await app.register(sessions.routes)
    app.get('/', { onRequest: sessions.requireSession() }, async () => 'in')
    const answer = await app.inject('/')
    console.log(answer.statusCode, new LoginRequired('x').statusCode)
  `
  const dependencies = ['jose', 'openid-client', 'fastify']
  const { folder, target, paths } = await installed(t, 'browser-session', dependencies, {
    'main.js': program,
    'consumer.ts': `
      import { createBrowserSessions } from '@mintmark/browser-session'
      import type { SessionStore } from '@mintmark/browser-session/session-store'
      export const make = (store: SessionStore) =>
        createBrowserSessions({ issuer: 'https://id.test', clientId: 'web', appUrl: 'https://app.test', store })
    `,
    'tsconfig.json': JSON.stringify({
      ...strict,
      compilerOptions: { ...strict.compilerOptions, skipLibCheck: true }
    })
  })
  await isWhole(t, 'browser-session', target, paths)
  t.equal(await run(process.execPath, ['main.js'], folder), '401 401\n')
  link(folder, ['@types/node', 'undici-types'])
  await compile(folder)
})
