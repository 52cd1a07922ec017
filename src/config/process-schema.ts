// The part of the configuration schema that is about processes: their database, how many there are, what they let in, how they end.
// Owns nothing else; schema.ts puts it together.

import Type from 'typebox'
import { closedObject, durationSchema, secretSchema } from './vocabulary.ts'

export const databaseSchema = closedObject(
  {
    url: Type.Optional(
      secretSchema({
        description:
          'PostgreSQL 15 or later. Left out in development: the embedded database. Any `sslmode` but `disable` and `no-verify` verifies the server (`sslrootcert` names the authority).',
        variables: ['DATABASE_URL']
      })
    ),
    directUrl: Type.Optional(
      secretSchema({
        description:
          'The same database without a pooler, for migrations and notifications. Where `database.url` leads through one and this is left out, changes are asked for instead of heard.',
        variables: ['DATABASE_DIRECT_URL']
      })
    ),
    pool: Type.Integer({
      minimum: 2,
      maximum: 200,
      default: 10,
      description: 'Connections of each process at most.'
    }),
    pooler: Type.Optional(
      Type.Enum(['none', 'transaction'], {
        description:
          'What `database.url` leads through: `transaction` for a pooler in transaction mode, as PgBouncer. Left out: found out at each connection.'
      })
    ),
    preparedStatements: Type.Enum(['named', 'unnamed'], {
      default: 'named',
      description:
        '`unnamed` behind a PgBouncer before 1.21, or one without `max_prepared_statements`.'
    }),
    embedded: Type.Boolean({
      default: false,
      description: 'Production only: yes, the embedded database is meant.'
    })
  },
  { default: {} }
)

export const workersSchema = Type.Integer({
  minimum: 1,
  maximum: 64,
  default: 1,
  description:
    'Processes that answer requests, on one port. More than one are started again when they die.'
})

export const httpSchema = closedObject(
  {
    connections: Type.Integer({
      minimum: 10,
      maximum: 100_000,
      default: 10_000,
      description: 'Connections of each process at most; what is beyond is closed at once.'
    }),
    connectionsPerAddress: Type.Integer({
      minimum: 10,
      maximum: 100_000,
      default: 500,
      description: 'The same for one address. Addresses in `trustedProxies` are not limited.'
    })
  },
  { default: {} }
)

export const shutdownSchema = closedObject(
  {
    delay: Type.Optional(
      durationSchema({
        description:
          'How long a stopping server still accepts connections while `/readyz` says 503, so that load balancers turn away first. Left out: 3s in production, 0s in development.',
        minimum: '0s',
        maximum: '4s'
      })
    )
  },
  { default: {} }
)

export const outboundSchema = closedObject(
  {
    allowed: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description:
        'Host names, addresses and CIDR ranges inside your network that this server may fetch from (keys of clients and issuers, logout notices); otherwise only public addresses are reached.'
    })
  },
  { default: {} }
)
