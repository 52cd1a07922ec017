// The one schema of the configuration: what the file may say, defaults, bounds, variable names and the reference page come from here.
// Owns the types `Config` and `Resource`. Combinations of keys are judged in rules.ts.

import Type, { type Static } from 'typebox'
import { accountDeletionSchema } from './account-schema.ts'
import { acrSchema } from './acr-schema.ts'
import { authorizationDetailsSchema } from './authorization-details-schema.ts'
import { cibaSchema } from './ciba-schema.ts'
import { clientDocumentSchema } from './client-document-schema.ts'
import { accountSchema, clientSchema } from './client-schema.ts'
import { conformanceSchema } from './conformance-schema.ts'
import { grantManagementSchema } from './grant-management-schema.ts'
import { trustedIssuerSchema } from './issuer-schema.ts'
import { keySchema } from './key-schema.ts'
import { auditSchema, limitsSchema, metricsSchema } from './limits-schema.ts'
import { mailSchema, signUpSchema } from './mail-schema.ts'
import { passwordSchema } from './password-schema.ts'
import {
  databaseSchema,
  httpSchema,
  outboundSchema,
  shutdownSchema,
  workersSchema
} from './process-schema.ts'
import { productSchema } from './product-schema.ts'
import { registrationSchema } from './registration-schema.ts'
import { accessTokenAlgorithms, resourceSchema, tokenLifetime } from './resource-schema.ts'
import { clientCertificatesSchema, tlsSchema } from './tls-schema.ts'
import { upstreamSchema } from './upstream-schema.ts'
import {
  closedObject,
  type Duration,
  durationSchema,
  pathSchema,
  type Seconds,
  secretSchema
} from './vocabulary.ts'

export type { ConfiguredAccount, ConfiguredClient } from './client-schema.ts'
export type { ConfiguredUpstream } from './upstream-schema.ts'

