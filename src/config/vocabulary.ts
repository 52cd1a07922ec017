// The words of the configuration schema that JSON Schema lacks: durations, secrets, paths, and the variable that sets a key.
// Owns how a duration is written and read. Refuses parts of a second: everything that is timed here is timed in seconds.

import Type, { type TSchema } from 'typebox'

declare const duration: unique symbol
/** A length of time as it is written: `30s`, `10m`, `1h`, `90d`. In `Config` it is a number of seconds. */
export type Duration = { readonly [duration]: true }

/** What our schemas say besides JSON Schema; the loader and the reference page read it. */
export interface Annotations {
  description?: string
  default?: unknown
  /** bounds of a duration, as written */
  duration?: { minimum: string; maximum: string }
  /** a value, `env:NAME` or `file:path`; never shown */
  secret?: true
  /** a path; relative ones start at the configuration file, or at the working directory when a variable gives them */
  path?: true
  /** variables that set this key besides the one that its name makes */
  variables?: readonly string[]
}

const unitSeconds = { s: 1, m: 60, h: 3600, d: 86_400 } as const
const durationPattern = '^(0|[1-9][0-9]{0,6})[smhd]$'

/** Seconds of a written duration; undefined when it is not one. */
export function parseDuration(written: string): number | undefined {
  if (!new RegExp(durationPattern).test(written)) return undefined
  const unit = written.slice(-1) as keyof typeof unitSeconds
  return Number(written.slice(0, -1)) * unitSeconds[unit]
}

/** Schema of a duration, both bounds included. */
export function durationSchema(options: {
  description: string
  default?: string
  minimum: string
  maximum: string
}) {
  const { minimum, maximum, ...rest } = options
  return Type.Unsafe<Duration>({
    type: 'string',
    pattern: durationPattern,
    duration: { minimum, maximum },
    ...rest
  })
}

/** Schema of a secret. In `Config` it is the value, wherever it was kept. */
export function secretSchema(options: { description: string; variables?: readonly string[] }) {
  return Type.String({ minLength: 1, secret: true, ...options })
}

/** Schema of a path. In `Config` it is absolute. */
export function pathSchema(options: { description: string; variables?: readonly string[] }) {
  return Type.String({ minLength: 1, path: true, ...options })
}

/** One name of a scope. RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ) */
export const scopeToken = Type.String({ pattern: '^[!#-\\[\\]-~]+$' })

/** An object that refuses members which it does not name. */
export function closedObject<Properties extends Record<string, TSchema>>(
  properties: Properties,
  options: { description?: string; default?: unknown } = {}
) {
  return Type.Object(properties, { additionalProperties: false, ...options })
}

/** What a group of the file becomes in `Config`: each `lifetime: '10m'` is a `lifetimeSeconds: 600`. */
export type Seconds<Value> = Value extends readonly (infer Item)[]
  ? Seconds<Item>[]
  : Value extends object
    ? {
        [Key in keyof Value as NonNullable<Value[Key]> extends Duration
          ? `${Key & string}Seconds`
          : Key]: NonNullable<Value[Key]> extends Duration
          ? number | Exclude<Value[Key], Duration>
          : Seconds<Value[Key]>
      }
    : Value
