// What is fetched from addresses that strangers chose: every way of writing an inside address is refused before a byte, or even a
// connection, arrives there, and an answer is bounded in time, size and form.

import { once } from 'node:events'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer, type LookupFunction } from 'node:net'
import t, { type Test } from 'tap'
import { createOutbound, OutboundError, type OutboundOptions } from '../../src/lib/outbound.ts'
import { isPublicAddress } from '../../src/lib/special-addresses.ts'

/** Counts whoever connects, on both loopback addresses. */
async function sink(t: Test): Promise<{ port: number; connections: () => number }> {
  let connections = 0
  const server = createServer(socket => {
    connections += 1
    socket.destroy()
  })
  server.listen(0, '::')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { port: (server.address() as AddressInfo).port, connections: () => connections }
}

async function peer(t: Test, listener: RequestListener): Promise<string> {
  const server = createHttpServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function answering(...addresses: string[]): LookupFunction {
  return (_name, _options, callback) =>
    callback(
      null,
      addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 }))
    )
}

async function reasonOf(url: string, options: Partial<OutboundOptions> = {}): Promise<string> {
  const outbound = createOutbound({ allowed: [], inside: 'refused', ...options })
  try {
    await outbound.send(url)
    return 'answered'
  } catch (error) {
    return error instanceof OutboundError ? error.reason : String(error)
  }
}

/** Hosts as they may be written, and as WHATWG reads most of them: addresses of the inside. */
const insideHosts = [
  '127.0.0.1',
  '127.1',
  '127.255.255.254',
  '2130706433',
  '0x7f000001',
  '0x7f.0.0.1',
  '0177.0.0.1',
  '0.0.0.0',
  '0',
  '10.0.0.1',
  '100.64.0.1',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '192.0.0.192',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:a9fe:a9fe]',
  '[::127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[2002:7f00:1::]',
  '[2001:0:7f00:1::]',
  '[fe80::1]',
  '[fd00:ec2::254]',
  '[fc00::1]',
  '[ff02::1]',
  'localhost',
  '①②⑦.⓪.⓪.①',
  '127。0。0。1'
]

t.test('nobody inside is reached, however the address is written (RFC 6890)', async t => {
  const { port, connections } = await sink(t)
  for (const host of insideHosts) {
    t.equal(await reasonOf(`https://${host}:${port}/`), 'inside', host)
  }
  t.equal(connections(), 0, 'not even a connection')
  const control = createOutbound({ allowed: [], inside: 'loopback' })
  await control.send(`https://127.0.0.1:${port}/`).catch(() => undefined)
  t.equal(connections(), 1, 'the sink sees whoever does connect')
})

t.test('a name that leads inside is refused, also beside a public address', async t => {
  const { port, connections } = await sink(t)
  const url = `https://keys.example.com:${port}/`
  for (const addresses of [
    ['127.0.0.1'],
    ['::1'],
    ['::ffff:127.0.0.1'],
    ['169.254.169.254'],
    ['fd00:ec2::254'],
    ['192.0.43.7', '10.0.0.1'],
    []
  ]) {
    t.equal(await reasonOf(url, { lookup: answering(...addresses) }), 'inside', addresses.join())
  }
  t.equal(connections(), 0)
})

t.test('a name is looked up once, and what was judged is what is connected to', async t => {
  let asked = 0
  const origin = await peer(t, (_request, response) => response.end('here'))
  const url = origin.replace('127.0.0.1', 'rebind.example.com')
  const lookup: LookupFunction = (name, options, callback) => {
    asked += 1
    answering(asked === 1 ? '127.0.0.1' : '169.254.169.254')(name, options, callback)
  }
  const outbound = createOutbound({ allowed: ['127.0.0.0/8'], inside: 'loopback', lookup })
  t.equal((await outbound.send(url)).body.toString(), 'here')
  t.equal(asked, 1)
})

t.test('what the operator named is reached, and nothing beside it', async t => {
  const { port, connections } = await sink(t)
  const lookup = answering('127.0.0.1')
  const named = { allowed: ['keys.internal', '127.0.0.8/31'], lookup }
  t.equal(await reasonOf(`https://keys.internal:${port}/`, named), 'unreachable')
  t.equal(connections(), 1, 'by name')
  t.equal(await reasonOf(`https://127.0.0.9:${port}/`, named), 'unreachable')
  t.equal(connections(), 2, 'by range')
  t.equal(await reasonOf(`https://keys.internal.example.com:${port}/`, named), 'inside')
  t.equal(await reasonOf(`https://127.0.0.10:${port}/`, named), 'inside')
  t.equal(connections(), 2)
})

