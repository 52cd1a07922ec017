// HTTP below the protocol: the name that a request uses, the spelling of its target, messages that proxies read in two ways, peers that
// send slowly, and requests that never end.

import { connect, type Socket } from 'node:net'
import t from 'tap'
import { endpoints } from '../../src/protocol/configuration.ts'
import { api } from '../support/configuration.ts'
import { type Arena, assertUnharmed, startArena } from './arena.ts'
import { authorizeQuery, basic, form, type Headers } from './endpoints.ts'
import { type Answer, bytesOf, exchangeBytes, type Wire } from './wire.ts'

const discovery = '/.well-known/openid-configuration'

/** What may differ between two answers to the same request. */
function comparable({ status, headers, text }: Answer): unknown {
  const { date: _, ...kept } = headers
  return { status, headers: kept, text }
}

/** Headers by which a peer that is no proxy of ours claims another name or address. */
const claims: Headers[] = [
  [['x-forwarded-host', 'evil.example']],
  [['x-forwarded-proto', 'https']],
  [['x-forwarded-port', '8443']],
  [['x-forwarded-prefix', '/evil']],
  [['x-forwarded-server', 'evil.example']],
  [['forwarded', 'host=evil.example;proto=https;for=1.2.3.4']],
  [['x-original-url', '/oauth/token']],
  [['x-rewrite-url', '/oauth/token']],
  [['x-http-method-override', 'DELETE']],
  [['x-host', 'evil.example']],
  [['x-original-host', 'evil.example']],
  [
    ['x-forwarded-host', 'evil.example'],
    ['x-forwarded-proto', 'https'],
    ['via', '1.1 evil.example']
  ]
]

t.test('what a request claims about us changes no byte (RFC 9700 §4.13)', async t => {
  const arena = await startArena(t)
  const wires: Wire[] = [
    { target: discovery },
    { target: '/.well-known/oauth-authorization-server' },
    { target: '/logout/success' },
    { target: endpoints.userinfo },
    {
      method: 'POST',
      target: endpoints.token,
      headers: [form, basic('web', 'wrong')],
      body: 'a=b'
    }
  ]
  for (const wire of wires) {
    const plain = comparable(await arena.send(wire))
    for (const claim of claims) {
      const answer = await arena.send({ ...wire, headers: [...(wire.headers ?? []), ...claim] })
      t.same(
        comparable(answer),
        plain,
        `${wire.target} with ${claim.map(([name]) => name).join(', ')}`
      )
    }
  }
  const { issuer, ...metadata } = JSON.parse((await arena.send(wires[0] as Wire)).text)
  t.equal(issuer, arena.issuer)
  for (const [member, value] of Object.entries(metadata)) {
    if (typeof value === 'string') t.ok(value.startsWith(`${arena.issuer}/`), member)
  }
  await assertUnharmed(t, arena)
})

t.test('a foreign Host is 421, for clients and for people', async t => {
  const arena = await startArena(t)
  const { port } = arena
  const names = [
    'evil.example',
    `evil.example:${port}`,
    `127.0.0.1:${port}`,
    `[::1]:${port}`,
    'localhost',
    `localhost:${port + 1}`,
    `localhost.:${port}`,
    `localhost:${port}@evil.example`,
    `localhost:${port}, evil.example`,
    `localhost:${port}/x`,
    `evil.example#localhost:${port}`,
    ''
  ]
  for (const name of names) {
    for (const target of [discovery, endpoints.token, `/authorize?${authorizeQuery}`, '/device']) {
      const method = target === endpoints.token ? 'POST' : 'GET'
      const wire: Wire = { method, target, headers: [['host', name]] }
      const answer = await arena.send(wire)
      t.equal(answer.status, 421, `${method} ${target} at '${name}'`)
      const reader = answer.text.startsWith('{') ? 'client' : 'person'
      t.same(arena.problemsOf({ reader }, wire, answer), [])
      t.notMatch(answer.text, /evil\.example/, 'the name is not repeated')
    }
  }
  const absolute = await arena.send({ target: `http://evil.example${discovery}` })
  t.equal(absolute.status, 421, 'absolute form with a foreign host (RFC 9112 §3.2.2)')
  const twice = await arena.send({
    target: discovery,
    headers: [
      ['host', arena.host],
      ['host', 'evil.example']
    ]
  })
  t.equal(twice.status, 400, 'two Host headers (RFC 9112 §3.2)')
  const helpful = await arena.send({
    target: '/device',
    headers: [['host', `127.0.0.1:${port}`]]
  })
  t.match(helpful.text, `${arena.issuer}/device`, 'a person is led to the right address')
  await assertUnharmed(t, arena)
})

