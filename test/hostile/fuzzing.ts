// What a run of fuzz.ts and fuzz-jwts.ts holds, however long it is: no fault of ours, in words, no promise that nobody waits for, rows only where
// a request is meant to leave some, and JWTs believed exactly where they may be. Inputs that found something are sent again each time.

import { readFileSync, writeFileSync } from 'node:fs'
import type { Test } from 'tap'
import { endpoints } from '../../src/protocol/configuration.ts'
import { accessTokenType, orders, stock, tokenExchangeGrantType } from '../protocol/exchange.ts'
import { createRequests } from '../protocol/requests.ts'
import { createBrowser } from '../support/browser.ts'
import { authorizeQuery, basic, type Endpoint, form } from './endpoints.ts'
import { nextRequest, type Random, randomFrom } from './fuzz.ts'
import { nextJwt } from './fuzz-jwts.ts'
import type { Place } from './jwt-place.ts'
import { startPlaces } from './jwt-places.ts'
import type { Answer, Wire } from './wire.ts'

interface Corpus {
  /** seeds that are sent in every run */
  seeds: number[]
  /** requests that found something, as they stood; bodies in base64 */
  requests: { found: string; wire: Wire }[]
}

const corpusFile = new URL('./fuzz-corpus.json', import.meta.url)

export function readCorpus(): Corpus {
  return JSON.parse(readFileSync(corpusFile, 'utf8'))
}

/** Keeps a request that found something. */
export function keepRequest(found: string, wire: Wire): void {
  const corpus = readCorpus()
  const body = wire.body === undefined ? {} : { body: Buffer.from(wire.body).toString('base64') }
  corpus.requests.push({ found, wire: { ...wire, ...body } })
  writeFileSync(corpusFile, `${JSON.stringify(corpus, null, 2)}\n`)
}

/** Tables in which a request that means it leaves a row: each has its cap, or dies within the hour (ops/limits.test.ts, growth). */
const mayGrow: Readonly<Record<string, string>> = {
  artifacts: 'interactions, pushed requests and device codes that somebody asked for',
  sessions: 'forms of pages, for strangers: an hour',
  audit_events: 'refusals are evidence',
  replay_records: 'assertions and proofs that were shown once, eleven minutes',
  attempts: 'counters of sign-ins',
  backchannel_requests: 'ten at most wait for one person’s answer'
}

/** A JWT that is believed there does more than a run may leave behind; or it is thrown at in tokens.test.ts only. */
const notHere = new Set([
  'revocation',
  'software statement',
  'assertion of the JWT bearer grant',
  'status list in an API',
  'request object at backchannel authentication',
  'id_token_hint at backchannel authentication'
])

interface Sent {
  wire: Wire
  problems: string[]
  status: number
}

export type Fuzzing = Awaited<ReturnType<typeof startFuzzing>>

