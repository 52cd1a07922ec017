// The JSON Schemas by which the operator says what a member of an authorization detail is. Owns which keywords there are: a validator passes
// over those that it does not know, so a misspelt one would check nothing. Refuses every other keyword, and values that a keyword cannot have.

export type MemberSchema = Readonly<Record<string, unknown>>

const isText = (value: unknown) => typeof value === 'string'
const isNumber = (value: unknown) => typeof value === 'number' && Number.isFinite(value)
const isCount = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isTextList = (value: unknown) => Array.isArray(value) && value.every(isText)

const types = ['string', 'number', 'integer', 'boolean', 'array', 'object']

function isPattern(value: unknown): boolean {
  if (typeof value !== 'string') return false
  try {
    return new RegExp(value, 'u') instanceof RegExp
  } catch {
    return false
  }
}

/** Keywords, and what each may be. `items` and `properties` hold schemas again, and are looked at further down. */
const keywords: Readonly<Record<string, (value: unknown) => boolean>> = {
  type: value => types.includes(String(value)),
  description: isText,
  enum: value => Array.isArray(value) && value.length > 0,
  const: () => true,
  pattern: isPattern,
  minLength: isCount,
  maxLength: isCount,
  minimum: isNumber,
  maximum: isNumber,
  multipleOf: value => isNumber(value) && Number(value) > 0,
  items: isObject,
  minItems: isCount,
  maxItems: isCount,
  uniqueItems: value => typeof value === 'boolean',
  properties: isObject,
  required: isTextList
}

/** What is wrong with a schema, each with the place inside it. */
export function memberSchemaProblems(schema: unknown): { at: string; problem: string }[] {
  if (!isObject(schema)) return [{ at: '', problem: 'must be a JSON Schema, an object' }]
  const problems: { at: string; problem: string }[] = []
  if (schema['type'] === undefined) problems.push({ at: '', problem: 'must say its type' })
  for (const [keyword, value] of Object.entries(schema)) {
    const fits = Object.hasOwn(keywords, keyword) ? keywords[keyword] : undefined
    if (fits === undefined) problems.push({ at: `.${keyword}`, problem: 'is no keyword here' })
    else if (!fits(value)) problems.push({ at: `.${keyword}`, problem: 'has a wrong value' })
  }
  const inside: [string, unknown][] = []
  if (isObject(schema['items'])) inside.push(['.items', schema['items']])
  const properties = isObject(schema['properties']) ? schema['properties'] : {}
  for (const [name, inner] of Object.entries(properties))
    inside.push([`.properties.${name}`, inner])
  for (const name of Array.isArray(schema['required']) ? schema['required'] : []) {
    if (!Object.hasOwn(properties, String(name))) {
      problems.push({ at: '.required', problem: `names ${name}, which is none of its properties` })
    }
  }
  for (const [at, inner] of inside) {
    for (const found of memberSchemaProblems(inner)) {
      problems.push({ ...found, at: `${at}${found.at}` })
    }
  }
  return problems
}

/** The schema for a validator: objects have no members but those that are named. */
export function closedMemberSchema(schema: MemberSchema): MemberSchema {
  const { items, properties } = schema
  return {
    ...schema,
    ...(isObject(items) ? { items: closedMemberSchema(items) } : {}),
    ...(schema['type'] === 'object'
      ? { properties: closedProperties(properties), additionalProperties: false }
      : {})
  }
}

function closedProperties(properties: unknown): Record<string, MemberSchema> {
  const entries = Object.entries((properties ?? {}) as Record<string, MemberSchema>)
  return Object.fromEntries(entries.map(([name, inner]) => [name, closedMemberSchema(inner)]))
}
