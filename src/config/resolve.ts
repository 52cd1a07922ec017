// Turns what was written into what is meant: durations into seconds, secrets into their values, paths into absolute ones.
// Owns the bounds of durations, and that a printed configuration shows no secret. Frozen through and through at the end.

import { dirname, resolve as resolvePath } from 'node:path'
import { inspect } from 'node:util'
import type { Problem } from './configuration-error.ts'
import type { SchemaNode } from './keys.ts'
import type { Environment } from './variables.ts'
import { parseDuration } from './vocabulary.ts'

export interface ResolveContext {
  env: Environment
  cwd: string
  /** absolute; undefined when there is none */
  configFile: string | undefined
  /** keys that variables gave: their relative files start at the working directory */
  fromVariables: ReadonlySet<string>
  /** @throws whatever reading threw */
  readFile: (path: string) => string
  /** told, not thrown: all problems are reported at once */
  problems: Problem[]
  /** where each entry of a list stood, so that later problems can name it */
  places: WeakMap<object, string>
}

function folder(path: string, context: ResolveContext): string {
  const outer = path.replace(/\[.*$/, '')
  const isVariable = context.fromVariables.has(outer)
  return isVariable || context.configFile === undefined ? context.cwd : dirname(context.configFile)
}

function secret(written: string, path: string, context: ResolveContext): string | undefined {
  const [, kind, name] = /^(env|file):(.*)$/s.exec(written) ?? []
  if (kind === undefined || name === undefined) return written
  if (kind === 'env') {
    const value = context.env[name]
    if (value !== undefined && value !== '') return value
    context.problems.push({
      path,
      problem: `is taken from the variable ${name}, which is not set`,
      fix: `Set ${name}, or give the key another value.`
    })
    return undefined
  }
  const file = resolvePath(folder(path, context), name)
  try {
    const value = context.readFile(file).replace(/\r?\n$/, '')
    if (value !== '') return value
    context.problems.push({
      path,
      problem: `is taken from the file ${file}, which is empty`,
      fix: 'Write the secret into the file, or name another one.'
    })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${error.code})` : ''
    context.problems.push({
      path,
      problem: `is taken from the file ${file}, which cannot be read${code}`,
      fix: 'Make the file readable for the user that the server runs as, or name another one.'
    })
  }
  return undefined
}

function seconds(written: string, path: string, node: SchemaNode, context: ResolveContext) {
  const { minimum, maximum } = node.duration ?? { minimum: '0s', maximum: '365d' }
  const value = parseDuration(written)
  const [least, most] = [parseDuration(minimum), parseDuration(maximum)]
  if (value === undefined || least === undefined || most === undefined) return undefined
  if (value >= least && value <= most) return value
  context.problems.push({
    path,
    problem: `must be between ${minimum} and ${maximum}`,
    fix: `${node.description ?? ''} The default is ${node.default ?? 'that of all others'}.`.trim()
  })
  return Math.min(Math.max(value, least), most)
}

function resolveMember(
  node: SchemaNode,
  value: unknown,
  path: string,
  context: ResolveContext
): unknown {
  if (typeof value === 'string') {
    if (node.duration !== undefined) return seconds(value, path, node, context)
    if (node.secret) return secret(value, path, context)
    if (node.path) return resolvePath(folder(path, context), value)
    return value
  }
  const { items } = node
  if (Array.isArray(value) && items !== undefined) {
    const entries: unknown[] = []
    // forEach passes over the holes of entries that were taken out
    value.forEach((entry, index) => {
      const place = `${path}[${index}]`
      const resolved = resolveMember(items, entry, place, context)
      if (typeof resolved === 'object' && resolved !== null) context.places.set(resolved, place)
      if (resolved !== undefined) entries.push(resolved)
    })
    return entries
  }
  if (typeof value === 'object' && value !== null && node.properties !== undefined) {
    return resolveObject(node.properties, value as Record<string, unknown>, path, context)
  }
  return value
}

function resolveObject(
  properties: Record<string, SchemaNode>,
  value: Record<string, unknown>,
  path: string,
  context: ResolveContext
): Record<string, unknown> {
  const object: Record<string, unknown> = {}
  const secrets: string[] = []
  for (const [name, node] of Object.entries(properties)) {
    if (value[name] === undefined) continue
    const member = resolveMember(node, value[name], path === '' ? name : `${path}.${name}`, context)
    if (node.secret || node.items?.secret) secrets.push(name)
    if (member !== undefined) object[node.duration === undefined ? name : `${name}Seconds`] = member
  }
  return hideSecrets(object, secrets)
}

/** Makes `console.log` and error reports show that a secret is there, and not which. */
export function hideSecrets<Value extends object>(
  object: Value,
  secrets: readonly string[]
): Value {
  if (secrets.length === 0) return object
  Object.defineProperty(object, inspect.custom, {
    enumerable: false,
    value: (_depth: number, options: object, show: typeof inspect) => {
      const shown = { ...object } as Record<string, unknown>
      for (const name of secrets) if (shown[name] !== undefined) shown[name] = '[secret]'
      return show(shown, options)
    }
  })
  return object
}

/** Reads durations, secrets and paths of a sound configuration; problems are told to the context. */
export function resolveWritten(
  node: SchemaNode,
  written: Record<string, unknown>,
  context: ResolveContext
): Record<string, unknown> {
  return resolveObject(node.properties ?? {}, written, '', context)
}

/** Freezes a value and all that it holds; bytes cannot be frozen, and are left. */
export function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  for (const member of Object.values(value)) deepFreeze(member)
  return Object.freeze(value)
}
