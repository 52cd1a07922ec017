// The reference page of the configuration, generated from the schema: `node src/config/reference.ts > config/reference.md`.
// Owns the wording around the tables only; a test holds the page in the repository to this.

import { fileURLToPath } from 'node:url'
import { configKeys, type SchemaNode, schemaNode, variableName } from './keys.ts'
import { configSchema } from './schema.ts'
import { otherVariables } from './variables.ts'

const introduction = `# Configuration

Generated from the schema by \`mintmark config reference\`; do not edit it.

- One JSON file, named by \`MINTMARK_CONFIG\`. Every key has a variable: \`MINTMARK_\` and the path in capitals, with \`__\` between
  levels. Lists and objects are given as JSON. An empty variable counts as not set.
- The environment goes over the file, the file over the default. Unknown keys and unknown \`MINTMARK_\` variables are refused.
- **Durations** are whole numbers with a unit: \`30s\`, \`10m\`, \`1h\`, \`90d\`.
- **Secrets** are a value, \`env:NAME\` (the variable that holds it) or \`file:path\` (the file that holds it; one newline at its end is
  left out). Paths start at the folder of the configuration file; in a variable, at the working directory.
- The mode is \`production\` with \`MINTMARK_MODE=production\` or an https issuer, else \`development\`, which exists only on loopback.
  Production refuses an http issuer, a generated master key, clients whose id starts with \`demo-\`, accounts in the file, and the
  embedded database unless \`database.embedded\` says that it is meant. \`mintmark doctor\` lists what is missing.
- \`mintmark config check\` tells every problem at once.

## An example

\`config/example.json\` is a file for production to start from. JSON has no comments, so they stand here.

- \`issuer\` is https, so the mode is production. TLS ends at a proxy on the same machine, hence \`host\` and \`trustedProxies\`.
- \`database.url\`, and the secrets of two clients, come from variables: \`DATABASE_URL\`, \`WEB_SECRET\`, \`API_SECRET\`. The master key comes
  from a file; \`MINTMARK_MASTER_KEY_FILE\` or \`MINTMARK_MASTER_KEY\` goes over it.
- The API \`https://api.example.com\` opens to the clients \`web\` and \`billing\`, and to every client with \`first_party\`. The client \`api\` is
  that API itself: it may introspect the tokens that are meant for it.
- \`web\` asks for no \`resource\`, so its tokens are for its \`default_resource\`. \`billing\` has no secret: it signs with its own key.
`

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

function code(text: string): string {
  return `\`${text}\``
}

/** What kind of value a key takes, in words. */
export function kindOf(node: SchemaNode): string {
  if (node.duration !== undefined)
    return `duration, ${node.duration.minimum} to ${node.duration.maximum}`
  if (node.secret) return 'secret'
  if (node.path) return 'path'
  if (node.enum !== undefined) return `one of ${node.enum.map(code).join(', ')}`
  if (node.anyOf !== undefined) return node.anyOf.map(kindOf).join(', or ')
  switch (node.type) {
    case 'integer': {
      const { minimum, maximum } = node
      if (maximum !== undefined) return `whole number, ${minimum} to ${maximum}`
      return minimum === undefined ? 'whole number' : `whole number, at least ${minimum}`
    }
    case 'boolean':
      return '`true` or `false`'
    case 'array':
      return node.items?.properties === undefined
        ? `list; each ${kindOf(node.items ?? {})}`
        : 'list of objects, see below'
    case 'object':
      return 'object'
    case 'string':
      return 'text'
    default:
      return 'any'
  }
}

function defaultOf(node: SchemaNode, isRequired: boolean): string {
  if (node.default === undefined) return isRequired ? '**required**' : ''
  return code(typeof node.default === 'string' ? node.default : JSON.stringify(node.default))
}

function row(cells: readonly string[]): string {
  return `| ${cells.map(cell).join(' | ')} |`
}

function keyTable(): string[] {
  const rows = configKeys.map(({ path, variable, aliases, schema }) =>
    row([
      code(path),
      [...aliases, variable].map(code).join(' or '),
      kindOf(schema),
      defaultOf(schema, false),
      schema.secret || schema.items?.secret ? 'yes' : '',
      schema.description ?? ''
    ])
  )
  const head = ['Key', 'Variable', 'Type', 'Default', 'Secret', 'Meaning']
  return [row(head), row(head.map(() => '---')), ...rows]
}

function entryRows(node: SchemaNode, prefix: string): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const path = `${prefix}${name}`
    if (child.properties !== undefined && name !== 'jwks') return entryRows(child, `${path}.`)
    const isRequired = (node.required ?? []).includes(name)
    return [
      row([
        code(path),
        kindOf(child),
        defaultOf(child, isRequired),
        child.secret ? 'yes' : '',
        child.description ?? ''
      ]),
      // entries of entries, under the list that they stand in
      ...(child.items === undefined ? [] : entryRows(child.items, `${path}[].`))
    ]
  })
}

function entryTable(name: string): string[] {
  const list = schemaNode(configSchema).properties?.[name]
  const head = ['Member', 'Type', 'Default', 'Secret', 'Meaning']
  return [
    '',
    `## Entries of \`${name}\``,
    '',
    `${list?.description ?? ''} The whole list as JSON: \`${variableName(name)}\`.`,
    '',
    row(head),
    row(head.map(() => '---')),
    ...entryRows(list?.items ?? {}, '')
  ]
}

/** The whole page, Markdown, with a newline at its end. */
export function renderReference(): string {
  const others = Object.entries(otherVariables).map(([name, meaning]) => row([code(name), meaning]))
  return [
    introduction,
    '## Keys',
    '',
    ...keyTable(),
    '',
    '## Other variables',
    '',
    row(['Variable', 'Meaning']),
    row(['---', '---']),
    ...others,
    ...[
      'acr',
      'resources',
      'authorizationDetails',
      'trustedIssuers',
      'clients',
      'accounts'
    ].flatMap(entryTable),
    ''
  ].join('\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(renderReference())
