// Every key of the configuration, read off the schema: its path, the variable that sets it, its kind. Owns the naming rule
// `MINTMARK_` + path in capitals with `__` between levels, and finds the name that somebody probably meant.

import type { TSchema } from 'typebox'
import { configSchema } from './schema.ts'
import type { Annotations } from './vocabulary.ts'

/** A schema as it is walked: JSON Schema, and our annotations. */
export interface SchemaNode extends Annotations {
  type?: string
  enum?: readonly string[]
  pattern?: string
  minimum?: number
  maximum?: number
  properties?: Record<string, SchemaNode>
  patternProperties?: Record<string, SchemaNode>
  items?: SchemaNode
  anyOf?: readonly SchemaNode[]
  required?: readonly string[]
}

/** A key that a variable can set: a single value, a list, or an object with free names. */
export interface ConfigKey {
  /** as in `refreshTokens.leeway` */
  path: string
  /** as in `MINTMARK_REFRESH_TOKENS__LEEWAY` */
  variable: string
  /** further variables that mean the same, as in `DATABASE_URL` */
  aliases: readonly string[]
  schema: SchemaNode
}

/** The schema as plain nodes. */
export function schemaNode(schema: TSchema): SchemaNode {
  return schema as SchemaNode
}

/** The variable of a path: `refreshTokens.leeway` is `MINTMARK_REFRESH_TOKENS__LEEWAY`. */
export function variableName(path: string): string {
  const levels = path
    .split('.')
    .map(level => level.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase())
  return `MINTMARK_${levels.join('__')}`
}

function collect(node: SchemaNode, path: string): ConfigKey[] {
  if (node.properties !== undefined) {
    return Object.entries(node.properties).flatMap(([name, child]) =>
      collect(child, path === '' ? name : `${path}.${name}`)
    )
  }
  return [{ path, variable: variableName(path), aliases: node.variables ?? [], schema: node }]
}

/** All keys, in the order of the schema. */
export const configKeys: readonly ConfigKey[] = collect(schemaNode(configSchema), '')

/** The variable to set for a path, also for one inside a list: `clients[0].type` is set by `MINTMARK_CLIENTS`. */
export function variableFor(path: string): string | undefined {
  const outer = path.replace(/\[.*$/, '')
  const key = configKeys.find(({ path: known }) => outer === known || outer.startsWith(`${known}.`))
  return key === undefined ? undefined : (key.aliases[0] ?? key.variable)
}

/** The schema that a path (split into names and indexes) leads to. */
export function schemaAt(root: SchemaNode, names: readonly string[]): SchemaNode | undefined {
  return names.reduce<SchemaNode | undefined>((node, name) => {
    if (node === undefined) return undefined
    const named = node.properties?.[name]
    if (named !== undefined) return named
    if (node.items !== undefined) return node.items
    return Object.values(node.patternProperties ?? {})[0]
  }, root)
}

/** Edits between two names: insert, delete, replace a character, or swap two neighbours. */
function distance(from: string, to: string): number {
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, column) => column)]
  const at = (row: number, column: number) => rows[row]?.[column] ?? 0
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    rows.push(current)
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1]
      let best = Math.min(
        at(row - 1, column) + 1,
        at(row, column - 1) + 1,
        at(row - 1, column - 1) + (same ? 0 : 1)
      )
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      if (swapped && row > 1 && column > 1) best = Math.min(best, at(row - 2, column - 2) + 1)
      current.push(best)
    }
  }
  return at(from.length, to.length)
}

/** The known name that is closest to `name`; undefined when none is close. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map(candidate => ({
      candidate,
      edits: distance(name.toLowerCase(), candidate.toLowerCase())
    }))
    .sort((one, other) => one.edits - other.edits)
  const [best] = ranked
  return best !== undefined && best.edits <= Math.max(2, name.length / 3)
    ? best.candidate
    : undefined
}
