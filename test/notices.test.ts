// Shows that test/support/notices.ts hears the real engine: a Provider with nothing configured is made to call its own default page,
// here and in a child process. Without this, a test that finds no notice would prove nothing.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import Provider from 'oidc-provider'
import t from 'tap'
import { calledDefaults, captureNotices, noticesIn, noticesOf } from './support/notices.ts'

/** Asks a Provider that is configured by nobody for its device page. */
async function askForTheDefaultPage() {
  const provider = new Provider('http://localhost', { features: { deviceFlow: { enabled: true } } })
  const server = createServer(provider.callback()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const answer = await fetch(`http://127.0.0.1:${port}/device`)
  await answer.text()
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
  return answer.status
}

if (process.argv[2] === 'ask') await askForTheDefaultPage()
else {
  t.test('a default of the engine that was called is heard', async t => {
    const before = console.info
    const { result, notices } = await captureNotices(askForTheDefaultPage)
    t.equal(result, 200)
    t.match(calledDefaults(notices), [/userCodeInputSource/])
    t.ok(notices.length > calledDefaults(notices).length, 'its other warnings are kept apart')
    t.equal(console.info, before, 'the console is given back')
  })

  t.test('the console is given back when the work fails', async t => {
    const before = console.warn
    await t.rejects(
      captureNotices(() => Promise.reject(new Error('no'))),
      { message: 'no' }
    )
    t.equal(console.warn, before)
  })

  t.test('a default that was called in a child process is heard', async t => {
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), 'ask'], {
      env: { PATH: process.env['PATH'] },
      stdio: 'pipe'
    })
    const notices = noticesOf(child)
    await once(child, 'close')
    t.match(calledDefaults(notices), [/userCodeInputSource/])
  })

  t.test('other lines are not taken for notices', async t => {
    t.strictSame(noticesIn('default page function called\n{"level":30}\n'), [])
  })
}
