// What entries of `exchange` may not say (RFC 8693): names of nothing, clients that cannot, and ways round that end at a wider scope than
// they began with, however many steps they have.

import t from 'tap'
import { tokenExchangeGrantType } from '../../src/oauth/token-exchange.ts'
import { type Refusal, refuses } from './refusal.ts'
import { load, productionEnv, randomHex } from './sound.ts'

const a = 'https://a.example.com'
const b = 'https://b.example.com'
const c = 'https://c.example.com'
const scope = { en: 'A scope' }

const clients = [
  {
    client_id: 'middle',
    type: 'machine',
    client_secret: randomHex(),
    grant_types: ['client_credentials', tokenExchangeGrantType]
  },
  { client_id: 'plain', type: 'machine', client_secret: randomHex() },
  { client_id: 'app', type: 'spa', redirect_uris: ['https://app.example.com/callback'] }
]

const entry = (changed: object = {}) => ({
  client: 'middle',
  from: [a],
  scopes: { 'read:a': ['read:b'] },
  ...changed
})

/** Resources in a row, the second and third with these entries. */
function file(exchange: object[], further: { a?: object[]; c?: object[] } = {}) {
  return {
    clients,
    resources: [
      { identifier: a, scopes: { 'read:a': scope, 'write:a': scope }, exchange: further.a ?? [] },
      { identifier: b, scopes: { 'read:b': scope, 'write:b': scope }, exchange },
      { identifier: c, scopes: { 'read:c': scope }, exchange: further.c ?? [] }
    ]
  }
}

const backTo = (name: string) => [entry({ from: [c], scopes: { 'read:c': [name] } })]
const toC = [entry({ from: [b], scopes: { 'read:b': ['read:c'] } })]
const at = 'resources[1].exchange[0]'

const refusals: Refusal[] = [
  {
    title: 'a public client that exchanges',
    file: file([entry({ client: 'app' })]),
    path: `${at}.client`,
    says: /public/
  },
  {
    title: 'a client without the grant type',
    file: file([entry({ client: 'plain' })]),
    path: `${at}.client`,
    says: /may not exchange/,
    fix: /token-exchange/
  },
  {
    title: 'an actor that is no machine',
    file: file([entry({ actors: ['plain', 'app'] })]),
    path: `${at}.actors[1]`,
    says: /no machine/
  },
  {
    title: 'tokens of a resource that is not there',
    file: file([entry({ from: [a, 'https://x.example.com'] })]),
    path: `${at}.from[1]`,
    says: /declared/
  },
  {
    title: 'tokens of the issuer',
    file: file([entry({ from: ['https://id.example.com'] })]),
    path: `${at}.from[0]`,
    says: /declared/,
    fix: /userinfo/
  },
  {
    title: 'no audience',
    file: file([entry({ from: [] })]),
    path: `${at}.from`,
    says: /./
  },
  {
    title: 'no scope',
    file: file([entry({ scopes: {} })]),
    path: `${at}.scopes`,
    says: /./
  },
  {
    title: 'a mode that is none',
    file: file([entry({ mode: 'both' })]),
    path: `${at}.mode`,
    says: /delegation, impersonation/
  },
  {
    title: 'a scope that the tokens do not have',
    file: file([entry({ scopes: { 'read:b': ['read:b'] } })]),
    path: `${at}.scopes["read:b"]`,
    says: /in `from`/
  },
  {
    title: 'an OpenID scope that opens something',
    file: file([entry({ scopes: { openid: ['read:b'] } })]),
    path: `${at}.scopes["openid"]`,
    says: /in `from`/
  },
  {
    title: 'a scope that the resource does not have',
    file: file([entry({ scopes: { 'read:a': ['read:b', 'email'] } })]),
    path: `${at}.scopes["read:a"][1]`,
    says: /no scope of this resource/
  },
  {
    title: 'two entries for one client and audience',
    file: file([entry(), entry({ mode: 'impersonation', from: [c, a] })]),
    path: 'resources[1].exchange[1].from[1]',
    says: /is the same/
  },
  {
    title: 'an exchange at one resource that widens',
    file: file([entry({ from: [b], scopes: { 'read:b': ['read:b', 'write:b'] } })]),
    path: 'resources[1].scopes["read:b"]',
    says: /leads to the scope write:b/
  },
  {
    title: 'a way round over three resources that widens',
    file: file([entry()], { c: toC, a: backTo('write:a') }),
    path: 'resources[0].scopes["read:a"]',
    says: /leads to the scope write:a/
  }
]

refuses(t, 'exchange', productionEnv, refusals)

t.test('entries that only narrow are taken, a way round to the same scope among them', async t => {
  const { resources } = load(productionEnv, file([entry()], { c: toC, a: backTo('read:a') }))
  t.match(resources[1]?.exchange, [{ mode: 'delegation', actors: [] }])
  const fromCommandLine = file([entry({ client: 'of-the-cli', actors: ['of-the-cli', 'plain'] })])
  t.equal(load(productionEnv, fromCommandLine).resources.length, 3)
})
