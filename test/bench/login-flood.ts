// `npm run login-flood`: 200 bad sign-ins a second at a server with the limits of production, three kinds of them, and what that does to
// tokens, to refusals, to people at browsers that their account knows, and to people elsewhere (security part 4, L-1 to L-4, L-8).
// Everything is told as a ratio to the same run without flood. Ends with exit code 1 when somebody honest was kept out.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { formHeaders, formOf } from '../faults/client.ts'
import { startDurableCluster } from '../faults/durable-cluster.ts'
import { basic } from '../protocol/requests.ts'
import { createLifetime } from '../support/lifetime.ts'
import { person } from '../support/server.ts'
import {
  fetchForm,
  percentile,
  postSignIn,
  type SignInForm,
  steadily,
  type Tally
} from './flood-peers.ts'
import { benchApi } from './setting.ts'
import { type MintmarkTarget, startMintmark } from './targets.ts'

const quick = process.argv.includes('--quick')
const seconds = quick ? 8 : 60
const tokensPerSecond = 50
const floods = {
  'many names, many addresses': { addresses: 60_000, names: 60_000 },
  '1,000 accounts, one address': { addresses: 1, names: 1_000 },
  // the last: the account's attempts are used up for a while afterwards
  'one account, 1,000 addresses': { addresses: 1_000, names: 1 }
}

async function askForToken({ port }: MintmarkTarget): Promise<string> {
  const caller = basic('billing')
  const form = { grant_type: 'client_credentials', scope: 'read:things', resource: benchApi }
  const answer = await fetch(`http://localhost:${port}/oauth/token`, {
    method: 'POST',
    headers: formHeaders(caller),
    body: formOf(caller, form),
    signal: AbortSignal.timeout(10_000)
  })
  await answer.arrayBuffer()
  return String(answer.status)
}

/** Somebody who knows the password: signs in, and waits as long as is asked, at most three times. */
async function signInPatiently(issuer: string, form: SignInForm, from: string): Promise<string> {
  for (let tries = 1; tries <= 3; tries += 1) {
    const answer = await postSignIn(issuer, form, { ...person, from })
    await answer.arrayBuffer()
    if (answer.status === 303) return `in at ${tries}`
    if (answer.status !== 503) return String(answer.status)
    const wait = Number(answer.headers.get('retry-after') ?? 1)
    await new Promise(resolve => setTimeout(resolve, wait * 1_000))
  }
  return '503'
}

interface Round {
  tokens: Tally
  known: Tally
  elsewhere: Tally
  rssMegabytes: number
  flood: Tally | undefined
}

async function round(target: MintmarkTarget, form: SignInForm, flood?: object): Promise<Round> {
  const issuer = `http://localhost:${target.port}`
  let child: ChildProcess | undefined
  let report: Promise<unknown[]> | undefined
  if (flood !== undefined) {
    const program = fileURLToPath(new URL('./flood-peers.ts', import.meta.url))
    const given = { issuer, perSecond: 200, seconds: seconds + 2, ...flood }
    child = spawn(process.execPath, [program, JSON.stringify(given)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc']
    })
    await once(child, 'message')
    report = once(child, 'message')
  }
  const until = performance.now() + seconds * 1_000
  const isOver = () => performance.now() > until
  const before = (await target.usage()).rssBytes
  let most = before
  const watch = setInterval(async () => {
    most = Math.max(most, (await target.usage()).rssBytes)
  }, 500)
  // a browser without a device's value, from addresses that nobody floods from
  const stranger = await fetchForm(issuer)
  const [tokens, known, elsewhere] = await Promise.all([
    steadily(tokensPerSecond, isOver, () => askForToken(target)),
    steadily(2, isOver, () => signInPatiently(issuer, form, '203.0.113.1')),
    steadily(1, isOver, n => signInPatiently(issuer, stranger, `192.0.2.${n % 250}`))
  ])
  clearInterval(watch)
  const told = (await report)?.[0] as Tally | undefined
  if (child !== undefined && child.exitCode === null) await once(child, 'exit')
  return { tokens, known, elsewhere, rssMegabytes: (most - before) / 2 ** 20, flood: told }
}

const row = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |\n`
const told = ({ statuses }: Tally) =>
  Object.entries(statuses)
    .map(([status, times]) => `${times}x ${status}`)
    .join(', ')
const share = ({ statuses }: Tally) => {
  const all = Object.values(statuses).reduce((sum, times) => sum + times, 0)
  const inside = Object.entries(statuses).filter(([status]) => status.startsWith('in at'))
  return (100 * inside.reduce((sum, [, times]) => sum + times, 0)) / Math.max(1, all)
}

const life = createLifetime()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void life.end().then(() => process.exit(130)))
}
try {
  const cluster = await startDurableCluster(life)
  const url = await cluster.createDatabase()
  const production = { trustedProxies: ['127.0.0.1', '::1'], limits: {} }
  const target = await startMintmark(life, url, production)
  const issuer = `http://localhost:${target.port}`
  // the owner's browser, which the account knows from then on
  const first = await fetchForm(issuer)
  const signedIn = await postSignIn(issuer, first, { ...person, from: '203.0.113.1' })
  const device = signedIn.headers.getSetCookie().find(line => line.startsWith('mintmark_device='))
  const form = { ...first, cookie: `${first.cookie}; ${device?.split(';')[0]}` }
  await round(target, form)
  const alone = await round(target, form)
  const normal = percentile(alone.tokens.took['200'] ?? [], 0.99)
  const half = percentile(alone.tokens.took['200'] ?? [], 0.5)
  let kept = 0
  process.stdout.write(
    `${seconds} s each; ratios to the same run without flood (p50 ${half.toFixed(1)} ms, p99 ${normal.toFixed(1)} ms)\n\n`
  )
  process.stdout.write(
    row([
      'flood of 200/s',
      'token p50',
      'token p99',
      'token errors',
      'known browsers in',
      'others in',
      'refusals p50 / p99 ms',
      'answers',
      'RSS +MB'
    ])
  )
  process.stdout.write(row(Array.from({ length: 9 }, () => '---')))
  for (const [name, flood] of Object.entries(floods)) {
    const {
      tokens,
      known,
      elsewhere,
      rssMegabytes,
      flood: answers
    } = await round(target, form, flood)
    const took = tokens.took['200'] ?? []
    const refused = [...(answers?.took['429'] ?? []), ...(answers?.took['503'] ?? [])].sort(
      (a, b) => a - b
    )
    const failed = Object.entries(tokens.statuses).filter(([status]) => status !== '200')
    process.stdout.write(
      row([
        name,
        (percentile(took, 0.5) / half).toFixed(2),
        (percentile(took, 0.99) / normal).toFixed(2),
        failed.length === 0 ? 0 : told(tokens),
        `${share(known).toFixed(0)} % (${told(known)})`,
        `${share(elsewhere).toFixed(0)} % (${told(elsewhere)})`,
        `${percentile(refused, 0.5).toFixed(1)} / ${percentile(refused, 0.99).toFixed(1)}`,
        answers === undefined ? '' : told(answers),
        rssMegabytes.toFixed(0)
      ])
    )
    if (share(known) < 99 || failed.length > 0) kept += 1
    // A flood from one address keeps out nobody elsewhere (L-4). One from many at many names cannot be told from the people whose browser no
    // account knows, and takes its share of the hashes; one at an account has used up what strangers may try there: that is the design.
    if (flood.addresses === 1 && share(elsewhere) < 99) kept += 1
  }
  process.exitCode = kept === 0 ? 0 : 1
} finally {
  await life.end()
}
