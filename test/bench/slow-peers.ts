// `npm run slow`: two thousand slow peers against a real server with the limits of production, and what that does to the latency of
// everybody else (fault 17, #204). Server, slow peers and the peers that are measured are processes of their own. Ends with a table, and
// with exit code 1 when a request failed or a slow peer was left open.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openSlowPeer, type SlowPeer, slowKinds } from '../support/slow-peers.ts'

const peerCount = 2_000
const perSecond = 50
/** of the measured requests, milliseconds */
const patience = 5_000
/** header and body limits, the longest answer, and a check's interval, with room */
const longestMillis = 45_000

interface Measured {
  p50: number
  p99: number
  failed: number
  /** why requests failed, and how often */
  reasons: Map<string, number>
  requests: number
}

/** Sends requests at a steady rate, whatever becomes of them, until `isOver`. */
async function measure(port: number, isOver: () => boolean): Promise<Measured> {
  const took: number[] = []
  let failed = 0
  const reasons = new Map<string, number>()
  const sent: Promise<void>[] = []
  const begun = performance.now()
  while (!isOver()) {
    const asked = performance.now()
    sent.push(
      fetch(`http://localhost:${port}/.well-known/openid-configuration`, {
        signal: AbortSignal.timeout(patience)
      })
        .then(async answer => {
          await answer.arrayBuffer()
          if (answer.status !== 200) failed += 1
          took.push(performance.now() - asked)
        })
        .catch(error => {
          failed += 1
          const why = String(error.cause?.code ?? error.cause ?? error)
          reasons.set(why, (reasons.get(why) ?? 0) + 1)
        })
    )
    await sleep(Math.max(0, begun + (sent.length * 1_000) / perSecond - performance.now()))
  }
  await Promise.all(sent)
  took.sort((a, b) => a - b)
  const at = (share: number) =>
    took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0
  return { p50: at(0.5), p99: at(0.99), failed, reasons, requests: sent.length }
}

/** The process of the slow peers: opens them, and tells when the last one was closed. */
async function beSlow(port: number): Promise<void> {
  const begun = performance.now()
  const longest = new Map<string, number>()
  let left = peerCount
  const peers: SlowPeer[] = []
  for (let at = 0; at < peerCount; at += 1) {
    // four hundred a second: slowness is measured here, not the rush of their coming
    if (at % 40 === 0) await sleep(100)
    // few that leave answers unread: each of them costs ten answers at once, which is load, not slowness
    const kind = at % 20 === 0 ? 'unread answers' : (slowKinds[at % 3] ?? 'silent')
    const peer = openSlowPeer(port, kind, 1_000)
    peers.push(peer)
    const opened = performance.now()
    void peer.closed.then(() => {
      left -= 1
      longest.set(kind, Math.max(longest.get(kind) ?? 0, performance.now() - opened))
    })
  }
  while (left > 0 && performance.now() - begun < longestMillis) await sleep(100)
  const seconds = [...longest].map(([kind, took]) => [kind, (took / 1_000).toFixed(1)])
  process.send?.({ left, seconds: Object.fromEntries(seconds) })
  for (const { socket } of peers) socket.destroy()
}

async function startServer(folder: string): Promise<{ child: ChildProcess; port: number }> {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('../../bin/mintmark.mjs', import.meta.url)), 'start'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: folder,
      env: {
        PATH: process.env['PATH'],
        MINTMARK_DATA: join(folder, 'data'),
        MINTMARK_HTTP__CONNECTIONS_PER_ADDRESS: String(peerCount * 2)
      }
    }
  )
  let out = ''
  for await (const chunk of child.stdout) {
    out += chunk
    if (out.includes('WARNING development mode')) break
  }
  child.stdout.resume()
  return { child, port: Number(/Issuer +http:\/\/localhost:(\d+)/.exec(out)?.[1]) }
}

async function run(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'mm-slow-'))
  const { child, port } = await startServer(folder)
  try {
    // as long as the slow ones live: a p99 of few requests is chance
    const until = performance.now() + 27_000
    await measure(port, () => performance.now() > until - 25_000)
    const alone = await measure(port, () => performance.now() > until)
    const slow = spawn(process.execPath, [fileURLToPath(import.meta.url), String(port)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc']
    })
    const report = once(slow, 'message')
    let isOver = false
    void report.then(() => {
      isOver = true
    })
    const beside = await measure(port, () => isOver)
    const [{ left, seconds }] = (await report) as [{ left: number; seconds: object }]
    const row = (name: string, { p50, p99, failed, requests }: Measured) =>
      `| ${name} | ${requests} | ${failed} | ${p50.toFixed(1)} | ${p99.toFixed(1)} |`
    process.stdout.write(
      `${[
        '| peers | requests | failed | p50 ms | p99 ms |',
        '|---|---|---|---|---|',
        row('none', alone),
        row(`${peerCount} slow ones`, beside),
        '',
        ...[...beside.reasons].map(([why, times]) => `${times} times ${why}`),
        `p99 beside slow peers is ${(beside.p99 / alone.p99).toFixed(2)} of that without.`,
        `${left} of ${peerCount} slow peers were left open; the longest of a kind lived (s): ${JSON.stringify(seconds)}`
      ].join('\n')}\n`
    )
    return left === 0 && alone.failed + beside.failed === 0
  } finally {
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
}

const port = Number(process.argv[2] ?? 0)
if (port > 0) await beSlow(port)
else process.exitCode = (await run()) ? 0 : 1
