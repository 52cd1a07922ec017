// What keeps the database small, and what shows it: limits for strangers, how long security events are kept, metrics. A limit
// says, for each thing that can be asked without having signed in, how many requests a minute one address may send, and how many rows
// all of them may have in the database; a site of some hundred sign-ins a minute never meets the defaults.

import Type from 'typebox'
import { closedObject, durationSchema } from './vocabulary.ts'

const most = 100_000_000

function limit(what: string, stay: string, defaults: { perAddress: number; rows: number }) {
  return closedObject(
    {
      perAddress: Type.Integer({
        minimum: 1,
        maximum: most,
        default: defaults.perAddress,
        description: `${what} that one address (IPv4, or a /64 of IPv6) may send a minute to each process.`
      }),
      rows: Type.Integer({
        minimum: 1,
        maximum: most,
        default: defaults.rows,
        description: `Rows of them that there may be in the database at once, over all processes; ${stay}.`
      })
    },
    { default: {} }
  )
}

export const limitsSchema = closedObject(
  {
    authorize: limit('Authorization requests', 'a row leaves two to three hours later', {
      perAddress: 600,
      rows: 500_000
    }),
    pushedRequests: limit('Pushed requests', 'a row leaves two to three hours later', {
      perAddress: 1_200,
      rows: 500_000
    }),
    devices: limit('Device authorization requests', 'a row leaves two to three hours later', {
      perAddress: 120,
      rows: 200_000
    }),
    backchannel: limit('Backchannel requests', 'a row leaves two to three hours later', {
      perAddress: 600,
      rows: 200_000
    }),
    pages: limit('Device and sign-out pages', 'a session that nobody signed in to lives an hour', {
      perAddress: 300,
      rows: 200_000
    }),
    signIn: limit('Sign-in attempts', 'a counter of attempts lives 15 minutes', {
      perAddress: 120,
      rows: 500_000
    }),
    registration: limit('Registrations', 'clients that registered themselves and were not reaped', {
      perAddress: 60,
      rows: 10_000
    })
  },
  {
    default: {},
    description: 'What strangers may ask; who is over it gets 429 with Retry-After.'
  }
)

export const auditSchema = closedObject(
  {
    retention: durationSchema({
      description: 'How long security events are kept.',
      default: '400d',
      minimum: '30d',
      maximum: '3650d'
    })
  },
  { default: {} }
)

export const metricsSchema = closedObject(
  {
    port: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 65_535,
        description:
          'Port of a listener of its own for Prometheus, `GET /metrics`. Left out: there is none.'
      })
    ),
    host: Type.String({
      minLength: 1,
      default: '127.0.0.1',
      description: 'Address of that listener; who reaches it reads all metrics.'
    })
  },
  { default: {} }
)
