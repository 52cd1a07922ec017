// How clients are read from options and files, and written for people, scripts and shells, on the command line.
// Secrets are written where they were made and nowhere else: a stored client has none to show.

import { readFile } from 'node:fs/promises'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { RegisteredClient } from '../clients/client.ts'
import { profiles } from '../clients/profile.ts'
import type { ClientRegistry } from '../clients/registry.ts'
import type { StoredSecret } from '../store/clients.ts'

export type Format = 'text' | 'json' | 'env'

/** The options that make metadata, as commander names them. */
export interface MetadataOptions {
  name?: string
  redirectUri?: string[]
  postLogoutRedirectUri?: string[]
  scope?: string
  defaultResource?: string
  authMethod?: string
  jwksUri?: string
  jwksFile?: string
  workloadIssuer?: string
  workloadSubject?: string
  firstParty?: boolean
  refreshTokens?: string
  profile?: string
  metadata?: string
}

export function formatOption(...choices: Format[]): Option {
  return new Option('-o, --output <format>', 'how to print it').choices(choices).default('text')
}

/** Adds the options that make metadata. */
export function withMetadataOptions(command: Command): Command {
  return command
    .option('--name <name>', 'shown to people')
    .option('--redirect-uri <url>', 'where authorization responses may go; repeatable', collect)
    .option(
      '--post-logout-redirect-uri <url>',
      'where a sign-out may return to; repeatable',
      collect
    )
    .option('--scope <scopes>', 'what it may ask for at most, separated by blanks')
    .option('--default-resource <identifier>', 'audience when a request names no resource')
    .addOption(new Option('--resource <identifier>', 'the same as --default-resource').hideHelp())
    .option(
      '--auth-method <method>',
      'how it authenticates: client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, tls_client_auth, self_signed_tls_client_auth or none'
    )
    .option('--jwks-uri <url>', 'where its public keys are')
    .option('--jwks-file <file>', 'its public keys (JWKS)')
    .option(
      '--workload-issuer <issuer>',
      'a trusted issuer (trustedIssuers) whose tokens authenticate it in place of keys and secrets'
    )
    .option(
      '--workload-subject <subject>',
      "the `sub` of those tokens; a '*' at its end, after / or :, stands for anything"
    )
    .option('--first-party', 'run by the operator: people are not asked for consent')
    .option('--no-first-party', 'people are asked for consent')
    .addOption(
      new Option('--refresh-tokens <when>', 'when refresh tokens are issued').choices([
        'offline_access',
        'always'
      ])
    )
    .addOption(
      new Option(
        '--profile <profile>',
        'hold it to FAPI 2.0; what the profile refuses is refused'
      ).choices(profiles)
    )
    .option('--metadata <file>', 'further members (RFC 7591 §2) as a JSON object')
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value]
}

/**
 * The members that options and files give; an option wins over the file. One way to give keys takes the other's place.
 * @throws the error of `fail` for a file that cannot be read
 */
export async function readMetadata(
  options: MetadataOptions & { resource?: string },
  fail: (sentence: string) => never
): Promise<Record<string, unknown>> {
  const file = options.metadata === undefined ? {} : await readJsonObject(options.metadata, fail)
  const jwks =
    options.jwksFile === undefined ? undefined : await readJsonObject(options.jwksFile, fail)
  const { workloadIssuer: issuer, workloadSubject: subject } = options
  if ((issuer === undefined) !== (subject === undefined)) {
    fail('Give --workload-issuer and --workload-subject together.')
  }
  const given = {
    workload_identity: issuer === undefined ? undefined : [{ issuer, subject }],
    client_name: options.name,
    redirect_uris: options.redirectUri,
    post_logout_redirect_uris: options.postLogoutRedirectUri,
    scope: options.scope,
    default_resource: options.defaultResource ?? options.resource,
    token_endpoint_auth_method: options.authMethod,
    jwks: options.jwksUri === undefined ? jwks : (jwks ?? null),
    jwks_uri: jwks === undefined ? options.jwksUri : (options.jwksUri ?? null),
    first_party: options.firstParty,
    refresh_tokens: options.refreshTokens,
    profile: options.profile
  }
  const present = Object.entries(given).filter(([, value]) => value !== undefined)
  return { ...file, ...Object.fromEntries(present) }
}

async function readJsonObject(
  file: string,
  fail: (sentence: string) => never
): Promise<Record<string, unknown>> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : 'unknown error'
    return fail(`The file ${file} cannot be read (${code}).`)
  }
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>
    }
  } catch {
    // the parser's message quotes the text, which may hold a key
  }
  return fail(`The file ${file} must hold one JSON object.`)
}

const unitSeconds: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** Seconds of `24h`, `30m`, `7d`, `0s`. */
export function parseOverlap(written: string): number {
  const [, count, unit = ''] = /^([0-9]{1,6})([smhd])$/.exec(written) ?? []
  const seconds = Number(count) * (unitSeconds[unit] ?? Number.NaN)
  if (!(seconds <= 7 * 86_400)) {
    throw new InvalidArgumentError('Write a number and s, m, h or d, as in 24h; 7d at most.')
  }
  return seconds
}

/** A value that every POSIX shell reads as itself. */
export function shellQuoted(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`
}

/** The client for a script, wire names. */
export function describeClient(client: RegisteredClient, secret?: string): object {
  return {
    client_id: client.clientId,
    ...(secret === undefined ? {} : { client_secret: secret }),
    type: client.type,
    owner: client.owner,
    disabled: client.disabledAt !== undefined,
    ...client.metadata
  }
}

/** The client for people: a line for each member. */
export function clientLines(client: RegisteredClient, secret?: string): string[] {
  const lines = Object.entries(describeClient(client, secret)).flatMap(([member, value]) => {
    const entries: unknown[] = Array.isArray(value) ? value : [value]
    return entries.map(entry => [
      member,
      typeof entry === 'object' ? JSON.stringify(entry) : String(entry)
    ])
  })
  return aligned(lines)
}

/** Secrets as far as they can be shown. */
export function secretLines(secrets: readonly StoredSecret[]): string[] {
  return secrets.map(({ createdAt, expiresAt, lastUsedAt }) => {
    const made = `secret made ${createdAt.toISOString()}`
    const end =
      expiresAt === undefined ? 'does not expire' : `valid until ${expiresAt.toISOString()}`
    const used = lastUsedAt === undefined ? 'not used yet' : `last used ${lastUsedAt.toISOString()}`
    return `${made}, ${end}, ${used}`
  })
}

/** Columns of equal width; the last one is as long as it is. */
export function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map(row => row[column]?.length ?? 0))
  )
  return rows.map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  )
}

/** All clients, page by page. */
export async function listAll(registry: Pick<ClientRegistry, 'list'>): Promise<RegisteredClient[]> {
  const limit = 500
  const all: RegisteredClient[] = []
  for (;;) {
    const after = all.at(-1)?.clientId
    const page = await registry.list({ limit, ...(after === undefined ? {} : { after }) })
    all.push(...page)
    if (page.length < limit) return all
  }
}
