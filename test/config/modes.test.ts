// What production refuses and what development refuses, one test each, from two tables.
// What is changed in a sound configuration is refused, and nothing else is.

import t from 'tap'
import { type Refusal, refuses, without } from './refusal.ts'
import { productionEnv } from './sound.ts'

const machine = { client_id: 'billing', type: 'machine' }

const production: Refusal[] = [
  {
    title: 'no issuer',
    env: { MINTMARK_MODE: 'production', ...without('MINTMARK_ISSUER') },
    path: 'issuer',
    says: /missing/,
    fix: /MINTMARK_ISSUER/
  },
  {
    title: 'an http issuer',
    env: { MINTMARK_MODE: 'production', MINTMARK_ISSUER: 'http://id.example.com' },
    path: 'issuer',
    says: /must be https/,
    fix: /MINTMARK_ISSUER/
  },
  {
    title: 'an http issuer on localhost',
    env: { MINTMARK_MODE: 'production', MINTMARK_ISSUER: 'http://localhost:3000' },
    path: 'issuer',
    says: /on localhost too/
  },
  {
    title: 'a generated master key',
    env: without('MINTMARK_MASTER_KEY'),
    path: 'masterKey',
    says: /takes no generated one/,
    fix: /MINTMARK_MASTER_KEY_FILE/
  },
  {
    title: 'the embedded database without opt-in',
    env: without('DATABASE_URL'),
    path: 'database.url',
    says: /embedded database only if told so/,
    fix: /DATABASE_URL.*MINTMARK_DATABASE__EMBEDDED=true/
  },
  {
    title: 'a demo client',
    file: { clients: [machine, { ...machine, client_id: 'demo-machine' }] },
    path: 'clients[1].client_id',
    says: /demo/
  },
  {
    title: 'accounts in the file',
    file: { accounts: [{ login: 'ann', password: 'secret' }] },
    path: 'accounts',
    says: /must be empty in production/,
    fix: /mintmark accounts create/
  },
  {
    title: 'development mode with an https issuer',
    env: { MINTMARK_MODE: 'development' },
    path: 'mode',
    says: /https issuer/
  }
]

const development: Refusal[] = [
  {
    title: 'an account twice, whatever the case',
    file: {
      accounts: [
        { login: 'ann@example.com', password: 'one' },
        { login: 'Ann@example.com', password: 'two' }
      ]
    },
    path: 'accounts[1].login',
    says: /same as that of accounts\[0\]/
  },
  {
    title: 'a client under the name of a demo client',
    file: { clients: [machine, { ...machine, client_id: 'demo-machine' }] },
    path: 'clients[1].client_id',
    says: /id of a demo client/
  },
  {
    title: 'an account under the login of the demo account',
    file: { accounts: [{ login: 'Demo@example.com', password: 'one' }] },
    path: 'accounts[0].login',
    says: /login of the demo account/
  },
  {
    title: 'listening on every address',
    env: { MINTMARK_HOST: '0.0.0.0' },
    path: 'host',
    says: /loopback/,
    fix: /MINTMARK_MODE=production/
  },
  {
    title: 'listening on every IPv6 address',
    env: { MINTMARK_HOST: '::' },
    path: 'host',
    says: /loopback/
  },
  {
    title: 'an issuer beyond this machine',
    env: { MINTMARK_ISSUER: 'http://id.example.com' },
    path: 'issuer',
    says: /loopback/,
    fix: /MINTMARK_MODE=production/
  },
  {
    title: 'an issuer whose name only begins like an address of loopback',
    env: { MINTMARK_ISSUER: 'http://127.0.0.1.example.com' },
    path: 'issuer',
    says: /loopback/
  }
]

refuses(t, 'production', productionEnv, production)
refuses(t, 'development', {}, development)
