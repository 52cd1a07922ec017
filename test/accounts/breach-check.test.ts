// The look-up of new passwords among stolen ones, against a server that plays the range API: five digits leave, a padded answer is read, and
// whoever does not answer refuses nobody (ASVS §6.2.12, check 161).

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { type BreachAnswer, createBreachCheck } from '../../src/accounts/breach-check.ts'
import { createNewPasswordCheck } from '../../src/accounts/new-password.ts'
import { createOutbound } from '../../src/lib/outbound.ts'

const stolen = 'kestrel lantern quarry'
const digestOf = (text: string) => createHash('sha1').update(text).digest('hex').toUpperCase()
const asked: IncomingMessage[] = []
let answer = (_: IncomingMessage, response: ServerResponse): void => {
  const padding = Array.from({ length: 800 }, (_, n) => `${digestOf(`pad ${n}`).slice(5)}:0`)
  const lines = [`${digestOf(stolen).slice(5)}:37`, `${digestOf('padded one').slice(5)}:0`]
  response.end([...padding, ...lines].join('\r\n'))
}
const server = createServer((request, response) => {
  asked.push(request)
  answer(request, response)
}).listen(0, '127.0.0.1')
await once(server, 'listening')
t.teardown(() => {
  server.closeAllConnections()
  server.close()
})

const counted: BreachAnswer[] = []
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/range`
const outbound = createOutbound({ allowed: [], inside: 'loopback', deadlineMillis: 300 })
const check = createNewPasswordCheck({
  contextWords: ['mintmark'],
  breaches: createBreachCheck({ url, outbound, count: one => void counted.push(one) })
})

t.test('a stolen password is refused; five digits of its digest leave the server', async t => {
  t.strictSame(await check(stolen, {}), { ok: false, reason: 'password_breached' })
  t.match(await check('kestrel lantern moss', {}), { ok: true })
  t.match(await check('padded one', {}), { ok: true }, 'a padding line counts nothing')
  t.equal(asked[0]?.url, `/range/${digestOf(stolen).slice(0, 5)}`)
  t.equal(asked[0]?.headers['add-padding'], 'true')
  t.notOk(asked.some(({ url = '' }) => url.length > '/range/'.length + 5))
  t.strictSame(counted, ['known', 'unknown', 'unknown'])
})

t.test('what the policy refuses is asked of nobody', async t => {
  const before = asked.length
  t.match(await check('Password123', {}), { ok: false, reason: 'password_common' })
  t.match(await check('ada lovelace', { name: 'Ada Lovelace' }), { reason: 'password_guessable' })
  t.match(await check('abcdabcd', {}), { reason: 'password_weak' })
  t.equal(asked.length, before)
})

t.test('without an answer the password is accepted, and counted', async t => {
  const failures: (typeof answer)[] = [
    (_, response) => void response.writeHead(503).end(),
    (_, response) => void response.writeHead(302, { location: url }).end(),
    (_, response) => void response.end('x'.repeat(300 * 1024)),
    (request, _) => void request.socket.destroy(),
    () => {}
  ]
  for (const failure of failures) {
    answer = failure
    counted.length = 0
    t.match(await check(stolen, {}), { ok: true })
    t.strictSame(counted, ['no_answer'])
  }
})
