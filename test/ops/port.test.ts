// Which port the server takes: src/ops/port.ts, with listeners that really are in the way.

import { once } from 'node:events'
import { createServer } from 'node:net'
import t, { type Test } from 'tap'
import { holdPort } from '../../src/ops/port.ts'
import { freePort } from '../support/server.ts'

const host = '127.0.0.1'

async function occupy(t: Test, port: number, address = host): Promise<void> {
  const server = createServer().listen(port, address)
  t.teardown(() => server.close())
  await once(server, 'listening')
}

t.test('a port is held until the server listens', async t => {
  const configured = await freePort()
  const held = await holdPort({ host, configured, remembered: undefined })
  t.match(held, { port: configured, note: undefined })
  const refused = holdPort({ host, configured, remembered: undefined })
  await t.rejects(refused, { code: 'busy', message: /^Port \d+ is taken by another process\. End/ })
  held.release()
  await occupy(t, configured)
})

t.test('a remembered port that is taken is refused, on ::1 as well', async t => {
  const configured = undefined
  const remembered = await freePort()
  const held = await holdPort({ host, configured, remembered })
  t.equal(held.port, remembered)
  held.release()
  try {
    // where browsers go first with http://localhost
    await occupy(t, remembered, '::1')
  } catch {
    t.comment('no IPv6 here')
    await occupy(t, remembered)
  }
  const refused = holdPort({ host, configured, remembered })
  await t.rejects(refused, { code: 'busy', message: /set MINTMARK_PORT to another port once\.$/ })
})

t.test('an address of another machine is refused', async t => {
  const refused = holdPort({ host: '192.0.2.1', configured: 3000, remembered: undefined })
  await t.rejects(refused, {
    code: 'configuration_invalid',
    message: /EADDRNOTAVAIL.*MINTMARK_HOST/
  })
})
