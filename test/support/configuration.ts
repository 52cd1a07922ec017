// The configuration of a server under test: what loadConfig makes of a file, with an issuer of the test's own.

import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/schema.ts'
import { settle } from '../../src/config/settle.ts'

/** The API of the tests: two scopes, open to the clients below. */
export const api = 'https://api.example.com'

/** Members as in the configuration file; `clients` and `resources` add to the ones that every test has. */
export interface Overrides {
  [member: string]: unknown
  clients?: object[]
  resources?: object[]
}

/** 43 characters of base64url: as random as a configured secret must be. */
export const secretOf = (clientId: string) =>
  Buffer.from(`${clientId}-`.repeat(32)).toString('base64url').slice(0, 20) +
  'q8ZrT4kVx1Wm7Lc0Yb3Hn6Js9Pd2Gf5A'

export const redirectUri = 'https://app.example.com/callback'

const clients = [
  {
    client_id: 'web',
    type: 'web',
    client_name: 'Example web app',
    client_secret: secretOf('web'),
    redirect_uris: [redirectUri],
    post_logout_redirect_uris: ['https://app.example.com/goodbye']
  },
  {
    client_id: 'other-web',
    type: 'web',
    client_name: 'Another web app',
    client_secret: secretOf('other-web'),
    redirect_uris: ['https://other.example.com/callback']
  },
  {
    client_id: 'spa',
    type: 'spa',
    client_name: 'Example browser app',
    redirect_uris: ['https://spa.example.com/callback']
  },
  {
    client_id: 'tv',
    type: 'native',
    client_name: 'Example TV',
    redirect_uris: ['http://127.0.0.1/callback'],
    grant_types: [
      'authorization_code',
      'refresh_token',
      'urn:ietf:params:oauth:grant-type:device_code'
    ]
  },
  {
    client_id: 'billing',
    type: 'machine',
    client_name: 'Billing',
    client_secret: secretOf('billing')
  },
  {
    client_id: 'api-server',
    type: 'machine',
    client_name: 'The API itself',
    client_secret: secretOf('api-server')
  }
]

/** A test is one address, and asks more than a person does. */
const limits = Object.fromEntries(
  ['authorize', 'pushedRequests', 'devices', 'backchannel', 'pages', 'signIn', 'registration'].map(
    name => [name, { perAddress: 1_000_000 }]
  )
)

const resources = [
  {
    identifier: api,
    name: { en: 'Example API' },
    scopes: {
      'read:things': { en: 'See your things', ko: '내 항목 보기' },
      'write:things': { en: 'Change your things' }
    },
    clients: ['web', 'spa', 'tv', 'billing'],
    introspectionClient: 'api-server'
  }
]

/** A development configuration for `issuer`. */
export function testConfig(issuer: string, overrides: Overrides = {}): Config & { issuer: string } {
  const content = {
    issuer,
    log: { level: 'info' },
    limits,
    ...overrides,
    clients: [...clients, ...(overrides.clients ?? [])],
    resources: [...resources, ...(overrides.resources ?? [])]
  }
  const config = loadConfig({
    env: { MINTMARK_CONFIG: '/test.json' },
    cwd: '/',
    readFile: () => JSON.stringify(content)
  })
  return settle({ ...config, file: undefined } as Config, { issuer, resources: config.resources })
}
