// `mintmark conformance-config`: both halves of a conformance run, for the suite and for this server (docs/conformance.md). Owns the file in
// which secrets and keys of the run are kept between the two calls; it belongs to whoever runs the tests, and nobody else may read it.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { Config } from '../config/schema.ts'
import { Fault } from '../lib/fault.ts'
import type { Place } from './conformance/clients.ts'
import { serverConfiguration, suiteConfiguration } from './conformance/configurations.ts'
import {
  type Credentials,
  createCredentials,
  type KeptCredentials
} from './conformance/credentials.ts'
import { type Plan, planExpression, plans } from './conformance/plans.ts'

/** What the command needs of the command line's context. */
export interface ConformanceContext {
  config(): Config
  out(text: string): void
  err(text: string): void
}

interface Options {
  plan?: string[]
  suite: string
  alias: string
  issuer?: string
  keys?: string
  server?: true
  list?: true
}

function origin(text: string): string {
  const url = URL.parse(text)
  if (url !== null && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === '') {
    return url.origin
  }
  throw new InvalidArgumentError('It takes an address without a path, as in https://id.example.com')
}

function alias(text: string): string {
  if (/^[A-Za-z0-9_-]{1,100}$/.test(text)) return text
  throw new InvalidArgumentError('It takes letters, digits, dashes and underscores.')
}

function issuerOf({ issuer: given }: Options, config: Config): string {
  const issuer = given ?? config.issuer
  if (issuer !== undefined) return issuer
  throw new Fault(
    'configuration_invalid',
    'Say under which address the suite reaches this server: --issuer https://…'
  )
}

function chosenPlans({ plan: names }: Options): readonly Plan[] {
  return names === undefined ? plans : plans.filter(({ name }) => names.includes(name))
}

/** Runs `work` with the credentials of the file, and writes there what it has made. */
function withCredentials<T>(file: string, work: (credentials: Credentials) => T): T {
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '{}'
  const credentials = createCredentials(JSON.parse(before) as KeptCredentials, () => new Date())
  const result = work(credentials)
  const after = `${JSON.stringify(credentials.kept(), null, 2)}\n`
  if (after !== before) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(file, after, { mode: 0o600 })
  }
  return result
}

export function conformanceConfigCommand(context: ConformanceContext): Command {
  const print = (value: unknown) => context.out(JSON.stringify(value, null, 2))

  return new Command('conformance-config')
    .description('configurations for a run of the OpenID conformance suite against this server')
    .addOption(
      new Option('--plan <name...>', 'this plan, or these').choices(plans.map(({ name }) => name))
    )
    .option('--server', 'the configuration of this server for them, instead of the suite’s')
    .option('--list', 'the plans, as the suite’s run-test-plan.py names them')
    .option(
      '--suite <address>',
      'where the suite runs',
      origin,
      'https://www.certification.openid.net'
    )
    .option('--alias <name>', 'the part of the suite’s addresses that is ours', alias, 'mintmark')
    .option('--issuer <address>', 'where the suite reaches this server', origin)
    .option('--keys <file>', 'secrets and keys of the run; made if it is not there')
    .action((options: Options) => {
      const chosen = chosenPlans(options)
      if (options.list === true) {
        for (const plan of chosen) context.out(`${plan.name.padEnd(28)} ${planExpression(plan)}`)
        return
      }
      const config = context.config()
      const { suite, alias } = options
      const place: Place = { issuer: issuerOf(options, config), suite, alias }
      const file = resolve(options.keys ?? join(config.dataFolder, 'conformance.json'))
      withCredentials(file, credentials => {
        if (options.server === true) return print(serverConfiguration(chosen, place, credentials))
        const [one] = chosen
        if (chosen.length === 1 && one !== undefined) {
          context.err(`plan: ${planExpression(one)}`)
          return print(suiteConfiguration(one, place, credentials))
        }
        print(
          chosen.map(plan => ({
            plan: planExpression(plan),
            configuration: suiteConfiguration(plan, place, credentials)
          }))
        )
      })
    })
}
