// The three servers of the bench: mintmark, and its two references. Each is a process of its own, on one core where `taskset` exists, with
// a channel to ask what it has used; all answer at the same paths.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Store } from '../../src/ops/parts.ts'
import { install, plain } from '../faults/installation.ts'
import { createRequests } from '../protocol/requests.ts'
import type { Overrides } from '../support/configuration.ts'
import type { Lifetime } from '../support/lifetime.ts'
import { freePort } from '../support/server.ts'
import type { CpuProfile } from './profile.ts'
import { benchApi, overrides, scope } from './setting.ts'
import type { Usage } from './usage.ts'

export interface Code {
  code: string
  verifier: string
}

export interface Target {
  name: 'mintmark' | 'bare Fastify' | 'oidc-provider'
  host: string
  port: number
  usage(): Promise<Usage>
  codes(count: number): Promise<Code[]>
  refreshTokens(count: number): Promise<string[]>
  /** for the endpoints of the issuer itself */
  accessToken(): Promise<string>
}

const cores = { server: 0, others: 1 }

/** Whether a process can be told on which core it runs, and there are two. */
export const pins = availableParallelism() > 1 && spawnSync('taskset', ['-V']).status === 0

/** This process, and whatever it starts from now on (PostgreSQL), keeps off the servers' core. */
export function keepOffServers(): void {
  if (pins) spawnSync('taskset', ['-apc', String(cores.others), String(process.pid)])
}

interface Process {
  ask(question: string, count?: number): Promise<unknown>
}

async function startProcess(
  life: Lifetime,
  file: string,
  given: object,
  core: 'own' | 'any' = 'own'
): Promise<Process> {
  const program = fileURLToPath(new URL(file, import.meta.url))
  const node = [process.execPath, program, JSON.stringify(given)]
  const command = pins && core === 'own' ? ['taskset', '-c', String(cores.server), ...node] : node
  const [first = '', ...rest] = command
  const child = spawn(first, rest, {
    env: { ...process.env, NODE_OPTIONS: '', NODE_ENV: 'production' },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc']
  })
  // the engine has warnings for whoever runs it plainly; they are of interest when it ends
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', text => {
    said = (said + text).slice(-4000)
  })
  life.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    await gone
  })
  let asked = 0
  const waiting = new Map<number, (value: unknown) => void>()
  child.on('message', (message: { id: number; value: unknown }) => {
    waiting.get(message.id)?.(message.value)
    waiting.delete(message.id)
  })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${file} ended with ${code}: ${said}`)
  })
  ended.catch(() => undefined)
  await Promise.race([once(child, 'message'), ended])
  return {
    ask(question, count) {
      asked += 1
      const id = asked
      const answer = new Promise(resolve => waiting.set(id, resolve))
      child.send({ id, ask: question, count })
      return Promise.race([answer, ended])
    }
  }
}

const resource = { scope, resource: benchApi }

/** Codes and tokens as an app gets them: a person at a browser, one request after another. */
function overHttp(issuer: string, store: Store) {
  const requests = createRequests({ issuer, store })
  const code = () => requests.code({ app: plain, ...resource })
  return {
    async codes(count: number) {
      const codes: Code[] = []
      while (codes.length < count) codes.push(await code())
      return codes
    },
    async refreshTokens(count: number) {
      const tokens: string[] = []
      while (tokens.length < count) {
        const { body, text } = await requests.redeem(await code(), { resource: benchApi })
        if (body.refresh_token === undefined) throw new Error(text)
        tokens.push(body.refresh_token)
      }
      return tokens
    },
    accessToken: async () => (await requests.tokens({ app: plain, scope: 'openid' })).access_token
  }
}

export interface MintmarkTarget extends Target {
  store: Store
  /** The CPU profile of its process while `work` lasts. */
  profiled(work: () => Promise<unknown>): Promise<CpuProfile>
}

/** `elsewhere`: what the bench does not have, such as limits of production; then it may use all cores, as in production. */
export async function startMintmark(
  life: Lifetime,
  url: string,
  elsewhere?: Overrides
): Promise<MintmarkTarget> {
  const all = { ...overrides, ...elsewhere }
  const { issuer, store, processes } = await install(life, url, { overrides: all })
  const [prepared] = processes
  await prepared?.kill()
  const port = prepared?.port ?? 0
  const given = { issuer, port, url, overrides: all }
  const { ask } = await startProcess(
    life,
    './mintmark-server.ts',
    given,
    elsewhere === undefined ? 'own' : 'any'
  )
  return {
    name: 'mintmark',
    store,
    async profiled(work) {
      await ask('startProfile')
      await work()
      return (await ask('stopProfile')) as CpuProfile
    },
    host: new URL(issuer).host,
    port,
    usage: () => ask('usage') as Promise<Usage>,
    ...overHttp(issuer, store)
  }
}

export async function startPlain(life: Lifetime, store: Store): Promise<Target> {
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const { ask } = await startProcess(life, './plain-server.ts', { issuer, port })
  return {
    name: 'oidc-provider',
    host: new URL(issuer).host,
    port,
    usage: () => ask('usage') as Promise<Usage>,
    ...overHttp(issuer, store)
  }
}

export async function startBare(life: Lifetime, url: string): Promise<Target> {
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const { ask } = await startProcess(life, './bare-server.ts', { issuer, port, url })
  return {
    name: 'bare Fastify',
    host: new URL(issuer).host,
    port,
    usage: () => ask('usage') as Promise<Usage>,
    codes: count => ask('codes', count) as Promise<Code[]>,
    refreshTokens: count => ask('refreshTokens', count) as Promise<string[]>,
    accessToken: () => ask('accessToken') as Promise<string>
  }
}