export const configSchema = closedObject({
  mode: Type.Optional(
    Type.Enum(['development', 'production'], {
      description:
        'Left out: `production` with an https issuer, else `development`. Development exists only on loopback.'
    })
  ),
  issuer: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        'The origin under which everybody reaches this server, as in `https://id.example.com`. Left out in development: `http://localhost:<port>`.'
    })
  ),
  host: Type.String({
    minLength: 1,
    default: '127.0.0.1',
    description: 'Address to listen on; `0.0.0.0` or `::` for all, in production only.'
  }),
  port: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 65_535,
      description:
        'Port to listen on. Left out in development: that of the issuer, else the one of the first start, else 3000 or the next free one. In production 3000.'
    })
  ),
  dataFolder: Type.Optional(
    pathSchema({
      description:
        'Folder of the embedded database and of what a first start makes. Default: `.data` in the working directory.',
      variables: ['MINTMARK_DATA']
    })
  ),
  database: databaseSchema,
  workers: workersSchema,
  http: httpSchema,
  shutdown: shutdownSchema,
  masterKey: Type.Optional(
    secretSchema({
      description:
        '32 random bytes in base64url, base64 or hex (`openssl rand -hex 32`); seals every key in the database. Left out in development: made once in the data folder.'
    })
  ),
  previousMasterKeys: Type.Array(secretSchema({ description: 'A master key of before.' }), {
    default: [],
    description: 'Master keys of before, while what they sealed is sealed anew.'
  }),
  restoreEpoch: Type.Optional(
    Type.Integer({
      minimum: 1,
      description:
        'Raised by one, for every server, when a backup of the database was restored (`mintmark restore`). Left out: 1; in development the data folder remembers it.'
    })
  ),
  keys: keySchema,
  trustedProxies: Type.Array(Type.String({ minLength: 1 }), {
    default: [],
    description:
      'Addresses or CIDR ranges of proxies whose `X-Forwarded-For` is believed. Empty: nobody’s.'
  }),
  tls: tlsSchema,
  clientCertificates: clientCertificatesSchema,
  outbound: outboundSchema,
  accessTokens: closedObject(
    {
      lifetime: tokenLifetime('10m'),
      algorithm: Type.Enum(accessTokenAlgorithms, { default: 'ES256', description: 'Signature.' })
    },
    { default: {} }
  ),
  statusLists: closedObject(
    {
      ttl: durationSchema({
        description: 'How long an API may go by its copy of a status list before it asks again.',
        default: '30s',
        minimum: '1s',
        maximum: '10m'
      }),
      lifetime: durationSchema({
        description:
          'How long a copy counts when the server cannot be asked; then the API refuses tokens. At least three times `statusLists.ttl`.',
        default: '5m',
        minimum: '3s',
        maximum: '1h'
      })
    },
    { default: {} }
  ),
  idTokens: closedObject(
    {
      lifetime: durationSchema({
        description: 'How long an ID token is good for.',
        default: '1h',
        minimum: '10s',
        maximum: '1d'
      }),
      algorithm: Type.Enum(['RS256', 'ES256', 'EdDSA'], {
        default: 'RS256',
        description: 'Signature, unless a client asks for another.'
      })
    },
    { default: {} }
  ),
  refreshTokens: closedObject(
    {
      leeway: durationSchema({
        description: 'How long a spent token still answers with the same successor.',
        default: '30s',
        minimum: '0s',
        maximum: '60s'
      }),
      publicLeeway: durationSchema({
        description: 'The same for public clients whose tokens are bound to nothing.',
        default: '15s',
        minimum: '0s',
        maximum: '60s'
      }),
      idle: durationSchema({
        description: 'Ends a family that nobody used.',
        default: '30d',
        minimum: '1m',
        maximum: '365d'
      }),
      absolute: durationSchema({
        description: 'Ends a family, used or not.',
        default: '90d',
        minimum: '1m',
        maximum: '365d'
      })
    },
    { default: {} }
  ),
  authorizationCodes: closedObject(
    {
      // RFC 6749 §4.1.2: "A maximum authorization code lifetime of 10 minutes is RECOMMENDED."
      lifetime: durationSchema({
        description: 'How long a code may be exchanged.',
        default: '60s',
        minimum: '5s',
        maximum: '10m'
      })
    },
    { default: {} }
  ),
  deviceCodes: closedObject(
    {
      enabled: Type.Boolean({
        default: true,
        description:
          'Devices without a browser get tokens by a code that a person enters elsewhere (RFC 8628). Where no device needs it, off: it is what code phishing lives on (RFC 10027).'
      }),
      lifetime: durationSchema({
        description: 'How long a person may take to enter the code.',
        default: '10m',
        minimum: '1m',
        maximum: '1h'
      }),
      interval: durationSchema({
        description: 'How long a device waits between two polls.',
        default: '5s',
        minimum: '1s',
        maximum: '60s'
      })
    },
    { default: {} }
  ),
  ciba: cibaSchema,
  sessions: closedObject(
    {
      idle: durationSchema({
        description: 'Ends a session that nobody used.',
        default: '14d',
        minimum: '1m',
        maximum: '365d'
      }),
      absolute: durationSchema({
        description: 'Ends a session, used or not.',
        default: '30d',
        minimum: '1m',
        maximum: '365d'
      })
    },
    { default: {} }
  ),
  interactions: closedObject(
    {
      lifetime: durationSchema({
        description: 'How long a person may take to sign in and consent.',
        default: '1h',
        minimum: '1m',
        maximum: '1d'
      })
    },
    { default: {} }
  ),
  acr: acrSchema,
  secondFactor: Type.Enum(['optional', 'required'], {
    default: 'optional',
    description:
      'Whether everybody signs in with more than one factor; who has none sets one up at the next sign-in. `optional`: who has one is asked for it. A client can ask for it alone by `require_second_factor`.'
  }),
  dpop: closedObject(
    {
      nonce: Type.Enum(['optional', 'required'], {
        default: 'optional',
        description:
          'Whether every DPoP proof must carry a nonce of this server (RFC 9449 §8), so that none can be made ahead; at userinfo (§9), too. A client can ask for it alone by `dpop_nonce`.'
      })
    },
    { default: {} }
  ),
  registration: registrationSchema,
  clientMetadataDocuments: clientDocumentSchema,
  grantManagement: grantManagementSchema,
  limits: limitsSchema,
  audit: auditSchema,
  metrics: metricsSchema,
  pkce: closedObject(
    {
      exemptClient: Type.Optional(
        Type.String({
          minLength: 1,
          description: 'The one confidential client that may leave out PKCE; the log says so.'
        })
      )
    },
    { default: {} }
  ),
  conformance: conformanceSchema,
  resources: Type.Array(resourceSchema, {
    default: [],
    description: 'The APIs that access tokens are made for.'
  }),
  authorizationDetails: Type.Array(authorizationDetailsSchema, {
    default: [],
    description:
      'Types of authorization details (RFC 9396): access to an API that scopes are too coarse for. What is not declared is refused.'
  }),
  trustedIssuers: Type.Array(trustedIssuerSchema, {
    default: [],
    description:
      'Issuers whose tokens may authenticate clients that name them in `workload_identity`.'
  }),
  upstreams: Type.Array(upstreamSchema, {
    default: [],
    maxItems: 40,
    description: 'Where else people may sign in: OpenID providers and known services.'
  }),
  clients: Type.Array(clientSchema, {
    default: [],
    description: 'Clients declared here are owned here: one that is removed is disabled.'
  }),
  clientsRevision: Type.Optional(
    Type.Integer({
      minimum: 1,
      description:
        'Raised with each change of `clients`, so that a process with an older file writes nothing. Left out: when the file was changed last.'
    })
  ),
  accounts: Type.Array(accountSchema, {
    default: [],
    description: 'Accounts of development mode, and of conformance mode.'
  }),
  accountDeletion: accountDeletionSchema,
  mail: mailSchema,
  signUp: signUpSchema,
  passwords: passwordSchema,
  product: productSchema,
  log: closedObject(
    {
      level: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
        default: 'info',
        description: 'How much is logged.'
      })
    },
    { default: {} }
  )
})