export async function startFuzzing(t: Test) {
  const { arena, places } = await startPlaces(t)
  // a sign-in that has begun: behind its cookie and its token lies the code that strangers do not reach
  const browser = createBrowser({ origin: arena.issuer })
  const page = await browser.follow(await browser.get(`/authorize?${authorizeQuery}`))
  if (page.status !== 200) throw new Error(`no page: ${page.status}`)
  const cookie = [...browser.cookies()].map(([name, value]) => `${name}=${value}`).join('; ')
  const fields = new URLSearchParams([
    ...(page.forms.find(each => each.fields.has('csrf'))?.fields ?? [])
  ])
  const begun: Endpoint = {
    route: '/interaction/:uid',
    reader: 'person',
    methods: ['GET', 'HEAD', 'POST'],
    sound: {
      method: 'POST',
      target: page.url.pathname,
      headers: [form, ['cookie', cookie]],
      body: fields.toString()
    }
  }
  // an exchange that would succeed: behind its token lies more code that strangers do not reach
  const { access_token } = await createRequests(arena).tokens({
    scope: 'openid read:orders write:orders',
    resource: orders
  })
  const exchanging: Endpoint = {
    route: endpoints.token,
    reader: 'client',
    methods: ['POST'],
    sound: {
      method: 'POST',
      target: endpoints.token,
      headers: [form, basic('orders')],
      body: new URLSearchParams({
        grant_type: tokenExchangeGrantType,
        subject_token: access_token,
        subject_token_type: accessTokenType,
        resource: stock
      }).toString()
    }
  }
  const table = [...arena.table, begun, begun, begun, exchanging, exchanging]
  const readers = places.filter(({ name }) => !notHere.has(name))
  const before = await arena.rows()
  /** authorizations of the person at whose browser hints are tried: a grant each */
  let authorized = 0

  async function sendRequest(random: Random): Promise<Sent> {
    const { endpoint, wire } = nextRequest(random, table, [['cookie', cookie]])
    const answer = await arena.send(wire)
    return { wire, problems: arena.problemsOf(endpoint, wire, answer), status: answer.status }
  }

  async function sendJwt(place: Place, random: Random): Promise<Sent> {
    const { jwt, verdict } = nextJwt(random, place.kind)
    const header = place.inHeader === true
    const wire = place.wire === undefined ? undefined : await place.wire(jwt)
    if (wire === undefined) {
      const believed = (await place.read?.(jwt)) === 'accepted'
      const problems = mismatch(place.name, verdict, believed, !believed)
      return { wire: { target: jwt }, problems, status: believed ? 200 : 401 }
    }
    if (header && !/^[\x21-\x7e]{1,10000}$/.test(jwt)) return { wire, problems: [], status: 0 }
    const answer: Answer = await arena.send(wire)
    const reader = [endpoints.authorization, endpoints.end_session].some(path =>
      wire.target.startsWith(path)
    )
    const problems = arena.problemsOf({ reader: reader ? 'person' : 'client' }, wire, answer)
    // over a limit nothing is read, so nothing is said of the JWT
    if (answer.status < 500 && answer.status !== 429) {
      const [accepted, refused] = [place.accepted(answer), place.refused(answer)]
      if (accepted && place.name === 'id_token_hint at authorize') authorized += 1
      problems.push(...mismatch(place.name, verdict, accepted, refused))
    }
    return { wire, problems, status: answer.status }
  }

  return {
    arena,
    /** Sends the next one of a seed: one of four is a JWT. */
    next: (random: Random): Promise<Sent> =>
      random.chance(4) ? sendJwt(random.one(readers), random) : sendRequest(random),

    /** Sends again what found something once. */
    async again(): Promise<string[]> {
      const failures: string[] = []
      for (const { found, wire } of readCorpus().requests) {
        const { body } = wire
        const sent =
          body === undefined ? wire : { ...wire, body: Buffer.from(String(body), 'base64') }
        const answer = await arena.send(sent)
        if (answer.status >= 500 && answer.status !== 501)
          failures.push(`${found}: ${answer.status}`)
      }
      return failures
    },

    /** Rows more than at the start, where there may be some, and where there may not. */
    async grown(): Promise<{ allowed: Record<string, number>; forbidden: Record<string, number> }> {
      const now = await arena.rows()
      now['grants'] = (now['grants'] ?? 0) - authorized
      const more = Object.entries(now)
        .map(([name, count]) => [name, count - (before[name] ?? 0)] as const)
        .filter(([, count]) => count !== 0)
      return {
        allowed: Object.fromEntries(more.filter(([name]) => Object.hasOwn(mayGrow, name))),
        forbidden: Object.fromEntries(more.filter(([name]) => !Object.hasOwn(mayGrow, name)))
      }
    },

    /** What the server under test has kept for its tests, not for itself. */
    forget() {
      const errors = arena.log.filter(({ level }) => level === 'error' || level === 'fatal')
      arena.log.length = 0
      arena.roundTrips.length = 0
      return errors
    }
  }
}

function mismatch(place: string, verdict: string, accepted: boolean, refused: boolean): string[] {
  if (verdict === 'good' && !accepted) return [`${place}: a good JWT was not believed`]
  if (verdict === 'bad' && !refused) return [`${place}: a bad JWT was believed`]
  return []
}

/** Sends `count` requests of a seed, some at a time, and tells of each that has a problem. */
export async function sendMany(
  fuzzing: Pick<Fuzzing, 'next'>,
  { seed, count, atOnce = 8 }: { seed: number; count: number; atOnce?: number },
  tell: (sent: Sent, index: number) => void
): Promise<void> {
  const random = randomFrom(seed)
  for (let sent = 0; sent < count; sent += atOnce) {
    const window = Array.from({ length: Math.min(atOnce, count - sent) }, () =>
      fuzzing.next(random)
    )
    for (const [index, one] of (await Promise.all(window)).entries()) tell(one, sent + index)
  }
}
