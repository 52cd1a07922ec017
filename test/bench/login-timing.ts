// `npm run login-timing`: how long sign-ins take that are refused, by why, and whether the times tell anything: the statistic of Kolmogorov and
// Smirnov against those of an unknown account, and what it may be at 1 % (checks 162; security part 4, L-5). One after another, kinds in
// turn, n of each (2,000 unless told). Reported and not asserted: on a machine that is not quiet, differences are chance or the neighbour.

import { createAccountImport } from '../../src/accounts/import.ts'
import { startDurableCluster } from '../faults/durable-cluster.ts'
import { createLifetime } from '../support/lifetime.ts'
import { addressOf, fetchForm, percentile, postSignIn } from './flood-peers.ts'
import { startMintmark } from './targets.ts'

const n = Number(process.argv[2] ?? 2_000)
const kinds = [
  'unknown',
  'unknown again',
  'wrong password',
  'disabled',
  'passwordless',
  'throttled'
]

/** The largest distance of two distributions. */
function distance(a: readonly number[], b: readonly number[]): number {
  let [i, j, most] = [0, 0, 0]
  while (i < a.length && j < b.length) {
    if ((a[i] ?? 0) <= (b[j] ?? 0)) i += 1
    else j += 1
    most = Math.max(most, Math.abs(i / a.length - j / b.length))
  }
  return most
}

const life = createLifetime()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void life.end().then(() => process.exit(130)))
}
try {
  const cluster = await startDurableCluster(life)
  const url = await cluster.createDatabase()
  const limits = { signIn: { perAddress: 10_000_000, rows: 100_000_000 } }
  const target = await startMintmark(life, url, { trustedProxies: ['127.0.0.1', '::1'], limits })
  const issuer = `http://localhost:${target.port}`
  // an account is tried nine times, an address too: none meets a counter but the one that should
  const { database } = target.store
  const hash = await database.run<{ password: string }>(
    'bench.hash',
    'SELECT password FROM accounts WHERE password IS NOT NULL LIMIT 1'
  )
  const importer = createAccountImport({ database })
  for (const kind of ['wrong', 'disabled', 'passwordless']) {
    const lines = Array.from({ length: Math.ceil(n / 9) }, (_, at) => {
      const password_hash = kind === 'passwordless' ? undefined : hash.rows[0]?.password
      return JSON.stringify({
        login: `${kind}-${at}`,
        password_hash,
        disabled: kind === 'disabled'
      })
    })
    await importer.take(lines, 'write')
  }
  const form = await fetchForm(issuer)
  const took = new Map(kinds.map(kind => [kind, [] as number[]]))
  let attempts = 0
  async function measure(kind: string, at: number) {
    const login =
      kind === 'throttled'
        ? 'somebody'
        : `${kind.split(' ')[0]}-${kind.includes('again') ? 'x' : ''}${Math.floor(at / 9)}`
    attempts += 1
    const begun = performance.now()
    const answer = await postSignIn(issuer, form, {
      ...{ login, password: `wrong ${attempts}` },
      from: addressOf(Math.floor(attempts / 9))
    })
    await answer.arrayBuffer()
    const wanted = kind === 'throttled' ? 429 : 422
    if (answer.status !== wanted) throw new Error(`${kind}: ${answer.status}`)
    took.get(kind)?.push(performance.now() - begun)
  }
  for (let at = 0; at < 10; at += 1) {
    const answer = await postSignIn(issuer, form, {
      login: 'somebody',
      password: 'wrong',
      from: `192.0.2.${at}`
    })
    await answer.arrayBuffer()
  }
  for (let at = 0; at < n; at += 1) {
    // in another order each time, so that none always follows the same
    for (let turn = 0; turn < kinds.length; turn += 1) {
      await measure(kinds[(turn + at) % kinds.length] ?? '', at)
    }
  }
  for (const list of took.values()) list.sort((a, b) => a - b)
  const unknown = took.get('unknown') ?? []
  const bound = 1.63 * Math.sqrt(2 / n)
  process.stdout.write(
    `n = ${n} of each; at 1 % the statistic of equal distributions stays under ${bound.toFixed(3)}\n\n`
  )
  process.stdout.write(
    '| why | p5 ms | p50 ms | p95 ms | KS against unknown |\n|---|---:|---:|---:|---:|\n'
  )
  for (const [kind, list] of took) {
    const at = [0.05, 0.5, 0.95].map(part => percentile(list, part).toFixed(2))
    process.stdout.write(`| ${[kind, ...at, distance(unknown, list).toFixed(3)].join(' | ')} |\n`)
  }
} finally {
  await life.end()
}
