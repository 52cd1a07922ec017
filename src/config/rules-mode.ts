// Development and production: what an issuer may be, that development stays on loopback, and what production refuses.
// Each refusal names what to set. RFC 8414 §2 (issuer).

import { isIP } from 'node:net'
import { demoLogin, demoMachineClientId, demoWebClientId } from './demo-names.ts'
import type { Check } from './rule.ts'
import type { Config } from './schema.ts'

/** True for `localhost` and loopback addresses: nobody but this machine can reach them. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'))
}

function issuerUrl(config: Config): URL | undefined {
  if (config.issuer === undefined || !URL.canParse(config.issuer)) return undefined
  return new URL(config.issuer)
}

/** The first sentence that applies says what is wrong with an issuer. */
const issuerFaults: readonly [wrong: (written: string, url: URL) => boolean, problem: string][] = [
  [(_, url) => !/^https?:$/.test(url.protocol), 'must be an https URL'],
  [(_, url) => url.username !== '' || url.password !== '', 'must not hold a user name or password'],
  // RFC 8414 §2: "The authorization server's issuer identifier, which is a URL that uses the "https" scheme and has no query or
  // fragment components."
  [written => /[?#]/.test(written), 'must have neither query nor fragment'],
  [
    (written, url) => url.pathname === '/' && written.endsWith('/'),
    'must not end with a slash: everybody compares it character by character'
  ],
  [
    (_, url) => url.pathname !== '/',
    'must have no path: this server owns its origin, /.well-known included'
  ],
  [
    (written, url) => url.origin !== written,
    'must be written as browsers do: small letters, no default port, no spaces'
  ]
]

export const issuerIsAnOrigin: Check = config => {
  if (config.issuer === undefined) return []
  const url = issuerUrl(config)
  const written = config.issuer
  const fault =
    url === undefined
      ? 'must be a URL'
      : issuerFaults.find(([isWrong]) => isWrong(written, url))?.[1]
  if (fault === undefined) return []
  const fix =
    'Give the origin alone, as in https://id.example.com (or, in development, http://localhost:3000).'
  return [{ path: 'issuer', problem: fault, fix }]
}

export const modeFitsIssuer: Check = config => {
  if (config.mode !== 'development' || issuerUrl(config)?.protocol !== 'https:') return []
  return [
    {
      path: 'mode',
      problem: 'cannot be development with an https issuer',
      fix: 'Set MINTMARK_MODE=production or leave it out; or leave out the issuer.'
    }
  ]
}

const leaveDevelopment =
  'set MINTMARK_MODE=production and what it asks for (`mintmark doctor` lists it)'

export const developmentIsLoopback: Check = config => {
  const url = issuerUrl(config)
  const isForeign = url?.protocol === 'http:' && !isLoopback(url.hostname)
  return [
    ...(isLoopback(config.host)
      ? []
      : [
          {
            path: 'host',
            problem: 'is not loopback, and development mode exists only there',
            fix: `Use 127.0.0.1, or ${leaveDevelopment}.`
          }
        ]),
    ...(isForeign
      ? [
          {
            path: 'issuer',
            problem: 'is not loopback, and development mode exists only there',
            fix: `Use http://localhost:<port>, or ${leaveDevelopment}.`
          }
        ]
      : [])
  ]
}

export const productionIssuer: Check = config => {
  if (config.issuer === undefined) {
    return [
      {
        path: 'issuer',
        problem: 'is missing, and production cannot guess it',
        fix: 'Set MINTMARK_ISSUER to the https origin under which people reach this server, as in https://id.example.com.'
      }
    ]
  }
  // http://localhost too: passwords and codes would travel in the open as soon as anything stands in between
  if (issuerUrl(config)?.protocol !== 'http:') return []
  return [
    {
      path: 'issuer',
      problem: 'must be https in production, on localhost too',
      fix: 'Set MINTMARK_ISSUER to an https origin; TLS may end at a proxy in front of this server.'
    }
  ]
}

export const productionMasterKey: Check = config =>
  config.masterKey !== undefined
    ? []
    : [
        {
          path: 'masterKey',
          variable: 'MINTMARK_MASTER_KEY or MINTMARK_MASTER_KEY_FILE',
          problem: 'is missing, and production takes no generated one',
          fix: 'Make one with `openssl rand -hex 32`, keep it outside the database and its backups, and set MINTMARK_MASTER_KEY_FILE to its file.'
        }
      ]

export const productionDatabase: Check = config =>
  config.database.url !== undefined || config.database.embedded
    ? []
    : [
        {
          path: 'database.url',
          problem: 'is missing, and production uses the embedded database only if told so',
          fix: 'Set DATABASE_URL to a PostgreSQL 15 or later; or, to run the embedded one on purpose, MINTMARK_DATABASE__EMBEDDED=true.'
        }
      ]

export const productionClients: Check = (config, place) =>
  config.clients
    .filter(client => client.client_id.startsWith('demo-'))
    .map(client => ({
      path: `${place(client)}.client_id`,
      problem: 'starts with demo-, and demo clients have no place in production',
      fix: 'Remove the client, or give it an id of its own.'
    }))

/** A development start makes these itself, and gives them back what they should be at each start. */
export const demoNamesAreTaken: Check = (config, place) => [
  ...config.clients
    .filter(client => [demoWebClientId, demoMachineClientId].includes(client.client_id))
    .map(client => ({
      path: `${place(client)}.client_id`,
      problem: 'is the id of a demo client, which development mode makes by itself',
      fix: 'Give the client another id.'
    })),
  ...config.accounts
    .filter(account => account.login.trim().toLowerCase() === demoLogin)
    .map(account => ({
      path: `${place(account)}.login`,
      problem: 'is the login of the demo account, which development mode makes by itself',
      fix: 'Give the account another login.'
    }))
]

export const productionAccounts: Check = config =>
  // those of a conformance run are nobody's
  config.accounts.length === 0 || config.conformance.enabled
    ? []
    : [
        {
          path: 'accounts',
          problem: 'must be empty in production: the file would hold passwords of people',
          fix: 'Remove the list; create accounts with `mintmark accounts create`.'
        }
      ]
