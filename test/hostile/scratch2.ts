import t from 'tap'
import { exchange, type Wire } from './wire.ts'
import { startTestServer } from '../support/server.ts'
t.test('x', async t => {
  const s = await startTestServer(t, { registration: { enabled: true } })
  const url = new URL(s.issuer); const port = Number(url.port)
  const a = await exchange(port, url.host, { method: 'POST', target: '/device', headers: [['content-type','application/x-www-form-urlencoded']], body: 'a=1' })
  console.log(a)
  console.log(s.log.filter(l => l['level'] === 'error'))
})
