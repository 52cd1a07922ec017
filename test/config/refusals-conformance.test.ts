// Every refusal about conformance mode, one test each, from a table; and neighbours of them that are allowed.

import t from 'tap'
import { type Refusal, refuses } from './refusal.ts'
import { load, productionEnv } from './sound.ts'

const client = { client_id: 'suite', type: 'web', redirect_uris: ['https://suite.example/cb'] }
const enabled = { enabled: true }

const always: Refusal[] = [
  {
    title: 'registration without a token, outside of conformance mode',
    file: { conformance: { registration: 'open' } },
    path: 'conformance.registration',
    says: /conformance mode only/,
    fix: /MINTMARK_CONFORMANCE__ENABLED/
  },
  {
    title: 'a client of a conformance run, outside of conformance mode',
    file: { clients: [{ ...client, conformance: 'strict' }] },
    path: 'clients[0].conformance',
    says: /conformance mode only/
  },
  {
    title: 'a client in conformance mode that is no part of the run',
    file: { conformance: enabled, clients: [client] },
    path: 'clients[0].conformance',
    says: /no clients but those of the run/,
    fix: /relaxed or strict/
  },
  {
    title: 'clients in conformance mode that nobody registered',
    file: {
      conformance: enabled,
      clientMetadataDocuments: { enabled: true, hosts: ['app.example.com'] }
    },
    path: 'clientMetadataDocuments.enabled',
    says: /no part of the conformance run/
  },
  {
    title: 'open registration where a software statement is required',
    file: {
      conformance: { enabled: true, registration: 'open' },
      registration: {
        enabled: true,
        requireSoftwareStatement: true,
        softwareStatements: [
          {
            issuer: 'https://signer.example',
            jwks: {
              keys: [
                {
                  kty: 'OKP',
                  crv: 'Ed25519',
                  x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
                  kid: 'a'
                }
              ]
            }
          }
        ]
      }
    },
    path: 'conformance.registration',
    says: /requireSoftwareStatement/
  }
]

refuses(t, 'every mode', productionEnv, always)

t.test('in conformance mode production takes accounts of the file, and no other', async t => {
  const accounts = [
    {
      login: 'suite@example.com',
      password: 'correct horse battery staple',
      claims: { given_name: 'Ada', address: { country: 'United Kingdom' } }
    }
  ]
  const file = {
    conformance: { enabled: true, responseTypes: ['code id_token'], registration: 'open' },
    registration: { enabled: true },
    clients: [{ ...client, conformance: 'relaxed' }],
    accounts
  }
  const config = load(productionEnv, file)
  t.equal(config.accounts[0]?.claims?.address?.country, 'United Kingdom')
  t.equal(config.clients[0]?.conformance, 'relaxed')
  t.throws(() => load(productionEnv, { accounts }), /accounts/)
})
