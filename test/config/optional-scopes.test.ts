// Which scopes people may leave out is said of scopes that there are.

import t from 'tap'
import { refuses } from './refusal.ts'
import { load, productionEnv } from './sound.ts'

const api = { identifier: 'https://api.example.com', scopes: { a: {}, b: {} } }

refuses(t, 'production', productionEnv, [
  {
    title: 'an optional scope that the resource does not have',
    file: { resources: [{ ...api, optionalScopes: ['a', 'c'] }] },
    path: 'resources[0].optionalScopes',
    says: /names c, which is not among its scopes/
  }
])

t.test('optional scopes are a list of those of the resource; left out, none is', async t => {
  const [some, none] = [{ ...api, optionalScopes: ['b'] }, api].map(
    resource => load(productionEnv, { resources: [resource] }).resources[0]
  )
  t.same(some?.optionalScopes, ['b'])
  t.same(none?.optionalScopes, [])
})
