// Sound configurations that the tests of this folder start from and then break in one place. Files are a table, never a disk.
// Secrets are random in every run, so that a test can look for them in what is printed.

import { randomBytes } from 'node:crypto'
import { ConfigurationError, type Problem } from '../../src/config/configuration-error.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/schema.ts'
import type { Environment } from '../../src/config/variables.ts'

export const cwd = '/srv/mintmark'

export function randomHex(): string {
  return randomBytes(32).toString('hex')
}

/** What production asks for at least. */
export const productionEnv: Environment = {
  MINTMARK_ISSUER: 'https://id.example.com',
  MINTMARK_MASTER_KEY: randomHex(),
  DATABASE_URL: 'postgres://mintmark@db.example.com/mintmark'
}

/** A reader of files that exist only here. */
export function files(content: Record<string, string>): (path: string) => string {
  return path => {
    const text = content[path]
    if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
    return text
  }
}

/** Loads from variables and, if given, a file `config/mintmark.json`; `others` are further files by absolute path. */
export function load(env: Environment, file?: object, others: Record<string, string> = {}): Config {
  const main = file === undefined ? {} : { [`${cwd}/config/mintmark.json`]: JSON.stringify(file) }
  return loadConfig({ env, cwd, readFile: files({ ...main, ...others }) })
}

/** The problems that loading reports; none when it succeeds. */
export function problemsOf(work: () => unknown): readonly Problem[] {
  try {
    work()
    return []
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems
    throw error
  }
}
