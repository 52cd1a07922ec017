// Apps, interpreters and servers of a run: started with nothing but the variables they are given, waited for until they say that they
// listen, ended by process id. What they wrote is shown where they fail.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Lifetime } from '../support/lifetime.ts'

const longestStart = 60_000

export interface Started {
  child: ChildProcess
  /** the first line that `ready` fits; empty when it is a question */
  line: string
  /** all that it wrote so far */
  said(): string
}

export interface Program {
  command: string
  args: string[]
  env?: Record<string, string>
  cwd?: string
  /** a line on either output, or a question that is answered: it listens */
  ready: RegExp | (() => Promise<unknown>)
}

/** Starts a program and waits for the line that says it listens; it ends with `life`. */
export async function start(life: Lifetime, program: Program): Promise<Started> {
  const { command, args, env = {}, cwd, ready } = program
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env }
  })
  life.teardown(() => end(child))
  let text = ''
  const line = await new Promise<string>((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`${command} ${why}: ${text}`))
    const timer = setTimeout(() => fail('took too long'), longestStart)
    const read = (chunk: Buffer) => {
      text += chunk
      const found = text.split('\n').find(each => ready instanceof RegExp && ready.test(each))
      if (found === undefined) return
      clearTimeout(timer)
      resolve(found)
    }
    const knock = (ask: () => Promise<unknown>): void => {
      ask().then(
        () => {
          clearTimeout(timer)
          resolve('')
        },
        () => {
          if (child.exitCode === null) setTimeout(knock, 100, ask)
        }
      )
    }
    if (!(ready instanceof RegExp)) knock(ready)
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('error', error => fail(error.message))
    child.once('close', code => {
      clearTimeout(timer)
      fail(`ended with ${code}`)
    })
  })
  return { child, line, said: () => text }
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000)
  await gone
  clearTimeout(timer)
}
