// Reads the environment's variables over what the file says. Owns which variables there are, and refuses those that nobody reads:
// a misspelt name must not silently leave a default in force.

import type { Problem } from './configuration-error.ts'
import { type ConfigKey, configKeys, nearest } from './keys.ts'

/** The environment, handed in: `process.env` is read in load.ts only. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Variables that are not a key by themselves. */
export const otherVariables: Readonly<Record<string, string>> = {
  MINTMARK_CONFIG:
    'The configuration file. Default: `config/mintmark.json` if it exists, else in development `config/development.json` if it exists.',
  MINTMARK_MASTER_KEY_FILE: 'The same as `masterKey` with `file:` and this path.'
}

/**
 * Variables that are there without anybody having meant us: what `mintmark status -o env` prints for scripts, and what Kubernetes
 * sets in every container of a namespace with a Service named mintmark (MINTMARK_PORT=tcp://… among them).
 */
const notMeantForUs = [
  /^MINTMARK_DEMO_/,
  /^MINTMARK_SERVICE_(HOST|PORT)(_|$)/,
  /^MINTMARK_PORT_\d+_(TCP|UDP|SCTP)(_|$)/
]

function isServiceLink(name: string, value: string): boolean {
  return name === 'MINTMARK_PORT' && /^(tcp|udp|sctp):\/\//.test(value)
}

/** What a variable holds; an empty one counts as not set, as compose files leave them. */
export function readVariable(env: Environment, name: string): string | undefined {
  const value = env[name]
  return value === undefined || value === '' || isServiceLink(name, value) ? undefined : value
}

type Given = { name: string; value: string }

function given(key: ConfigKey, env: Environment): Given[] {
  const names = [...key.aliases, key.variable]
  const found = names.flatMap(name => {
    const value = readVariable(env, name)
    return value === undefined ? [] : [{ name, value }]
  })
  const file = key.path === 'masterKey' ? readVariable(env, 'MINTMARK_MASTER_KEY_FILE') : undefined
  if (file === undefined) return found
  return [...found, { name: 'MINTMARK_MASTER_KEY_FILE', value: `file:${file}` }]
}

/** The text of a variable as the schema's kind of value; what does not fit stays text, and the schema refuses it. */
function convert(key: ConfigKey, { name, value }: Given, problems: Problem[]): unknown {
  switch (key.schema.type) {
    case 'integer':
      return /^\d{1,9}$/.test(value) ? Number(value) : value
    case 'boolean':
      return value === 'true' ? true : value === 'false' ? false : value
    case 'array':
    case 'object':
      try {
        return JSON.parse(value)
      } catch {
        // the parser's own message would quote the value
        const example = key.schema.type === 'array' ? '[…]' : '{…}'
        problems.push({
          path: key.path,
          variable: name,
          problem: 'is not valid JSON',
          fix: `Give ${name} a JSON value, as in ${name}='${example}'.`
        })
        return undefined
      }
    default:
      return value
  }
}

function assign(target: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.split('.')
  const last = names.pop() as string
  let group = target
  for (const name of names) {
    group[name] ??= {}
    const next = group[name]
    // the file has something else in place of the group: the schema will say so
    if (typeof next !== 'object' || next === null || Array.isArray(next)) return
    group = next as Record<string, unknown>
  }
  group[last] = value
}

/**
 * Puts the variables over `target` (which is changed).
 * Answers the paths that variables gave, since relative files in them start at the working directory.
 */
export function overlayVariables(
  target: Record<string, unknown>,
  env: Environment,
  problems: Problem[]
): Set<string> {
  const fromVariables = new Set<string>()
  for (const key of configKeys) {
    const [first, ...others] = given(key, env)
    if (first === undefined) continue
    const contradicting = others.filter(other => other.value !== first.value)
    if (contradicting.length > 0) {
      const names = [first, ...contradicting].map(({ name }) => name)
      problems.push({
        path: key.path,
        variable: first.name,
        problem: `is given by ${names.join(' and ')}, and they differ`,
        fix: `Set only ${first.name}.`
      })
    }
    const value = convert(key, first, problems)
    if (value === undefined) continue
    fromVariables.add(key.path)
    assign(target, key.path, value)
  }
  return fromVariables
}

function tail(name: string): string {
  return name.replace(/^MINTMARK_/, '')
}

/** Variables that start with MINTMARK_ and that nobody reads. */
export function unknownVariables(env: Environment): Problem[] {
  const known = [
    ...configKeys.flatMap(({ variable, aliases }) => [variable, ...aliases]),
    ...Object.keys(otherVariables)
  ]
  return Object.keys(env)
    .filter(name => name.startsWith('MINTMARK_') && env[name] !== undefined)
    .filter(name => !known.includes(name) && !notMeantForUs.some(pattern => pattern.test(name)))
    .map(name => {
      // without the prefix that all share, or every name would seem close to every other
      const meant = nearest(tail(name), known.map(tail))
      const candidate = known.find(other => tail(other) === meant)
      return {
        path: name,
        problem: 'is not a variable of mintmark',
        fix:
          candidate === undefined
            ? 'Unset it; config/reference.md lists all variables.'
            : `Did you mean ${candidate}? Else unset it.`
      }
    })
}
