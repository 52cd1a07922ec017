// SIGKILL to a process and everything that it started, and the wait until all of it is gone. Linux only, as /proc is.

import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

interface Stat {
  state: string
  parent: number
}

/** Undefined: it is gone. A zombie has ended; who waits for it is somebody else's business. */
function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state = '', parent] = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' ? undefined : { state, parent: Number(parent) }
  } catch {
    return undefined
  }
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(pid => statOf(pid)?.parent === parent)
}

export async function killTree(parent: number): Promise<void> {
  if (statOf(parent) === undefined) return
  const all = [parent, ...childrenOf(parent)]
  for (const pid of all) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // it has ended meanwhile
    }
  }
  while (all.some(pid => statOf(pid) !== undefined)) await sleep(5)
}
