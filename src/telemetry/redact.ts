// Keeps secrets out of log lines: by the name of a member, at any depth, and by the look of a value, wherever it stands.
// It is the last net, not the first: whoever logs chooses what to log. Also keeps a line one line for every reader.

import { loggedPath } from './serializers.ts'

const replacement = '[redacted]'
const textLimit = 2_000
const depthLimit = 6
const itemLimit = 100

// Wire names of everything that opens something, and the containers that carry them. Compared without case, `-` and `_`.
const secretMembers = [
  'authorization',
  'proxyAuthorization',
  'cookie',
  'cookies',
  'setCookie',
  'dpop',
  'body',
  'rawBody',
  'payload',
  'query',
  'queryString',
  'search',
  'params',
  'password',
  'currentPassword',
  'newPassword',
  'passphrase',
  'secret',
  'clientSecret',
  'token',
  'accessToken',
  'refreshToken',
  'idToken',
  'idTokenHint',
  'logoutToken',
  'registrationAccessToken',
  'initialAccessToken',
  'code',
  'deviceCode',
  'userCode',
  'codeVerifier',
  'codeChallenge',
  'state',
  'nonce',
  'assertion',
  'clientAssertion',
  'request',
  'requestUri',
  'csrf',
  'xsrf',
  'masterKey',
  'privateKey',
  'databaseUrl',
  'connectionString',
  'jwt',
  'session',
  'sessionId',
  'otp',
  'd',
  'k',
  'dp',
  'dq',
  'qi'
]

function plainName(name: string): string {
  return name.replace(/[-_]/g, '').toLowerCase()
}

const secretNames: ReadonlySet<string> = new Set(secretMembers.map(plainName))
/** Members with a serializer of their own, which runs after this. */
const serialized: ReadonlySet<string> = new Set(['req', 'res', 'err', 'error'])

function clean(value: unknown, depth: number): unknown {
  if (typeof value === 'string') {
    return value.length > textLimit ? `${value.slice(0, textLimit)}…` : value
  }
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return value
  if (value instanceof Error) return { type: value.name, message: clean(value.message, depth) }
  if (ArrayBuffer.isView(value)) return '[bytes]'
  if (depth >= depthLimit) return '[deep]'
  if (value instanceof Set) return clean([...value], depth)
  if (value instanceof Map) return clean(Object.fromEntries(value), depth)
  if (Array.isArray(value)) return value.slice(0, itemLimit).map(item => clean(item, depth + 1))
  const kept: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(value).slice(0, itemLimit)) {
    kept[name] = secretNames.has(plainName(name)) ? replacement : clean(member, depth + 1)
  }
  return kept
}

/** A copy of what is to be logged, without members whose name says that they are secret; long texts are cut, cycles end. */
export function dropSecretMembers(entry: Record<string, unknown>): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(entry)) {
    if (serialized.has(name)) kept[name] = value
    else kept[name] = secretNames.has(plainName(name)) ? replacement : clean(value, 0)
  }
  return kept
}

const parameters =
  'code|state|nonce|token|access_token|refresh_token|id_token|id_token_hint|logout_token|password|client_secret|client_assertion|' +
  'assertion|device_code|user_code|code_verifier|request_uri|request|csrf|xsrf|login_hint'

// A string member with a secret's name that came in as a binding of a child logger, where dropSecretMembers does not look.
const stringMember = /"([A-Za-z_-]{1,40})":"(?:[^"\\]|\\.)*"/g

// The same in JSON that was put into a text.
const quotedMember = /(\\{1,7})"([A-Za-z_-]{1,40})\1":\s?\1"[^"\\]*/g

// Fastify's own sentence about a path that it does not know quotes the whole target.
const missingRoute = /\bRoute ([A-Z]{1,20}):([^\s"\\]+)/g

// No pattern crosses a quote or a backslash, so that the line stays JSON; each begins at something rare, so that it stays linear.
const patterns: readonly (readonly [RegExp, string])[] = [
  [/(?:(?<![\w-])|(?<=\\[bfnrt]))eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*){1,3}/g, '[jwt]'],
  [
    /\b([Bb]earer|DPoP|dpop|[Bb]asic)\s+(?=[\w.~+/-]*[A-Z0-9=])[\w.~+/-]{8,}=*/g,
    `$1 ${replacement}`
  ],
  [new RegExp(`\\b(${parameters})=[^&\\s"\\\\]+`, 'g'), `$1=${replacement}`],
  // the same, percent-encoded into another parameter: up to the next encoded `&`
  [
    new RegExp(`(\\b|(?<=%[0-9A-Fa-f]{2}))(${parameters})%3[Dd](?:(?!%26)[^&\\s"\\\\])+`, 'g'),
    `$2%3D${replacement}`
  ],
  [/(__(?:Host|Secure)-[\w.-]{1,64})=[^;\s"\\]+/g, `$1=${replacement}`],
  [/\$(?:argon2(?:id|i|d)|scrypt|2[aby]|pbkdf2[\w-]*)\$[^\s"\\]+/g, '[password hash]'],
  [/:\/\/[^\s/"\\@:]*:[^\s/"\\@]+@/g, `://${replacement}@`],
  [/-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----(?:[^"\\-]|\\+[nr])*/g, '[private key]']
]

// JSON escapes what is below U+0020; terminals and log viewers also act on these (C1 controls, line separators, direction overrides).
const unsafe = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** A serialized line, without values that look like a secret and without characters that could end it or steer a terminal. */
export function scrubLine(line: string): string {
  let scrubbed = line
    .replace(stringMember, (member: string, name: string) =>
      secretNames.has(plainName(name)) ? `"${name}":"${replacement}"` : member
    )
    .replace(quotedMember, (member: string, slashes: string, name: string) =>
      secretNames.has(plainName(name))
        ? `${slashes}"${name}${slashes}":${slashes}"${replacement}`
        : member
    )
    .replace(
      missingRoute,
      (_, method: string, target: string) => `Route ${method}:${loggedPath(target)}`
    )
  for (const [pattern, put] of patterns) scrubbed = scrubbed.replace(pattern, put)
  return scrubbed.replace(unsafe, escapeUnit)
}
