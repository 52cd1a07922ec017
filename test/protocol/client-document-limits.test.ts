// What strangers can make this server do with addresses of client metadata documents: so many requests a minute, so many rows, one request
// for a document however many processes want it, and nothing that stays when nobody uses it.

import t from 'tap'
import { createClientDocumentStore } from '../../src/store/client-documents.ts'
import { startDocumentHost } from '../support/document-host.ts'
import { startServerProcess } from '../support/processes.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { type App, createRequests, publicly } from './requests.ts'

const host = await startDocumentHost(t)
const enabled = (limits: object) => ({
  clientMetadataDocuments: { enabled: true, fetches: 1000, ...limits }
})
const appAt = (clientId: string): App => ({
  clientId,
  redirectUri: `${host.origin}/callback`,
  caller: publicly(clientId)
})
const paths = (name: string, count: number) =>
  Array.from({ length: count }, (_, index) => `/${name}-${index}`)
const fetched = (of: readonly string[]) => of.reduce((sum, path) => sum + host.asked(path), 0)

async function askFor(server: TestServer, of: readonly string[]): Promise<number[]> {
  const requests = createRequests(server)
  const statuses: number[] = []
  for (const path of of) {
    statuses.push((await requests.authorize({ app: appAt(host.put(path)) })).status)
  }
  return statuses
}

t.test('so many documents a minute, and those that people use all the same', async t => {
  const server = await startTestServer(t, enabled({ fetches: 3 }))
  const { database } = server.store
  const requests = createRequests(server)
  const used = host.put('/used')
  await requests.code({ app: appAt(used) })
  const others = paths('total', 5)
  t.same(await askFor(server, others), [303, 303, 400, 400, 400])
  t.equal(fetched(others), 2)
  t.ok(server.log.some(({ msg }) => String(msg).startsWith('too many client')))

  const { rows } = await database.run<{ count: number }>(
    'test.fetches',
    'SELECT count(*)::int AS count FROM document_fetches'
  )
  t.equal(rows[0]?.count, 3, 'a refused one leaves no row')
  await database.run(
    'test.old',
    `WITH gone AS (DELETE FROM document_fetches WHERE client_id = '${used}'),
       old AS (UPDATE client_documents SET fresh_until = clock_time() - interval '1 s' WHERE client_id = '${used}')
     UPDATE clients SET updated_at = clock_time() WHERE client_id = '${used}'`
  )
  // until the change is heard of
  for (let looks = 0; host.asked('/used') < 2 && looks < 100; looks += 1) {
    await requests.code({ app: appAt(used) })
  }
  t.equal(host.asked('/used'), 2)
})

t.test('so many of one host or for one address', async t => {
  const server = await startTestServer(t, enabled({}))
  const many = paths('host', 24)
  const statuses = await askFor(server, many)
  t.equal(statuses.filter(status => status === 303).length, 20)
  t.equal(fetched(many), 20)
})

t.test('so many rows, of one host and in all', async t => {
  const server = await startTestServer(t, enabled({ rowsPerHost: 2 }))
  t.same(await askFor(server, paths('per-host', 3)), [303, 303, 400])
  const small = await startTestServer(t, enabled({ rows: 1 }))
  t.same(await askFor(small, paths('rows', 2)), [303, 400])
  const line = small.log.findLast(({ clientId }) => clientId !== undefined)
  t.match(line, { msg: /no room/ })
})

t.test('a document that nobody has consented to leaves after an hour', async t => {
  const server = await startTestServer(t, enabled({}))
  const { database } = server.store
  const requests = createRequests(server)
  const store = createClientDocumentStore(database)
  const kept = host.put('/kept')
  await requests.code({ app: appAt(kept) })
  const blocked = host.put('/kept-out')
  await requests.authorize({ app: appAt(blocked) })
  await server.server.clients.disable(blocked)
  await askFor(server, paths('unused', 3))
  t.equal(await store.removeUnused(), 0)
  await requests.turnClock(3700)
  t.equal(await store.removeUnused(), 3)
  const { rows } = await database.run<{ client_id: string }>(
    'test.left',
    `SELECT client_id FROM clients WHERE owner = 'document' ORDER BY client_id`
  )
  t.same(
    rows.map(row => row.client_id),
    [kept, blocked]
  )
})

t.test('however many processes want a document, one fetches it', async t => {
  const overrides = enabled({})
  const server = await startTestServer(t, overrides)
  const others = await Promise.all([1, 2].map(() => startServerProcess(t, server, overrides)))
  const requests = createRequests(server)
  let release: () => void = () => {}
  const after = new Promise<void>(resolve => {
    release = resolve
  })
  const clientId = host.put('/flight', {}, { after })
  const { url } = await requests.authorizationUrl({ app: appAt(clientId) })
  const path = url.pathname + url.search
  const asking = Array.from({ length: 24 }, (_, index) => {
    const other = others[index % 3]
    return other === undefined ? requests.get(path) : other.fetch(path)
  })
  while (host.asked('/flight') === 0) await new Promise(resolve => setTimeout(resolve, 10))
  release()
  const answers = await Promise.all(asking)
  t.same([...new Set(answers.map(({ status }) => status))], [303])
  t.equal(host.asked('/flight'), 1)
})
