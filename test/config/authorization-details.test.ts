// What types of authorization details (RFC 9396) may not say, and what the profile of a client (FAPI 2.0) refuses of the server: each named at a
// start, before a client finds out.

import t from 'tap'
import { type Refusal, refuses } from './refusal.ts'
import { load, productionEnv } from './sound.ts'

const api = 'https://api.example.com'
const payment = {
  type: 'payment',
  resources: [api],
  members: {
    amount: { type: 'string', pattern: '^[0-9]+$' },
    parts: { type: 'array', items: { type: 'object', properties: { a: { type: 'integer' } } } }
  },
  required: ['amount'],
  actions: ['initiate'],
  title: { en: 'Pay' },
  sentences: [{ en: 'Pay {amount} to do {actions}.' }]
}
const file = (changed: object = {}, further: object = {}) => ({
  resources: [{ identifier: api }],
  authorizationDetails: [{ ...payment, ...changed }],
  ...further
})
const at = 'authorizationDetails[0]'
const held = {
  client_id: 'bank',
  type: 'web',
  profile: 'fapi2',
  redirect_uris: ['https://bank.example.com/cb'],
  jwks_uri: 'https://bank.example.com/keys'
}

const refusals: Refusal[] = [
  {
    title: 'a type twice',
    file: file({}, { authorizationDetails: [payment, payment] }),
    path: 'authorizationDetails[1].type',
    says: /the same as that of authorizationDetails\[0\]/
  },
  {
    title: 'a resource that nobody declared',
    file: file({ resources: ['urn:x'] }),
    path: `${at}.resources[0]`,
    says: /not the identifier/
  },
  {
    title: 'a member of the RFC among its own',
    file: file({ members: { ...payment.members, locations: { type: 'array' } } }),
    path: `${at}.members["locations"]`,
    says: /RFC 9396/
  },
  {
    title: 'a schema without a type',
    file: file({ members: { amount: {} } }),
    path: `${at}.members["amount"]`,
    says: /type/
  },
  {
    title: 'a misspelt keyword, which would check nothing',
    file: file({ members: { amount: { type: 'string', maxLenght: 3 } } }),
    path: `${at}.members["amount"].maxLenght`,
    says: /no keyword/
  },
  {
    title: 'a keyword of another kind of value',
    file: file({ members: { amount: { type: 'string', maxLength: '3' } } }),
    path: `${at}.members["amount"].maxLength`,
    says: /wrong value/
  },
  {
    title: 'a pattern that is none',
    file: file({ members: { amount: { type: 'string', pattern: '(' } } }),
    path: `${at}.members["amount"].pattern`,
    says: /wrong value/
  },
  {
    title: 'a wrong schema further in',
    file: file({
      members: {
        amount: { type: 'array', items: { type: 'object', properties: { a: { type: 'text' } } } }
      }
    }),
    path: `${at}.members["amount"].items.properties.a.type`,
    says: /wrong value/
  },
  {
    title: 'a required member that there is not',
    file: file({ required: ['amount', 'datatypes'] }),
    path: `${at}.required[1]`,
    says: /no member/
  },
  {
    title: 'a title that is not in English',
    file: file({ title: { ko: '송금' } }),
    path: `${at}.title`,
    says: /English/
  },
  {
    title: 'a sentence that is not in English',
    file: file({ sentences: [{ ko: '송금' }] }),
    path: `${at}.sentences[0]`,
    says: /English/
  },
  {
    title: 'a sentence with a gap that nothing fills',
    file: file({ sentences: [{ en: 'Pay {amonut.value}.' }] }),
    path: `${at}.sentences[0]`,
    says: /\{amonut\.value\}/
  },
  {
    title: 'a client’s type that is not declared',
    file: file(
      {},
      {
        clients: [
          { client_id: 'billing', type: 'machine', authorization_details_types: ['payments'] }
        ]
      }
    ),
    path: 'clients[0].authorization_details_types[0]',
    says: /no declared type/
  },
  {
    title: 'an API whose RS256 the profile of its client refuses (FAPI 2.0 §5.4.1)',
    file: {
      resources: [{ identifier: api, clients: ['bank'], accessTokens: { algorithm: 'RS256' } }],
      clients: [held]
    },
    path: 'resources[0].accessTokens.algorithm',
    says: /client bank refuses/
  },
  {
    title: 'the same of every first-party client',
    file: {
      resources: [{ identifier: api, accessTokens: { algorithm: 'RS256' } }],
      clients: [{ ...held, first_party: true }]
    },
    path: 'resources[0].accessTokens.algorithm',
    says: /client bank refuses/
  },
  {
    title: 'RS256 of the issuer’s own tokens with a profile (FAPI 2.0 §5.4.1)',
    file: { accessTokens: { algorithm: 'RS256' }, clients: [held] },
    path: 'accessTokens.algorithm',
    says: /client bank refuses/
  }
]

refuses(t, 'production', productionEnv, refusals)

t.test('what is sound is taken', async t => {
  const config = load(productionEnv, file())
  t.match(config.authorizationDetails, [{ ...payment, consent: 'remembered', identifier: false }])
  const machine = { client_id: 'billing', type: 'machine', profile: 'fapi2' }
  load(productionEnv, { accessTokens: { algorithm: 'RS256' }, clients: [machine] })
})
