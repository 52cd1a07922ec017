// `npm run login-timing`: how long answers take that must tell nobody who has an account: sign-ins that are refused, by why, and what is asked
// of sign-up and reset, by whether there is an account. The statistic of Kolmogorov and Smirnov between two of them, and what it may be at 1 %
// (checks 162 and R-55; security part 4, L-5). One after another, in an order that is shuffled each time, n of each (2,000 unless told).
// Reported and not asserted: on a machine that is not quiet, differences are chance or the neighbour.

import { createAccountImport } from '../../src/accounts/import.ts'
import { startDurableCluster } from '../faults/durable-cluster.ts'
import { createLifetime } from '../support/lifetime.ts'
import { startMailServer } from '../support/mail-server.ts'
import { addressOf, fetchForm, percentile, postForm, type SignInForm } from './flood-peers.ts'
import { startMintmark } from './targets.ts'

const n = Number(process.argv[2] ?? 2_000)
/** An account is tried so often, and an address: neither meets a counter. */
const tries = 9

/** The largest distance of two distributions, both sorted. */
function distance(a: readonly number[], b: readonly number[]): number {
  let [i, j, most] = [0, 0, 0]
  while (i < a.length && j < b.length) {
    // both sides of a value that both have
    const value = Math.min(a[i] ?? 0, b[j] ?? 0)
    while (i < a.length && (a[i] ?? 0) <= value) i += 1
    while (j < b.length && (b[j] ?? 0) <= value) j += 1
    most = Math.max(most, Math.abs(i / a.length - j / b.length))
  }
  return most
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map(each => ({ each, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ each }) => each)
}

interface Kind {
  name: string
  path: string
  status: number
  fields(at: number): Record<string, string>
}

const signIn = (name: string, login: (at: number) => string, status = 422): Kind => ({
  ...{ name, path: '/sign-in', status },
  fields: at => ({ prompt: 'login', login: login(at), password: `wrong ${at}` })
})
const names = (name: string) => (at: number) => `${name}-${Math.floor(at / tries)}`
const mailboxes = (name: string) => (at: number) => `${name}-${at}@people.example`
const asked = (name: string, path: string, field: string, who: (at: number) => string): Kind => ({
  ...{ name, path, status: 200 },
  fields: at => ({ token: '', [field]: who(at) })
})

/** The first of each list is what the others are compared with. */
const lists: readonly (readonly Kind[])[] = [
  [
    signIn('unknown', names('unknown')),
    signIn('unknown, another', names('another')),
    signIn('wrong password', names('wrong')),
    signIn('disabled', names('disabled')),
    signIn('passwordless', names('passwordless')),
    // nothing is hidden here: it shows that the statistic tells what differs
    signIn('throttled', () => 'somebody', 429)
  ],
  [
    asked('reset: unknown', '/reset-password', 'login', mailboxes('nobody')),
    asked('reset: known', '/reset-password', 'login', mailboxes('known'))
  ],
  [
    asked('sign-up: unknown', '/sign-up', 'email', mailboxes('newcomer')),
    asked('sign-up: known', '/sign-up', 'email', mailboxes('member'))
  ]
]

const life = createLifetime()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void life.end().then(() => process.exit(130)))
}
try {
  const cluster = await startDurableCluster(life)
  const url = await cluster.createDatabase()
  const { port } = await startMailServer(life)
  const target = await startMintmark(life, url, {
    trustedProxies: ['127.0.0.1', '::1'],
    limits: { signIn: { perAddress: 10_000_000, rows: 100_000_000 } },
    mail: { from: 'no-reply@id.example', smtp: { host: '127.0.0.1', port, tls: 'none' } }
  })
  const issuer = `http://localhost:${target.port}`
  const { database } = target.store

  const { rows } = await database.run<{ password: string }>(
    'bench.hash',
    'SELECT password FROM accounts WHERE password IS NOT NULL LIMIT 1'
  )
  const importer = createAccountImport({ database })
  async function people(count: number, each: (at: number) => object) {
    const lines = Array.from({ length: count }, (_, at) => JSON.stringify(each(at)))
    const outcomes = await importer.take(lines, 'write')
    if (outcomes.some(({ kind }) => kind !== 'created')) throw new Error('a person is missing')
  }
  for (const name of ['wrong', 'disabled', 'passwordless']) {
    const password_hash = name === 'passwordless' ? undefined : rows[0]?.password
    await people(Math.ceil(n / tries), at => {
      return { login: `${name}-${at}`, password_hash, disabled: name === 'disabled' }
    })
  }
  for (const name of ['known', 'member']) {
    await people(n, at => {
      const email = `${name}-${at}@people.example`
      return { login: email, email, email_verified: true }
    })
  }

  const forms = new Map<string, SignInForm>()
  for (const { path } of lists.flat()) forms.set(path, await fetchForm(issuer, { path }))
  let attempts = 0
  async function measure({ name, path, status, fields }: Kind, at: number): Promise<number> {
    const form = forms.get(path)
    if (form === undefined) throw new Error(path)
    attempts += 1
    const begun = performance.now()
    const answer = await postForm(issuer, form, {
      path,
      from: addressOf(Math.floor(attempts / tries)),
      fields: fields(at)
    })
    await answer.arrayBuffer()
    const took = performance.now() - begun
    if (answer.status !== status) throw new Error(`${name}: ${answer.status}`)
    return took
  }
  const throttled = lists.flat().find(({ status }) => status === 429)
  if (throttled === undefined) throw new Error('nothing is throttled')
  for (let at = 0; at < 10; at += 1) await measure({ ...throttled, status: 422 }, at)

  const bound = 1.63 * Math.sqrt(2 / n)
  process.stdout.write(
    `n = ${n} of each; at 1 % the statistic of equal distributions stays under ${bound.toFixed(3)}\n\n`
  )
  process.stdout.write(
    '| why | p5 ms | p50 ms | p95 ms | KS against the first |\n|---|---:|---:|---:|---:|\n'
  )
  for (const kinds of lists) {
    const took = new Map(kinds.map(kind => [kind.name, [] as number[]]))
    for (let at = 0; at < n; at += 1) {
      // all mails of an hour are counted together, and here they are an hour's
      if (at % 1_000 === 0) {
        await database.run('bench.forget', "DELETE FROM attempts WHERE kind LIKE 'mail.%'")
      }
      for (const kind of shuffled(kinds)) took.get(kind.name)?.push(await measure(kind, at))
    }
    for (const list of took.values()) list.sort((a, b) => a - b)
    const [first = []] = took.values()
    for (const [name, list] of took) {
      const at = [0.05, 0.5, 0.95].map(part => percentile(list, part).toFixed(2))
      process.stdout.write(`| ${[name, ...at, distance(first, list).toFixed(3)].join(' | ')} |\n`)
    }
  }
} finally {
  await life.end()
}
