// Malformed and forged JWTs at every place that reads one: refused, in words, at once, without fetching anything that their headers name, and
// without ever being believed. The places are those of the source: one that is missing in the table is found.

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { endpoints } from '../../src/protocol/configuration.ts'
import { assertUnharmed, startArena } from './arena.ts'
import { basic, form } from './endpoints.ts'
import { forgeries } from './forgeries.ts'
import { genuine } from './jwt-kinds.ts'
import type { Place } from './jwt-place.ts'
import { startPlaces } from './jwt-places.ts'
import { atEndpoints, readers } from './jwt-readers.ts'
import type { Answer } from './wire.ts'

/** Counts who connects, at an address that forged headers name. */
async function startSink(t: Test) {
  let connections = 0
  const server = createServer((_request, response) => response.end('{"keys":[]}'))
  server.on('connection', () => void connections++)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise(resolve => server.close(resolve)))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, connections: () => connections }
}

/** The ports that anybody in this process connects to, whoever listens there. */
function watchConnections(t: Test): Set<number> {
  const ports = new Set<number>()
  const opened = (message: unknown) => {
    const { socket } = message as { socket: Socket }
    socket.on('connectionAttempt', (_address: string, port: number) => void ports.add(port))
  }
  subscribe('net.client.socket', opened)
  t.teardown(() => unsubscribe('net.client.socket', opened))
  return ports
}

const everything = process.env['MINTMARK_FORGERIES'] === 'all'

/** What a header cannot carry is refused by the parser of HTTP. */
const fitsHeader = (jwt: string) => /^[\x21-\x7e]*$/.test(jwt) && jwt.length < 10_000

t.test('forged tokens are refused wherever a token is read, and nothing is fetched', async t => {
  const sink = await startSink(t)
  const { arena, places, host } = await startPlaces(t)
  const ports = watchConnections(t)

  const nothing: Answer = { status: 0, headers: {}, text: '{}' }
  /** How an answer reads, and what is wrong with it in any case. */
  async function shown(place: Place, jwt: string) {
    if (place.read !== undefined) {
      const verdict = await place.read(jwt)
      return { answer: { ...nothing, status: verdict === 'accepted' ? 200 : 401 }, problems: [] }
    }
    const wire = await place.wire?.(jwt)
    if (wire === undefined) throw new Error(`${place.name} has no wire`)
    const answer = await arena.send(wire)
    const reader = [endpoints.authorization, endpoints.end_session].some(path =>
      wire.target.startsWith(path)
    )
    const problems = arena.problemsOf({ reader: reader ? 'person' : 'client' }, wire, answer)
    return { answer, problems }
  }

  const named = new Set(Object.values(readers).flatMap(where => ('never' in where ? [] : where)))
  t.same([...named].sort(), places.map(({ name }) => name).sort(), 'each place has its reader')
  const reached = places.filter(({ read }) => read === undefined).map(({ name }) => name)
  t.same(Object.values(atEndpoints).flat().sort(), reached.sort(), 'and its endpoint')

  for (const place of places) {
    const { name, kind, except = {} } = place
    if (place.goodUntilShown === undefined) {
      const { answer } = await shown(place, genuine(kind))
      t.ok(place.accepted(answer), `${name}: the genuine one is accepted`)
    }
    const failures: string[] = []
    const all = await forgeries(genuine(kind), kind.publicJwk, sink.url, kind)
    const chosen = all.filter((_, index) => !place.thin || everything || index % 4 === 0)
    const fitting = place.inHeader ? chosen.filter(([, jwt]) => fitsHeader(jwt)) : chosen
    const times: number[] = []
    for (const [title, jwt] of fitting) {
      if (title in except) continue
      const begun = performance.now()
      const { answer, problems } = await shown(place, jwt)
      times.push(performance.now() - begun)
      if (!place.refused(answer)) problems.push(`status ${answer.status}`)
      for (const problem of problems)
        failures.push(`${title}: ${problem} — ${answer.text.slice(0, 200)}`)
    }
    t.same(failures, [], `${name}: ${times.length} forgeries`)
    const slowest = Math.max(...times).toFixed(1)
    const median = times.toSorted((a, b) => a - b)[times.length >> 1]?.toFixed(1)
    t.comment(`${name}: ${median} ms, at most ${slowest} ms`)
  }

  for (const place of places) {
    t.not(await place.goodUntilShown?.(), false, `${place.name}: no forgery did anything`)
    const { answer } = await shown(place, genuine(place.kind))
    t.ok(place.accepted(answer), `${place.name}: the genuine one outlived them all`)
    t.not(await place.goodUntilShown?.(), true, `${place.name}: and does what it is for`)
  }
  t.equal(sink.connections(), 0, 'nobody asked the addresses in the headers')
  const known = [arena.port, Number(new URL(host.url).port)]
  t.same(
    [...ports].filter(port => !known.includes(port)),
    [],
    'nobody connected anywhere else'
  )
  // unknown keys cost a question a minute (jwks-uri.test.ts)
  for (const path of ['/ci/keys', '/bundle']) t.ok(host.askedFor(path) <= 3, path)
  await assertUnharmed(t, arena)
})

t.test('every place of the source that reads a JWT is in the table', t => {
  const root = fileURLToPath(new URL('../../', import.meta.url))
  const reads =
    /\b(jwtVerify|(compact|flattened|general)(Verify|Decrypt)|jwtDecrypt|decodeJwt|decodeProtectedHeader|EmbeddedJWK|createTrustedIssuers|authorizationCodeGrant|IdToken\.validate|JWT\.(verify|decode|header|payload|decrypt))\b/
  const engine = 'node_modules/oidc-provider/lib/'
  const found = ['src/', engine].flatMap(folder =>
    readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
      .filter(name => /\.[jt]s$/.test(name))
      .map(name => folder + name)
      .filter(path => reads.test(readFileSync(root + path, 'utf8')))
      .map(path => path.replace(engine, 'oidc-provider/'))
  )
  t.same(found.sort(), Object.keys(readers).sort())
  t.end()
})

t.test('a token of 1 MB is refused unread at every endpoint that takes one', async t => {
  const arena = await startArena(t)
  const huge = '.'.repeat(1024 * 1024)
  for (const target of [endpoints.userinfo, endpoints.introspection, endpoints.revocation]) {
    const wire = {
      method: 'POST',
      target,
      headers: [form, basic('web')],
      body: `token=${huge}&access_token=${huge}`
    }
    const answer = await arena.send(wire)
    t.equal(answer.status, 413, target)
    t.same(arena.problemsOf({ reader: 'client' }, wire, answer), [])
  }
  const wire = {
    target: endpoints.userinfo,
    headers: [['authorization', `Bearer ${huge}`]] as const
  }
  t.equal((await arena.send(wire)).status, 431, 'in a header')
  await assertUnharmed(t, arena)
})