t.test('only https leaves this server, and http to itself in development', async t => {
  for (const url of ['http://example.com/', 'ftp://example.com/', 'file:///etc/passwd', 'nonsense'])
    t.equal(await reasonOf(url), 'scheme', url)
  const origin = await peer(t, (_request, response) => response.end('{}'))
  t.equal(await reasonOf(origin, { inside: 'loopback' }), 'answered')
  t.equal(await reasonOf('http://10.0.0.1/', { inside: 'loopback' }), 'inside')
})

t.test('redirects are not followed, and compressed answers not unpacked', async t => {
  const { port, connections } = await sink(t)
  const origin = await peer(t, (request, response) => {
    if (request.url === '/there') {
      response.writeHead(302, { location: `http://127.0.0.1:${port}/` }).end()
    } else response.writeHead(200, { 'content-encoding': 'gzip' }).end('bomb')
    t.equal(request.headers['accept-encoding'], 'identity')
  })
  t.equal(await reasonOf(`${origin}/there`, { inside: 'loopback' }), 'redirect')
  t.equal(connections(), 0)
  t.equal(await reasonOf(`${origin}/bomb`, { inside: 'loopback' }), 'compressed')
})

t.test('an answer has 64 KiB, whatever it says of its length', async t => {
  let sent = 0
  const origin = await peer(t, (request, response) => {
    if (request.url === '/fits') {
      response.end(Buffer.alloc(64 * 1024))
      return
    }
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(16 * 1024))) sent += 1
    }
    response.on('drain', more)
    more()
  })
  t.equal(await reasonOf(`${origin}/fits`, { inside: 'loopback' }), 'answered')
  t.equal(await reasonOf(`${origin}/endless`, { inside: 'loopback' }), 'too_large')
  t.ok(sent < 10_000, 'and the connection is closed then')
})

t.test('one deadline covers silence, slow headers and a slow body', async t => {
  const origin = await peer(t, (request, response) => {
    if (request.url === '/silent') return
    response.write('{')
    const drip = setInterval(() => response.write(' '), 20)
    response.on('close', () => clearInterval(drip))
  })
  const options: Partial<OutboundOptions> = { inside: 'loopback', deadlineMillis: 200 }
  for (const path of ['/silent', '/slow']) {
    t.equal(await reasonOf(`${origin}${path}`, options), 'timeout', path)
  }
  const lookup: LookupFunction = () => undefined
  const name = 'https://no-answer.example.com/'
  t.equal(await reasonOf(name, { ...options, lookup }), 'timeout', 'a name server that is silent')
})

t.test('as fetch, it answers as fetch does', async t => {
  const origin = await peer(t, (request, response) => {
    if (request.url === '/none') return void response.writeHead(204).end()
    let body = ''
    request.on('data', chunk => (body += chunk))
    request.on('end', () =>
      response
        .writeHead(201, { 'content-type': 'application/json', 'x-seen': request.method ?? '' })
        .end(JSON.stringify({ body }))
    )
  })
  const { fetch } = createOutbound({ allowed: [], inside: 'loopback' })
  const posted = await fetch(origin, { method: 'POST', body: 'a=1' })
  t.match([posted.status, posted.headers.get('x-seen')], [201, 'POST'])
  t.strictSame(await posted.json(), { body: 'a=1' })
  t.equal((await fetch(`${origin}/none`)).status, 204)
  await t.rejects(fetch(origin, { method: 'DELETE' }), TypeError)
  await t.rejects(fetch('https://[::1]/'), OutboundError)
})

t.test('public addresses are public', async t => {
  for (const address of ['1.1.1.1', '192.0.43.7', '172.32.0.1', '2606:4700::1111', '2a00::1'])
    t.ok(isPublicAddress(address), address)
  for (const nothing of ['', 'example.com', '1.1.1', '2606:4700::1111%eth0'])
    t.notOk(isPublicAddress(nothing), nothing)
})
