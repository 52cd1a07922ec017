// Loads the configuration: environment over file over default, checked against the schema and the rules, frozen.
// The only place that reads process.env. Refuses to start on anything it does not understand, with every problem at once.

import { readFileSync } from 'node:fs'
import { resolve as resolvePath } from 'node:path'
import { ConfigurationError, type Problem, withVariable } from './configuration-error.ts'
import { schemaNode } from './keys.ts'
import { deepFreeze, hideSecrets, type ResolveContext, resolveWritten } from './resolve.ts'
import { checkRules } from './rules.ts'
import { type Config, configSchema, type WrittenConfig } from './schema.ts'
import { parseMasterKey } from './secret-strength.ts'
import { checkShape } from './shape.ts'
import { type Environment, overlayVariables, readVariable, unknownVariables } from './variables.ts'
import type { Seconds } from './vocabulary.ts'

export interface LoadOptions {
  env: Environment
  /** where relative paths of variables start, and the default files are looked for */
  cwd: string
  /** reads a text file, throws when there is none; handed in by tests */
  readFile?: (path: string) => string
}

type Json = Record<string, unknown>
interface Source {
  /** absolute; undefined when there is no file */
  file: string | undefined
  content: Json
}

function modeOf(mode: unknown, issuer: unknown): Config['mode'] {
  if (mode === 'production' || mode === 'development') return mode
  return typeof issuer === 'string' && /^https:/i.test(issuer) ? 'production' : 'development'
}

/** Candidates in order; the first that exists is read. A file that somebody named must exist. */
function candidates({ env, cwd }: LoadOptions): { files: string[]; mustExist: boolean } {
  const named = readVariable(env, 'MINTMARK_CONFIG')
  if (named !== undefined) return { files: [resolvePath(cwd, named)], mustExist: true }
  const mode = modeOf(env['MINTMARK_MODE'], env['MINTMARK_ISSUER'])
  const files = ['config/mintmark.json']
  if (mode === 'development') files.push('config/development.json')
  return { files: files.map(file => resolvePath(cwd, file)), mustExist: false }
}

function parseFile(file: string, text: string): Source | Problem {
  try {
    const content: unknown = JSON.parse(text)
    if (typeof content === 'object' && content !== null && !Array.isArray(content)) {
      return { file, content: content as Json }
    }
    return { path: file, problem: 'must hold one JSON object', fix: 'See config/example.json.' }
  } catch (error) {
    // only the position: the parser's message quotes the text, secrets included
    const [where] = /line \d+ column \d+/.exec(String(error)) ?? []
    return {
      path: file,
      problem: `is not valid JSON${where === undefined ? '' : ` at ${where}`}`,
      fix: 'JSON has no comments and no comma after the last entry.'
    }
  }
}

function readSource(options: LoadOptions): Source | Problem {
  const { readFile = path => readFileSync(path, 'utf8') } = options
  const { files, mustExist } = candidates(options)
  for (const file of files) {
    let text: string
    try {
      text = readFile(file)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
      if (code === 'ENOENT' && !mustExist) continue
      return {
        path: file,
        ...(mustExist ? { variable: 'MINTMARK_CONFIG' } : {}),
        problem: `cannot be read (${code})`,
        fix: 'Name a file that exists and that the user of the server may read.'
      }
    }
    return parseFile(file, text)
  }
  return { file: undefined, content: {} }
}

function masterKey(text: unknown, path: string, problems: Problem[]): Buffer | undefined {
  if (typeof text !== 'string') return undefined
  const key = parseMasterKey(text)
  if (key === undefined) {
    problems.push({
      path,
      problem: 'must be 32 random bytes, in base64url, base64 or hex',
      fix: 'Make one with `openssl rand -hex 32`.'
    })
  }
  return key
}

/** In development the issuer says where people look for the server, so it is where the server listens. */
function portOf(port: number | undefined, mode: Config['mode'], issuer: string | undefined) {
  if (port !== undefined) return port
  if (mode === 'production') return 3000
  if (issuer === undefined || !URL.canParse(issuer)) return undefined
  return Number(new URL(issuer).port || 80)
}

function complete(
  resolved: Json,
  cwd: string,
  file: string | undefined,
  problems: Problem[]
): Config {
  const written = resolved as unknown as Seconds<WrittenConfig>
  const { mode: givenMode, issuer, port, dataFolder, previousMasterKeys, ...rest } = written
  const mode = modeOf(givenMode, issuer)
  const key = masterKey(written.masterKey, 'masterKey', problems)
  delete rest.masterKey
  const config: Config = {
    ...(rest as Omit<typeof rest, 'masterKey'>),
    mode,
    issuer,
    port: portOf(port, mode, issuer),
    dataFolder: dataFolder ?? resolvePath(cwd, '.data'),
    ...(key === undefined ? {} : { masterKey: key }),
    previousMasterKeys: previousMasterKeys.flatMap((text, index) => {
      const previous = masterKey(text, `previousMasterKeys[${index}]`, problems)
      return previous === undefined ? [] : [previous]
    }),
    resources: written.resources as Config['resources'],
    file
  }
  for (const resource of config.resources) {
    resource.accessTokens = { ...config.accessTokens, ...resource.accessTokens }
  }
  return hideSecrets(config, ['masterKey', 'previousMasterKeys'])
}

/** Lists of which an entry was taken out: what refers to them cannot be judged. */
function incompleteLists(content: Json, config: Config): Set<string> {
  return new Set(
    (['resources', 'clients', 'accounts', 'authorizationDetails'] as const).filter(name => {
      const written = content[name]
      return (
        written !== undefined && (!Array.isArray(written) || written.length !== config[name].length)
      )
    })
  )
}

/**
 * The configuration that `env` and the file make. Pure but for reading files.
 * @throws ConfigurationError with every problem; no message holds a value
 */
export function loadConfig(options: LoadOptions): Config {
  const { env, cwd, readFile = path => readFileSync(path, 'utf8') } = options
  const problems = unknownVariables(env)
  const source = readSource(options)
  if ('problem' in source) throw new ConfigurationError([source, ...problems], 'no file was read')
  const { file, content } = source

  const fromVariables = overlayVariables(content, env, problems)
  const shape = checkShape(content)
  problems.push(...shape.problems)
  const context: ResolveContext = {
    env,
    cwd,
    configFile: file,
    fromVariables,
    readFile,
    problems,
    places: new WeakMap()
  }
  const resolved = resolveWritten(schemaNode(configSchema), shape.sound, context)
  const config = complete(resolved, cwd, file, problems)

  // a key that is wrong by itself is told once, not again for what its absence breaks
  const told = new Set(problems.map(({ path }) => path))
  const broken = checkRules(config, {
    mode: config.mode,
    place: entry => context.places.get(entry) ?? '',
    incomplete: incompleteLists(content, config)
  }).filter(({ path }) => !told.has(path))
  problems.push(...broken.map(({ topic: _, ...problem }) => problem))

  if (problems.length > 0) {
    const read = file === undefined ? 'no file, variables only' : `${file} and variables`
    throw new ConfigurationError(problems.map(withVariable), read)
  }
  return deepFreeze(config)
}

/** The environment of this process. */
export function processEnvironment(): Environment {
  return process.env
}

/**
 * The configuration of this process.
 * @throws ConfigurationError
 */
export function loadConfigFromProcess(): Config {
  return loadConfig({ env: processEnvironment(), cwd: process.cwd() })
}
