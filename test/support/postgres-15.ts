// The oldest PostgreSQL that is supported, where the machine has it (Debian: postgresql-15): a cluster of the test's own, over TCP, with a
// password, and with TLS where a test asks for it.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { isRoot, makeFolder, nobody } from './embedded-folder.ts'
import { freePort } from './server.ts'

const binaries = '/usr/lib/postgresql/15/bin'
/** of the role `owner` */
export const password = 'p@ss/wörd:1'

/** For `t.test(title, has15, …)`. */
export const has15 = { skip: existsSync(binaries) ? false : `there is no ${binaries}` }

/** The same, for a cluster with TLS. */
export const has15WithTls = {
  skip: existsSync('/usr/bin/openssl') ? has15.skip : 'there is no openssl'
}

export interface Postgres15 {
  port: number
  process: ChildProcess
  /** with `tls`: the server's own certificate, for 127.0.0.1, that nobody else vouches for */
  certificate: string
}

/** A cluster of PostgreSQL 15 with a password, on loopback; it ends with `t`. */
export async function startPostgres15(
  t: Test,
  transport: 'plain' | 'tls' = 'plain'
): Promise<Postgres15> {
  const account = isRoot ? nobody : undefined
  const folder = makeFolder(t, account)
  const cluster = join(folder, 'cluster')
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, password)
  const init = ['-D', cluster, '-U', 'owner', '--auth=scram-sha-256', `--pwfile=${passwordFile}`]
  execFileSync(join(binaries, 'initdb'), [...init, '--no-sync', '-E', 'UTF8', '--locale=C'], {
    ...account,
    stdio: 'pipe'
  })
  const port = await freePort()
  const settings = ['listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`, 'fsync=off']
  const certificate = join(folder, 'server.crt')
  if (transport === 'tls') {
    const key = join(folder, 'server.key')
    const name = ['-subj', '/CN=mintmark test', '-addext', 'subjectAltName=IP:127.0.0.1']
    const made = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    execFileSync(
      '/usr/bin/openssl',
      ['req', ...made, '-days', '2', ...name, '-keyout', key, '-out', certificate],
      { ...account, stdio: 'pipe' }
    )
    settings.push('ssl=on', `ssl_cert_file=${certificate}`, `ssl_key_file=${key}`)
  }
  const server = spawn(
    join(binaries, 'postgres'),
    ['-D', cluster, '-p', `${port}`, ...settings.flatMap(setting => ['-c', setting])],
    { ...account, stdio: ['ignore', 'ignore', 'pipe'] }
  )
  t.teardown(async () => {
    if (server.exitCode !== null) return
    server.kill('SIGINT')
    await once(server, 'exit')
  })
  let said = ''
  server.stderr.on('data', text => {
    said += text
  })
  while (!said.includes('ready to accept connections')) {
    if (server.exitCode !== null) throw new Error(said)
    await sleep(20)
  }
  return { port, process: server, certificate }
}