t.test('our own name is taken in every spelling of it (RFC 9110 §4.2.3)', async t => {
  const arena = await startArena(t)
  const plain = await arena.send({ target: discovery })
  const shouted = await arena.send({
    target: discovery,
    headers: [['host', arena.host.toUpperCase()]]
  })
  t.same(comparable(shouted), comparable(plain), 'upper case')
  const absolute = await arena.send({ target: `${arena.issuer}${discovery}` })
  t.same(comparable(absolute), comparable(plain), 'absolute form')
  const page = await arena.send({ target: `${arena.issuer}/device` })
  t.match(page.text, `action="${arena.issuer}/device"`, 'the form of a page asked by absolute form')
})

t.test('a path in another spelling decides nothing differently', async t => {
  const arena = await startArena(t)
  const body = new URLSearchParams({ grant_type: 'client_credentials', resource: api }).toString()
  const spellings = [
    '//oauth/token',
    '/oauth//token',
    '/oauth/token/',
    '/OAuth/Token',
    '/oauth/%74oken',
    '/oauth%2ftoken',
    '/oauth/token%00',
    '/oauth/token;x=y',
    '/oauth/./token',
    '/oauth/x/../token',
    '/oauth/%2e/token',
    '/oauth/token.',
    '/oauth/token%20',
    '/oauth\\token',
    '*'
  ]
  for (const target of spellings) {
    const wire: Wire = { method: 'POST', target, headers: [form, basic('billing')], body }
    const answer = await arena.send(wire)
    t.equal(answer.status, 404, target)
    t.notMatch(answer.text, 'access_token', target)
    const reader = target === '/oauth/%74oken' ? 'client' : 'person'
    t.same(arena.problemsOf({ reader }, wire, answer), [], target)
  }
  const canonical: Wire = { method: 'POST', target: '/oauth/token?#', headers: [form], body }
  t.equal((await arena.send(canonical)).status, 401, 'the canonical path asks for authentication')
  for (const target of ['/%', '/%zz', '/authorize/%', '/interaction/%ff', '/device/%E0%A4%A']) {
    const wire: Wire = { target }
    const answer = await arena.send(wire)
    t.equal(answer.status, 400, target)
    t.same(arena.problemsOf({ reader: 'person' }, wire, answer), [], target)
  }
  const long = await arena.send({ target: `/interaction/${'x'.repeat(400)}` })
  t.equal(long.status, 414)
  await assertUnharmed(t, arena)
})

t.test('a message that can be read in two ways is 400, and the connection ends', async t => {
  const arena = await startArena(t)
  const { host, port } = arena
  const second = `GET /smuggled HTTP/1.1\r\nHost: ${host}\r\n\r\n`
  const head = (...lines: string[]) =>
    `POST /oauth/token HTTP/1.1\r\n${[`Host: ${host}`, ...lines].join('\r\n')}\r\n\r\n`
  const messages: Record<string, string> = {
    'content-length and transfer-encoding': `${head('Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n${second}`,
    'two content-lengths': head('Content-Length: 0', 'Content-Length: 5') + second,
    'a list for a content-length': head('Content-Length: 0, 5') + second,
    'a signed content-length': head('Content-Length: +5') + second,
    'a hexadecimal content-length': head('Content-Length: 0x5') + second,
    'chunked, but not last': `${head('Transfer-Encoding: chunked, identity')}0\r\n\r\n${second}`,
    'a misspelt transfer-encoding': `${head('Transfer-Encoding: xchunked')}0\r\n\r\n${second}`,
    'a space before the colon': head('Content-Length : 5') + second,
    'obs-fold': head('X-A: b', ' Content-Length: 5') + second,
    'a bare LF between headers': `POST /oauth/token HTTP/1.1\nHost: ${host}\n\n${second}`,
    'a bare CR in a header': head('X-A: b\rContent-Length: 5') + second,
    'a NUL in a header': head('X-A: \0') + second,
    'a broken chunk size': `${head('Transfer-Encoding: chunked')}zz\r\n\r\n${second}`,
    'a bare LF behind a chunk size': `${head('Transfer-Encoding: chunked')}1\na\n0\n\n${second}`,
    'HTTP/0.9': `GET ${discovery}\r\n\r\n`,
    'HTTP/2 preface': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'no Host': `GET ${discovery} HTTP/1.1\r\n\r\n`,
    'a TLS handshake': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'
  }
  for (const [title, message] of Object.entries(messages)) {
    const answer = await exchangeBytes(port, Buffer.from(message, 'latin1'))
    // what has no version has no Host either
    const status = title === 'HTTP/0.9' ? 421 : 400
    t.equal(answer?.status ?? status, status, title)
    t.notMatch(
      answer?.text ?? '',
      /smuggled|There is no such page|HTTP\/1\.1/,
      `${title}: no second answer`
    )
  }
  const paths = arena.log.map(line => (line['req'] as { path?: string } | undefined)?.path)
  t.notOk(paths.includes('/smuggled'), 'nothing was routed that stood in a body')
  await assertUnharmed(t, arena)
})

