// One session and two processes of its app, with their sessions in PostgreSQL: requests at both at once refresh its tokens once, and one process
// that is killed costs nothing.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { freePort } from '../support/server.ts'
import { createVisitor, startSetting } from './app.ts'

const setting = await startSetting(t)
const { now: _, ...options } = setting.options

async function startProcess(port: number): Promise<ChildProcess> {
  const file = fileURLToPath(new URL('./app-process.ts', import.meta.url))
  const child = fork(file, [setting.server.databaseUrl, String(port), JSON.stringify(options)])
  t.teardown(async () => {
    if (child.exitCode === null && child.kill()) await once(child, 'exit')
  })
  await once(child, 'message')
  return child
}

t.test('two processes refresh the tokens of a session once, and either may die', async t => {
  const ports = [Number(new URL(setting.appUrl).port), await freePort()] as const
  const processes = await Promise.all(ports.map(startProcess))
  const visitor = createVisitor(setting)
  await visitor.signIn()
  const headers = { cookie: `session=${visitor.atApp.cookies().get('session')}` }
  const ask = async (port: number) => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/token`, { headers })
    return [answer.status, await answer.text()] as const
  }
  const refreshes = async () => {
    const counts = ports.map(async port =>
      (await fetch(`http://127.0.0.1:${port}/refreshes`)).text()
    )
    return (await Promise.all(counts)).reduce((sum, one) => sum + Number(one), 0)
  }
  async function turnClocks(ahead: number) {
    for (const child of processes.filter(one => one.connected)) {
      child.send(ahead)
      await once(child, 'message')
    }
  }

  const tokens = new Set<string>()
  for (const [round, ahead] of [575, 1_180, 1_780].entries()) {
    await turnClocks(ahead)
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(ports[i % 2] ?? 0)))
    t.ok(all.every(([status]) => status === 200))
    t.equal(await refreshes(), round + 1)
    const [[, one], [, two]] = [await ask(ports[0]), await ask(ports[1])]
    t.equal(one, two)
    tokens.add(one)
  }
  t.equal(tokens.size, 3)

  const [first] = processes
  await turnClocks(2_400)
  const dying = ask(ports[0]).catch(() => undefined)
  first?.kill('SIGKILL')
  await dying
  await turnClocks(2_420)
  t.equal((await ask(ports[1]))[0], 200, 'whatever the dead one had begun')
})
