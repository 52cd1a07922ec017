// Hears what the engine says on the console: it prints a NOTICE or a WARNING when one of its own defaults is used ("default …
// function called"), and nothing else shows that a built-in page or policy was reached. It says each sentence once per process, so
// a test listens from the start, in a process of its own.

import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

const notice = /oidc-provider (NOTICE|WARNING): (.*)/

/** The engine's sentences in some output, without the rest of it; in the order in which they were said. */
export function noticesIn(output: string): string[] {
  return output.split('\n').flatMap(line => notice.exec(line)?.[2] ?? [])
}

/** Those among them that say a default of the engine was called: a part that mintmark forgot to replace. */
export function calledDefaults(notices: readonly string[]): string[] {
  return notices.filter(line => /\bdefault .* function called\b/.test(line))
}

/**
 * Listens to console.info and console.warn while `work` runs; both still reach the console. Overlapping calls hear each other's
 * notices: run one at a time.
 */
export async function captureNotices<T>(
  work: () => Promise<T> | T
): Promise<{ result: T; notices: string[] }> {
  const heard: string[] = []
  const { info, warn } = console
  const listenTo =
    (original: typeof info): typeof info =>
    (...said) => {
      heard.push(said.map(String).join(' '))
      original.apply(console, said)
    }
  console.info = listenTo(info)
  console.warn = listenTo(warn)
  try {
    const result = await work()
    return { result, notices: noticesIn(heard.join('\n')) }
  } finally {
    console.info = info
    console.warn = warn
  }
}

/**
 * Listens to a child process with piped output. The array grows while the child speaks; it is complete after its `close` event.
 * Nothing is consumed: other readers of the same streams still get every byte.
 */
export function noticesOf(child: ChildProcess): string[] {
  if (child.stdout === null || child.stderr === null)
    throw new Error('noticesOf needs a child whose stdout and stderr are pipes (stdio: "pipe")')
  const notices: string[] = []
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', line => notices.push(...noticesIn(line)))
  return notices
}