t.test('headers of 100 KB and a target of 40 KB are 431 with a sentence', async t => {
  const arena = await startArena(t)
  const wires: Wire[] = [
    { target: discovery, headers: [['x-long', 'x'.repeat(100_000)]] },
    {
      target: discovery,
      headers: Array.from({ length: 3000 }, (_, at) => [`x-${at}`, 'abcdefgh'] as const)
    },
    { target: `/authorize?${authorizeQuery}&ui_locales=${'en%20'.repeat(8000)}` },
    { target: `/authorize?${authorizeQuery}`, headers: [['cookie', `a=${'x'.repeat(40_000)}`]] }
  ]
  for (const wire of wires) {
    const answer = await arena.send(wire)
    t.equal(answer.status, 431)
    t.match(JSON.parse(answer.text), { error: 'invalid_request', error_description: /16 KiB/ })
  }
  await assertUnharmed(t, arena)
})

/** Opens a connection that says `beginning` and then a byte a moment; resolves with what came back when the server has closed it. */
function drip(
  port: number,
  beginning: string,
  byte: string
): { closed: Promise<string>; socket: Socket } {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  const timer = setInterval(() => socket.write(byte), 50)
  const closed = new Promise<string>(resolve => {
    socket.on('data', chunk => (received += chunk.toString('latin1')))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearInterval(timer)
      resolve(received)
    })
  })
  socket.write(beginning)
  return { closed, socket }
}

t.test('peers that send slowly are closed, and others are served meanwhile', async t => {
  const arena = await startArena(t)
  const { port, host, server } = arena
  // the limits of production take half a minute; Node reads them at each of its checks
  t.ok(
    server.app.server.headersTimeout > 0 && server.app.server.requestTimeout > 0,
    'both limits are set'
  )
  server.app.server.headersTimeout = 300
  server.app.server.requestTimeout = 600
  const headers = Array.from({ length: 20 }, () =>
    drip(port, `POST /oauth/token HTTP/1.1\r\nHost: ${host}\r\nX-Slow: `, 'x')
  )
  const slowBody = (target: string) =>
    drip(
      port,
      `POST ${target} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ${form[1]}\r\nContent-Length: 5000\r\n\r\n`,
      'a'
    )
  const targets = [
    '/oauth/token',
    '/oauth/introspect',
    '/oauth/par',
    '/device',
    '/language',
    '/interaction/x'
  ]
  const bodies = targets.map(slowBody)
  const served = await Promise.all(
    Array.from({ length: 20 }, () => arena.send({ target: discovery }))
  )
  t.ok(
    served.every(({ status }) => status === 200),
    'others are served'
  )
  const answers = await Promise.all([...headers, ...bodies].map(({ closed }) => closed))
  t.ok(
    answers.every(text => text === '' || text.startsWith('HTTP/1.1 408 ')),
    'each was told 408, or nothing'
  )
  await assertUnharmed(t, arena)
})

/** A client that goes away in the middle of its request. */
async function abandon(arena: Arena, wire: Wire, keep: number) {
  const bytes = bytesOf(arena.host, wire)
  const socket = connect(arena.port, '127.0.0.1')
  socket.on('error', () => undefined)
  await new Promise(resolve => socket.write(bytes.subarray(0, bytes.length - keep), resolve))
  socket.resetAndDestroy()
  await new Promise(resolve => socket.once('close', resolve))
}

t.test('a client that goes away in the middle leaves nothing behind', async t => {
  const arena = await startArena(t)
  for (const endpoint of arena.table) {
    if (endpoint.sound.body === undefined) continue
    await abandon(arena, endpoint.sound, 3)
    await abandon(arena, endpoint.sound, 0)
  }
  await assertUnharmed(t, arena)
})
