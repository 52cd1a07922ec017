// Every address × every body and method of the corpus: bad input gets the error of its RFC, with a sentence that helps, never a 500.

import t from 'tap'
import { type Arena, assertUnharmed, startArena, throwAt } from './arena.ts'
import { hostileBodies, oddMethods } from './corpus.ts'

t.test('the table of endpoints is the table of routes', async t => {
  const arena = await startArena(t)
  for (const { route, methods, sound } of arena.table) {
    const answer = await arena.send({ ...sound, method: 'PURGE', headers: [], body: '' })
    t.equal(answer.status, 405, route)
    t.same(answer.headers['allow']?.split(', '), methods, `${route}: Allow`)
  }
  const known = new Set(arena.table.map(({ route }) => route.replace(/-[0-9a-f]{16}\./, '-:hash.')))
  const assets = /^\/assets\/(theme|mark|passkeys|password-meter)-:hash\./
  const unknown = routesOf(arena).filter(route => !known.has(route) && !assets.test(route))
  t.same(unknown, [], 'every route is in the table')
})

t.test('bodies of every kind are refused in words', async t => {
  const arena = await startArena(t)
  const before = await arena.rows()
  for (const endpoint of arena.table) {
    if (endpoint.mayWrite) continue
    await throwAt(t, arena, endpoint, hostileBodies(endpoint))
  }
  t.same(
    await arena.rows(),
    before,
    'token, introspection, revocation, userinfo, registration write nothing'
  )
  for (const endpoint of arena.table.filter(({ mayWrite }) => mayWrite)) {
    await throwAt(t, arena, endpoint, hostileBodies(endpoint))
  }
  await assertUnharmed(t, arena)
})

t.test('a method that an address does not have is 405 with Allow (RFC 9110 §15.5.6)', async t => {
  const arena = await startArena(t)
  for (const endpoint of arena.table) {
    const inputs = oddMethods
      .filter(method => !endpoint.methods.includes(method))
      .map(method => ({
        title: `${method} ${endpoint.route}`,
        wire: { ...endpoint.sound, method },
        status: [405]
      }))
    await throwAt(t, arena, endpoint, inputs)
  }
  const unknown = await arena.send({ method: 'NONSENSE', target: '/oauth/token' })
  t.equal(unknown.status, 501, 'a method that nobody knows (RFC 9110 §9.1)')
  t.match(JSON.parse(unknown.text), { error: 'invalid_request', error_description: /method/ })
  await assertUnharmed(t, arena)
})

/** The routes of the server, from the tree that its router prints: four columns a level. */
function routesOf(arena: Arena): string[] {
  const above: string[] = []
  const printed = arena.server.app.printRoutes({ commonPrefix: false })
  return printed.split('\n').flatMap(line => {
    const [, indent = '', part = '', methods = ''] = /^([│ ]*)[├└]── (\S+)(.*)$/.exec(line) ?? []
    if (part === '') return []
    const level = indent.length / 4
    above.splice(level, above.length, part)
    return methods.includes('(') ? [above.join('')] : []
  })
}