/** What the file and the variables say, with defaults, before durations, secrets and paths are read. */
export type WrittenConfig = Static<typeof configSchema>
type WrittenResource = Static<typeof resourceSchema>

/** An API that access tokens are made for (RFC 8707). */
export interface Resource extends Omit<Seconds<WrittenResource>, 'accessTokens'> {
  /** complete: what the resource leaves open comes from `Config.accessTokens` */
  accessTokens: {
    lifetimeSeconds: number
    algorithm: WrittenConfig['accessTokens']['algorithm']
    typ: 'at+jwt' | 'JWT'
  }
}

type Derived = 'mode' | 'issuer' | 'port' | 'dataFolder' | 'masterKey' | 'previousMasterKeys'

/**
 * The configuration as every part gets it: checked, frozen, secrets and paths resolved, durations in seconds.
 * Secrets in it are values: hand on the members that a part needs, never the whole.
 */
export interface Config extends Omit<Seconds<WrittenConfig>, Derived | 'resources'> {
  mode: 'development' | 'production'
  /** undefined only in development: the port decides then, `http://localhost:<port>` */
  issuer: string | undefined
  /** undefined only in development: the remembered one, else 3000 or the next free one */
  port: number | undefined
  /** absolute */
  dataFolder: string
  /** 32 bytes; undefined only in development: made once in the data folder */
  masterKey?: Buffer
  previousMasterKeys: Buffer[]
  resources: Resource[]
  /** the file that was read; undefined when there was none */
  file: string | undefined
}

export type { Duration }
