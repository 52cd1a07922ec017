// Checks the shape of the configuration against the schema and says what is wrong in plain sentences, all of it at once.
// Answers what is left when the wrong parts are taken out, so that the rules can look at the rest in the same run.

import { Settings } from 'typebox/system'
import { Errors } from 'typebox/value'
import { type Problem, withVariable } from './configuration-error.ts'
import { configKeys, nearest, type SchemaNode, schemaAt, schemaNode } from './keys.ts'
import { configSchema, type WrittenConfig } from './schema.ts'

type ShapeError = ReturnType<typeof Errors>[number]

const root = schemaNode(configSchema)
const typeNames: Readonly<Record<string, string>> = {
  string: 'a text',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object'
}

/** All errors: left alone, the library stops at eight. */
function allErrors(value: unknown): ShapeError[] {
  const { maxErrors } = Settings.Get()
  Settings.Set({ maxErrors: 10_000 })
  try {
    return Errors(configSchema, value)
  } finally {
    Settings.Set({ maxErrors })
  }
}

/**
 * A copy with the schema's defaults. Our own, since the library's throws on a free name that the schema refuses.
 */
function fillDefaults(node: SchemaNode, value: unknown): unknown {
  const given = value === undefined ? structuredClone(node.default) : value
  if (Array.isArray(given)) {
    const { items } = node
    return items === undefined ? given : given.map(entry => fillDefaults(items, entry))
  }
  if (typeof given !== 'object' || given === null) return given
  const copy: Record<string, unknown> = { ...given }
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    const member = fillDefaults(child, copy[name])
    if (member !== undefined) copy[name] = member
  }
  return copy
}

function names(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map(name => name.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** `['clients', '0', 'type']` as people write it: `clients[0].type`. */
function writePath(parts: readonly string[]): string {
  let node: SchemaNode | undefined = root
  let path = ''
  for (const part of parts) {
    const isIndex = node?.items !== undefined
    // a free name (a scope, a language) may hold dots, so it stands in brackets
    const isFree = node?.patternProperties !== undefined
    if (isIndex) path += `[${part}]`
    else if (isFree) path += `["${part}"]`
    else path += path === '' ? part : `.${part}`
    node = node === undefined ? undefined : schemaAt(node, [part])
  }
  return path
}

function unknownKey(parts: readonly string[], name: string): Problem {
  const node = schemaAt(root, parts)
  const path = writePath([...parts, name])
  if (node?.patternProperties !== undefined) {
    return {
      path,
      problem: 'has a name that cannot stand here',
      fix: node.description ?? 'Names are languages, as in `en` or `ko-KR`.'
    }
  }
  const siblings = Object.keys(node?.properties ?? {})
  const elsewhere = configKeys.find(key => key.path.endsWith(`.${name}`))?.path
  const meant = nearest(name, siblings) ?? elsewhere
  return {
    path,
    problem: 'is not a known key',
    fix:
      meant === undefined
        ? 'Remove it; config/reference.md lists all keys.'
        : `Did you mean ${meant}? Else remove it.`
  }
}

function wrongValue(error: ShapeError, node: SchemaNode): string {
  const params = error.params as Record<string, unknown>
  if (node.duration !== undefined) return 'must be a duration such as 30s, 10m, 1h or 90d'
  switch (error.keyword) {
    case 'type':
      return `must be ${typeNames[String(params['type'])] ?? String(params['type'])}`
    case 'enum':
      return `must be one of ${(node.enum ?? []).join(', ')}`
    case 'minimum':
      return `must be at least ${params['limit']}`
    case 'maximum':
      return `must be at most ${params['limit']}`
    case 'minLength':
      return 'must not be empty'
    case 'maxLength':
      return `must have at most ${params['limit']} characters`
    default:
      return 'is not written as it must be'
  }
}

function explain(error: ShapeError): Problem[] {
  const parts = names(error.instancePath)
  // what the branches of a union and a refused member say is said again, better, by the union and by its object
  if (/\/(anyOf\/\d|additionalProperties$)/.test(error.schemaPath)) return []
  const params = error.params as Record<string, unknown>
  if (error.keyword === 'additionalProperties') {
    return (params['additionalProperties'] as string[]).map(name => unknownKey(parts, name))
  }
  if (error.keyword === 'required') {
    return (params['requiredProperties'] as string[]).map(name => ({
      path: writePath([...parts, name]),
      problem: 'is missing',
      fix: schemaAt(root, [...parts, name])?.description ?? 'Give it a value.'
    }))
  }
  const node = schemaAt(root, parts) ?? {}
  const fix = node.description ?? schemaAt(root, parts.slice(0, -1))?.description
  return [
    {
      path: writePath(parts),
      problem: wrongValue(error, node),
      fix: `Correct it in the file or by the variable${fix === undefined ? '; see config/reference.md.' : `: ${fix}`}`
    }
  ]
}

function remove(value: unknown, parts: readonly string[]): void {
  const holder = parts.slice(0, -1).reduce<unknown>((node, part) => {
    return typeof node === 'object' && node !== null
      ? (node as Record<string, unknown>)[part]
      : undefined
  }, value)
  const last = parts.at(-1)
  if (typeof holder !== 'object' || holder === null || last === undefined) return
  // a list keeps its length, so that later paths still name the right entry; the holes are taken out at the end
  delete (holder as Record<string, unknown>)[last]
}

/** Members that are wrong go; an object that lacks a required member goes as a whole. */
function prune(value: unknown, errors: readonly ShapeError[]): void {
  for (const error of errors) {
    const parts = names(error.instancePath)
    if (error.keyword === 'additionalProperties') {
      const { additionalProperties } = error.params as { additionalProperties: string[] }
      for (const name of additionalProperties) remove(value, [...parts, name])
    } else if (!/\/(anyOf\/\d|additionalProperties$)/.test(error.schemaPath)) {
      remove(value, parts)
    }
  }
}

/**
 * Checks `value` (which is changed) and fills in defaults.
 * Answers the problems, and the part of the configuration that is sound: lists have holes where an entry is not.
 */
export function checkShape(value: Record<string, unknown>): {
  problems: Problem[]
  sound: WrittenConfig
} {
  const withDefaults = () => fillDefaults(root, value)
  const problems = allErrors(withDefaults()).flatMap(explain)
  // taking out a member may leave an object without something that it needs, hence in rounds; no deeper than the schema
  for (let round = 0; round < 8; round++) {
    const errors = allErrors(withDefaults())
    if (errors.length === 0) break
    prune(value, errors)
  }
  return { problems: problems.map(withVariable), sound: withDefaults() as WrittenConfig }
}
