// What strangers may ask: so much a minute of one address, and so many rows in the database of all of them together. Owns the table of what is
// limited, and what a request that is not over its limit has used in the end. Refuses with 429 and Retry-After before a body is read and before
// anything is written. Tokens are not limited: whoever asks for one has shown who they are.

import rateLimit from '@fastify/rate-limit'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { countedAddress } from '../accounts/address.ts'
import type { Config } from '../config/schema.ts'
import { createAllowanceStore } from '../store/allowances.ts'
import { recognisedSeconds } from '../store/artifact-lifetimes.ts'
import type { Queries } from '../store/database.ts'
import { createClientAllowance, createRowAllowance, type RowAllowance } from './row-allowances.ts'

export type Limited = keyof Config['limits']

interface Rule {
  /** rows that a request makes, at most */
  rows: number
  /** whether it made them, told by its answer */
  made(reply: FastifyReply): boolean
  /** how many of them it made nevertheless, where that is less */
  kept?(reply: FastifyReply): number
}

const status =
  (...codes: number[]) =>
  (reply: FastifyReply) =>
    codes.includes(reply.raw.statusCode)
const startsInteraction = (reply: FastifyReply) =>
  String(reply.raw.getHeader('location') ?? '').startsWith('/interaction/')
const setsCookie = (reply: FastifyReply) => reply.raw.getHeader('set-cookie') !== undefined

const rules: Record<Limited, Rule> = {
  authorize: { rows: 1, made: startsInteraction },
  pushedRequests: { rows: 1, made: status(201) },
  devices: { rows: 1, made: status(200) },
  // the request, and whom it is for
  backchannel: { rows: 2, made: status(200) },
  // a form's session; a person's own is counted as well, since it cannot be told here
  pages: { rows: 1, made: setsCookie },
  // a counter of the address, and one of the name
  signIn: {
    rows: 2,
    made: reply => ![400, 403, 404, 413, 415].includes(reply.raw.statusCode),
    // a counter that is used up was there before: a flood at one account does not take everybody's rows
    kept: reply => (reply.raw.statusCode === 429 ? 1 : 2)
  },
  registration: { rows: 1, made: status(201) }
}

/** Method and path, as routes are written. */
const limited: Record<string, readonly Limited[]> = {
  'GET /authorize': ['authorize'],
  'POST /authorize': ['authorize'],
  'GET /authorize/:uid': ['authorize'],
  'POST /oauth/par': ['pushedRequests'],
  'POST /oauth/device': ['devices'],
  'POST /oauth/backchannel': ['backchannel'],
  'POST /oauth/register': ['registration'],
  'GET /device': ['pages'],
  'POST /device': ['pages', 'authorize'],
  'GET /device/:uid': ['authorize'],
  'GET /logout': ['pages'],
  'POST /logout': ['pages'],
  'POST /interaction/:uid': ['signIn'],
  'POST /sign-in': ['signIn'],
  'POST /sign-up': ['signIn'],
  'POST /sign-up/finish': ['signIn'],
  'POST /reset-password': ['signIn'],
  'POST /reset-password/new': ['signIn'],
  'POST /confirm-email': ['signIn'],
  'GET /account/grants': ['pages'],
  'POST /account/grants': ['pages']
}

/** Seconds that a row of each kind may stay: its partition is an hour, and the job comes every minute. */
export function rowStay(config: Config): Record<Exclude<Limited, 'registration'>, number> {
  const partition = 3_600 + 600
  return {
    authorize: config.interactions.lifetimeSeconds + partition,
    pushedRequests: 60 + recognisedSeconds + partition,
    devices: config.deviceCodes.lifetimeSeconds + recognisedSeconds + partition,
    backchannel: config.ciba.lifetimeSeconds + recognisedSeconds + partition,
    pages: config.interactions.lifetimeSeconds + 600,
    signIn: 900 + 600
  }
}

/** The allowances of this process. */
export function createAllowances(
  config: Config,
  { sql, monotonic }: { sql: Queries; monotonic: () => number }
): Record<Limited, RowAllowance> {
  const deps = { store: createAllowanceStore({ sql }), monotonic }
  const stay = rowStay(config)
  const rowsOf = (kind: keyof typeof stay) =>
    createRowAllowance({ kind, rows: config.limits[kind].rows, staySeconds: stay[kind] }, deps)
  return {
    authorize: rowsOf('authorize'),
    pushedRequests: rowsOf('pushedRequests'),
    devices: rowsOf('devices'),
    backchannel: rowsOf('backchannel'),
    pages: rowsOf('pages'),
    signIn: rowsOf('signIn'),
    registration: createClientAllowance(config.limits.registration.rows, deps)
  }
}

export interface LimitsDependencies {
  limits: Config['limits']
  allowances: Record<Limited, RowAllowance>
  /** told of each refusal: which limit, and whose */
  refused(limit: Limited, by: 'address' | 'total'): void
}

const windowMillis = 60_000
/** Told to whoever meets the total: some stretch of time is over soon, and nobody knows who is first then. */
const totalRetrySeconds = 60

/** RFC 6585 §4; becomes JSON or a page at the boundary, which knows who asks. */
function tooMany(retryAfterSeconds: number, text: string): FastifyError {
  return Object.assign(new Error(text), {
    name: 'RefusedRequest',
    code: 'request_refused',
    statusCode: 429,
    retryAfterSeconds
  })
}

/** Sets the hooks; before any route. */
export async function limitStrangers(app: FastifyInstance, deps: LimitsDependencies) {
  await app.register(rateLimit, { global: false, cache: 50_000 })
  const perAddress = new Map(
    (Object.keys(rules) as Limited[]).map(name => [
      name,
      app.createRateLimit({
        max: deps.limits[name].perAddress,
        timeWindow: windowMillis,
        // a peer that has gone already has no address any more
        keyGenerator: ({ ip }) => `${name} ${countedAddress((ip as string | undefined) ?? '')}`
      })
    ])
  )
  const taken = new WeakMap<FastifyRequest, Limited[]>()

  app.addHook('onRequest', async (request, reply) => {
    const names = limited[`${request.method} ${request.routeOptions.url}`]
    if (names === undefined || reply.sent) return
    for (const name of names) {
      const counted = await perAddress.get(name)?.(request)
      if (counted !== undefined && !counted.isAllowed && counted.isExceeded) {
        deps.refused(name, 'address')
        const text = 'too many requests from this address; wait as long as Retry-After says'
        throw tooMany(Math.max(1, counted.ttlInSeconds), text)
      }
    }
    for (const name of names) {
      if (!(await deps.allowances[name].take(rules[name].rows))) {
        for (const other of taken.get(request) ?? []) {
          deps.allowances[other].giveBack(rules[other].rows)
        }
        taken.delete(request)
        deps.refused(name, 'total')
        const text = 'too many requests of this kind are open; wait as long as Retry-After says'
        throw tooMany(totalRetrySeconds, text)
      }
      taken.set(request, [...(taken.get(request) ?? []), name])
    }
  })

  app.addHook('onResponse', async (request, reply) => {
    for (const name of taken.get(request) ?? []) {
      const { rows, made, kept } = rules[name]
      const left = made(reply) ? (kept?.(reply) ?? rows) : 0
      if (left < rows) deps.allowances[name].giveBack(rows - left)
    }
  })
}
