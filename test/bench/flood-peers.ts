// The other side of `npm run login-flood`: forms that were fetched once and are posted again and again, at a steady rate whatever becomes of
// them, from as many addresses as a proxy would tell. Counts answers by status, and how long they took.

import { setPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseForms } from '../support/forms.ts'

export interface Tally {
  statuses: Record<string, number>
  /** milliseconds, sorted, by status */
  took: Record<string, number[]>
}

export const percentile = (sorted: readonly number[], part: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0

/** Sends `perSecond` requests until `isOver`. */
export async function steadily(
  perSecond: number,
  isOver: () => boolean,
  send: (n: number) => Promise<string>
): Promise<Tally> {
  const tally: Tally = { statuses: {}, took: {} }
  const sent: Promise<void>[] = []
  const begun = performance.now()
  for (let n = 0; !isOver(); n += 1) {
    const asked = performance.now()
    sent.push(
      send(n)
        .catch(error => String(error.cause?.code ?? error))
        .then(status => {
          tally.statuses[status] = (tally.statuses[status] ?? 0) + 1
          tally.took[status] ??= []
          tally.took[status].push(performance.now() - asked)
        })
    )
    await sleep(Math.max(0, begun + ((n + 1) * 1_000) / perSecond - performance.now()))
  }
  await Promise.all(sent)
  for (const list of Object.values(tally.took)) list.sort((a, b) => a - b)
  return tally
}

export interface SignInForm {
  cookie: string
  csrf: string
}

/** The form of the sign-in page, or of another, and the cookie that belongs to it. */
export async function fetchForm(
  issuer: string,
  { path = '/sign-in', cookie = '' } = {}
): Promise<SignInForm> {
  const answer = await fetch(`${issuer}${path}`, { headers: { cookie } })
  const html = await answer.text()
  const form = parseForms(html).find(({ fields }) => fields.has('csrf') && !fields.has('lang'))
  const set = answer.headers.getSetCookie().map(line => line.split(';')[0])
  return {
    cookie: [cookie, ...set].filter(Boolean).join('; '),
    csrf: form?.fields.get('csrf') ?? ''
  }
}

/** Posts a form that was fetched before; `from` as a trusted proxy tells it. */
export async function postForm(
  issuer: string,
  form: SignInForm,
  { path, from, fields }: { path: string; from: string; fields: Record<string, string> }
): Promise<Response> {
  return fetch(`${issuer}${path}`, {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie: form.cookie, 'x-forwarded-for': from },
    body: new URLSearchParams({ csrf: form.csrf, return_to: '', ...fields }),
    signal: AbortSignal.timeout(10_000)
  })
}

/** One attempt at a password. */
export const postSignIn = (
  issuer: string,
  form: SignInForm,
  { login, password, from }: { login: string; password: string; from: string }
) =>
  postForm(issuer, form, { path: '/sign-in', from, fields: { prompt: 'login', login, password } })

/** An address of its own for each number. */
export const addressOf = (n: number) => `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`

interface Flood {
  issuer: string
  perSecond: number
  seconds: number
  addresses: number
  names: number
}

// a process of its own that gives way to all others, as far as a flood on this machine can be one from elsewhere: whoever measures does not
// wait for whoever floods
const given = process.argv[2]
if (given !== undefined && process.argv[1]?.endsWith('flood-peers.ts')) {
  setPriority(19)
  const { issuer, perSecond, seconds, addresses, names } = JSON.parse(given) as Flood
  const form = await fetchForm(issuer)
  process.send?.('begun')
  const until = performance.now() + seconds * 1_000
  const tally = await steadily(
    perSecond,
    () => performance.now() > until,
    async n => {
      const login = names === 1 ? 'ada@example.com' : `user${n % names}@example.com`
      const attempt = { login, password: `wrong ${n}`, from: addressOf(n % addresses) }
      const answer = await postSignIn(issuer, form, attempt)
      await answer.arrayBuffer()
      return String(answer.status)
    }
  )
  // closed before it is sent, a message of this size would be lost
  process.send?.(tally, undefined, undefined, () => process.disconnect?.())
}
