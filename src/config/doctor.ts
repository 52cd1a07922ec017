// What a configuration lacks for production, and what it allows though it should not: pure, from the configuration alone.
// The rules that production refuses are problems, whatever mode runs now; what it merely regrets are warnings. Shows no values.

import { mailServerOf, noMail } from './mail-route.ts'
import { checkRules, rules } from './rules.ts'
import { isLoopback } from './rules-mode.ts'
import type { Config } from './schema.ts'
import { type Environment, readVariable } from './variables.ts'

export type Status = 'ok' | 'warning' | 'problem'

/** One line of `mintmark doctor`. */
export interface CheckResult {
  name: string
  status: Status
  detail: string
  /** what to do */
  fix?: string
}

interface Warning {
  name: string
  applies: (config: Config, env: Environment) => boolean
  detail: string
  fix: string
}

function issuerPort(config: Config): number | undefined {
  if (config.issuer === undefined || !URL.canParse(config.issuer)) return undefined
  const { protocol, port } = new URL(config.issuer)
  return Number(port || (protocol === 'https:' ? 443 : 80))
}

const warnings: readonly Warning[] = [
  {
    name: 'master key',
    applies: (_, env) => {
      const value = readVariable(env, 'MINTMARK_MASTER_KEY')
      return value !== undefined && !/^(env|file):/.test(value)
    },
    detail: 'the key itself is in the environment, where child processes and crash reports see it',
    fix: 'Set MINTMARK_MASTER_KEY_FILE to a file that only the server may read.'
  },
  {
    name: 'proxies',
    applies: ({ issuer, trustedProxies, tls }) =>
      issuer?.startsWith('https:') === true &&
      trustedProxies.length === 0 &&
      tls.certificate === undefined,
    detail: 'no proxy is trusted, so every request seems to come from the one that ends TLS',
    fix: 'Set MINTMARK_TRUSTED_PROXIES to its address, as in ["10.0.0.5"].'
  },
  {
    name: 'address',
    applies: config =>
      config.mode === 'development' &&
      config.issuer !== undefined &&
      config.port !== undefined &&
      issuerPort(config) !== config.port,
    detail: 'the issuer names another port than the one the server listens on',
    fix: 'Set MINTMARK_PORT to the port of the issuer, unless something forwards it.'
  },
  {
    name: 'address',
    applies: ({ host, trustedProxies, tls }) =>
      !isLoopback(host) && trustedProxies.length === 0 && tls.certificate === undefined,
    detail: 'the server listens beyond this machine, without TLS and without a proxy that it knows',
    fix: 'Put it behind a proxy that ends TLS, and name that in MINTMARK_TRUSTED_PROXIES.'
  },
  {
    name: 'registration',
    applies: ({ registration }) => registration.enabled,
    detail: 'clients may register themselves',
    fix: 'Unset MINTMARK_REGISTRATION__ENABLED if nobody needs it.'
  },
  {
    name: 'PKCE',
    applies: ({ pkce }) => pkce.exemptClient !== undefined,
    detail: 'one client may leave out PKCE, unless it is public',
    fix: 'Unset MINTMARK_PKCE__EXEMPT_CLIENT as soon as that client can do it.'
  },
  {
    name: 'conformance',
    applies: ({ conformance }) => conformance.enabled,
    detail: 'conformance mode relaxes what clients may do',
    fix: 'Unset MINTMARK_CONFORMANCE__ENABLED where people sign in.'
  },
  {
    name: 'mail',
    applies: config => mailServerOf(config) === undefined,
    detail: noMail,
    fix: 'Set MINTMARK_MAIL__SMTP__URL and MINTMARK_MAIL__FROM.'
  },
  {
    name: 'log',
    applies: ({ log }) => log.level === 'silent' || log.level === 'fatal',
    detail: 'the log leaves out errors',
    fix: 'Set MINTMARK_LOG__LEVEL=info.'
  }
]

const details: Readonly<Record<string, (config: Config) => string>> = {
  issuer: ({ issuer }) => issuer ?? '',
  database: ({ database }) =>
    database.embedded ? 'embedded, on purpose' : 'a PostgreSQL of your own',
  'master key': () => 'given',
  keys: ({ keys }) => `a new one every ${keys.rotationIntervalSeconds / 86_400} d`,
  address: ({ host, port }) => `${host}${port === undefined ? '' : `, port ${port}`}`,
  proxies: ({ trustedProxies }) => `${trustedProxies.length} trusted`,
  TLS: ({ tls }) =>
    tls.certificate === undefined ? 'ends at a proxy' : 'ends here, from version 1.2 on',
  'client certificates': ({ clientCertificates: { from, authorities } }) => {
    if (from === undefined) return 'none are asked for'
    const known = authorities === undefined ? 'self-signed ones' : 'of authorities, or self-signed'
    return `${known}, ${from === 'tls' ? 'on connections to this server' : 'from a proxy'}`
  },
  outbound: ({ outbound }) =>
    outbound.allowed.length === 0
      ? 'public addresses only'
      : `public addresses, and ${outbound.allowed.length} named ones`,
  'token lifetimes': ({ accessTokens, refreshTokens }) =>
    `access ${accessTokens.lifetimeSeconds} s, refresh leeway ${refreshTokens.leewaySeconds} s`,
  'session lifetimes': ({ sessions }) => `idle ${sessions.idleSeconds / 3600} h`,
  'client secrets': () => 'as random as ours, or ours',
  acr: ({ acr }) => `${acr.length} ${acr.length === 1 ? 'level' : 'levels'}`,
  PKCE: () => 'required of every client',
  conformance: () => 'off',
  registration: () => 'off',
  mail: () => 'by SMTP',
  log: ({ log }) => log.level,
  pages: ({ product }) => product.name,
  resources: ({ resources }) => `${resources.length} declared`,
  'trusted issuers': ({ trustedIssuers }) => `${trustedIssuers.length} trusted`,
  clients: ({ clients }) => `${clients.length} declared`,
  accounts: ({ accounts }) =>
    accounts.length === 0 ? 'none in the file' : `${accounts.length} of the conformance run`
}

/**
 * The configuration as production sees it: one line per topic that is well, and one per problem and warning.
 * `env` only tells how a secret was handed over.
 */
export function checks(config: Config, env: Environment): CheckResult[] {
  const broken = checkRules(config, { mode: 'production' })
  const warned = warnings.filter(({ applies }) => applies(config, env))
  const topics = rules.filter(({ mode }) => mode !== 'development').map(({ topic }) => topic)
  const names = [...new Set([...topics, ...warnings.map(({ name }) => name)])]
  return names.flatMap(name => {
    const results: CheckResult[] = [
      ...broken
        .filter(({ topic }) => topic === name)
        .map(({ path, problem, fix }) => ({
          name,
          status: 'problem' as const,
          detail: `${path} ${problem}`,
          fix
        })),
      ...warned
        .filter(warning => warning.name === name)
        .map(({ detail, fix }) => ({ name, status: 'warning' as const, detail, fix }))
    ]
    if (results.length > 0) return results
    return [{ name, status: 'ok' as const, detail: details[name]?.(config) ?? '' }]
  })
}
