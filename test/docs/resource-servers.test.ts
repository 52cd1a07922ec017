// Runs the snippets of docs/resource-servers.md as they stand there, each in a process and a folder of its own: they let a good access
// token in, and keep out what the page says they keep out. Only issuer and audience are put in their place.

import { execFile, spawnSync } from 'node:child_process'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { SignJWT } from 'jose'
import t, { type Test } from 'tap'
import { audience, createKey, startFakeIssuer } from '../resource-server/fake-issuer.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const page = readFileSync(`${root}docs/resource-servers.md`, 'utf8')
const python = '/usr/bin/python3'
const hasPython = spawnSync(python, ['-c', 'import jwt, cryptography']).status === 0

/** The only snippet in this language, with our issuer and audience in it. */
function snippet(language: string, issuer: string): string {
  const found = [...page.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))]
  const code = found[0]?.[1]
  if (code === undefined || found.length > 1)
    throw new Error(`docs/resource-servers.md needs one block of ${language}`)
  const placed = code
    .replaceAll('http://localhost:3000', issuer)
    .replaceAll('https://api.example.com', audience)
  if (!placed.includes(issuer) || !placed.includes(audience))
    throw new Error(`the ${language} block names issuer and audience as the page does`)
  return placed
}

/** Where our packages are in this repository. */
const packages: [name: string, file: string][] = [
  ["'@mintmark/resource-server'", 'resource-server/verifier.ts'],
  ["'@mintmark/resource-server/", 'resource-server/']
]

t.test('every TypeScript snippet that is whole runs as it stands', async t => {
  const blocks = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code)
  const whole = blocks.filter(code => code.includes('import '))
  t.ok(whole.length >= 4, `${whole.length} snippets`)
  const files = whole.map((code, index) => {
    let placed = code
    for (const [name, file] of packages) {
      const path = `'${root}src/${file}`
      placed = placed.replaceAll(
        name.endsWith('/') ? new RegExp(`${name}([\\w-]+)'`, 'g') : name,
        name.endsWith('/') ? `${path}$1.ts'` : `${path}'`
      )
    }
    return [`snippet-${index}.ts`, placed] as const
  })
  const all = files.map(([name]) => `await import('./${name}')`).join('\n')
  const folder = t.testdir({
    ...Object.fromEntries(files),
    'all.mjs': `${all}\nconsole.log('ran')`
  })
  symlinkSync(`${root}node_modules`, `${folder}/node_modules`)
  const { stdout } = await promisify(execFile)(process.execPath, ['all.mjs'], { cwd: folder })
  t.equal(stdout, 'ran\n')
})

/** One token per line of the answer: `in` and its subject, or `out`. */
async function judge(t: Test, command: string, language: string, caller: string) {
  const issuer = await startFakeIssuer(t)
  const stranger = await createKey('first')
  const now = Math.floor(Date.now() / 1000)
  const good = {
    iss: issuer.url,
    aud: audience,
    sub: 'somebody',
    client_id: 'app',
    jti: 'one',
    iat: now,
    exp: now + 60
  }
  const sign = (claims: object, typ = 'at+jwt', key = issuer.key) =>
    new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'ES256', typ, kid: 'first' })
      .sign(key.privateKey)
  const { client_id: _, ...anonymous } = good
  const tokens = {
    good: await sign(good),
    'an ID token': await sign(good, 'JWT'),
    'for another API': await sign({ ...good, aud: issuer.url }),
    'of another issuer': await sign({ ...good, iss: 'https://id.example.com' }),
    expired: await sign({ ...good, exp: now - 60 }),
    'without client_id': await sign(anonymous),
    'bound to a key': await sign({ ...good, cnf: { jkt: 'x' } }),
    'signed by a stranger': await sign(good, 'at+jwt', stranger)
  }
  const folder = t.testdir({
    [`verify.${language === 'py' ? 'py' : 'mjs'}`]: snippet(language, issuer.url)
  })
  if (language === 'js') symlinkSync(`${root}node_modules`, `${folder}/node_modules`)
  const file = `${folder}/call.${language === 'py' ? 'py' : 'mjs'}`
  writeFileSync(file, caller)
  const { stdout } = await promisify(execFile)(command, [file, ...Object.values(tokens)], {
    cwd: folder
  })
  const verdicts = stdout.trim().split('\n')
  t.strictSame(
    Object.fromEntries(Object.keys(tokens).map((name, i) => [name, verdicts[i]])),
    Object.fromEntries(
      Object.keys(tokens).map(name => [name, name === 'good' ? 'in somebody' : 'out'])
    )
  )
}

t.test('the jose snippet accepts an access token and nothing else (RFC 9068 §4)', t =>
  judge(
    t,
    process.execPath,
    'js',
    `import { verify } from './verify.mjs'
     for (const token of process.argv.slice(2))
       console.log(await verify(token).then(({ sub }) => 'in ' + sub, () => 'out'))`
  )
)

t.test(
  'the PyJWT snippet accepts an access token and nothing else (RFC 9068 §4)',
  { skip: hasPython ? false : `${python} has no jwt and cryptography (python3-jwt)` },
  t =>
    judge(
      t,
      python,
      'py',
      `import sys
from verify import verify
for token in sys.argv[1:]:
    try:
        print("in " + verify(token)["sub"])
    except Exception:
        print("out")
`
    )
)
