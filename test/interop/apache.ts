// An Apache httpd of the run's own: generated configuration, pid file and logs in a temporary folder, one port on loopback, as the current user
// (root gives its work to www-data, as Apache wants). Ended by process id.

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Lifetime } from '../support/lifetime.ts'
import { start } from './processes.ts'

const modules = '/usr/lib/apache2/modules'
const usual = ['mpm_event', 'authz_core', 'authz_user', 'authn_core', 'alias']

export interface Apache {
  here: string
  /** what its error log says so far */
  log(): string
}

/** Starts it with further modules and directives; `content` is what every address under / answers. */
export async function startApache(
  life: Lifetime,
  options: { port: number; modules: string[]; directives: string; content: string }
): Promise<Apache> {
  const folder = mkdtempSync(join(tmpdir(), 'mm-apache-'))
  life.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const isRoot = process.getuid?.() === 0
  // others may reach what is in it, and read what is not secret
  chmodSync(folder, 0o711)
  const content = join(folder, 'content')
  mkdirSync(content)
  writeFileSync(join(content, 'any.json'), options.content)
  const file = join(folder, 'httpd.conf')
  const loads = [...usual, ...options.modules].map(
    name => `LoadModule ${name}_module ${modules}/mod_${name}.so`
  )
  // the configuration has secrets in it: httpd reads it before it becomes another user
  writeFileSync(
    file,
    `${loads.join('\n')}
${isRoot ? 'User www-data\nGroup www-data' : ''}
ServerRoot "${folder}"
ServerName localhost
Listen 127.0.0.1:${options.port}
PidFile "${folder}/httpd.pid"
DefaultRuntimeDir "${folder}"
ErrorLog "${folder}/error.log"
LogLevel notice
StartServers 1
ServerLimit 2
ThreadsPerChild 16
MaxRequestWorkers 32
DocumentRoot "${content}"
AliasMatch "^/.*$" "${content}/any.json"
${options.directives}
`,
    { mode: 0o600 }
  )
  const here = `http://localhost:${options.port}`
  await start(life, {
    command: '/usr/sbin/apache2',
    args: ['-f', file, '-DFOREGROUND'],
    ready: () => fetch(here)
  })
  return { here, log: () => readFileSync(join(folder, 'error.log'), 'utf8') }
}
