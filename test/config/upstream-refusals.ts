// Providers that cannot be asked, or that could be taken for another, as rows of the table of refusals: a sound entry, and what of it is
// changed.

import type { Refusal } from './refusal.ts'

const sound = {
  ...{ id: 'work', name: 'Work', issuer: 'https://login.example.com' },
  ...{ client_id: 'mintmark', client_secret: 'theirs' }
}
const google = { id: 'google', preset: 'google', client_id: 'g', client_secret: 's' }
const apple = {
  ...{ id: 'apple', preset: 'apple', client_id: 'a', teamId: 'TEAM123456', keyId: 'KEY1234567' }
}

const changes: [string, object[], string, RegExp][] = [
  ['a provider without an issuer', [{ ...sound, issuer: undefined }], '[0].issuer', /missing/],
  ['a provider without a name', [{ ...sound, name: undefined }], '[0].name', /missing/],
  [
    'one without a secret',
    [{ ...sound, client_secret: undefined }],
    '[0].client_secret',
    /missing/
  ],
  ['a preset with an issuer', [{ ...google, issuer: 'https://x.example' }], '[0].issuer', /preset/],
  ['a tenant of Google', [{ ...google, tenant: 'common' }], '[0].tenant', /microsoft only/],
  [
    'a tenant that is none',
    [{ ...google, preset: 'microsoft', tenant: '../x' }],
    '[0].tenant',
    /./
  ],
  ['Apple without a key', [apple], '[0].privateKey', /missing/],
  ['Apple with no key', [{ ...apple, privateKey: 'x' }], '[0].privateKey', /P-256/],
  [
    'a provider over http',
    [{ ...sound, issuer: 'http://login.example.com' }],
    '[0].issuer',
    /https/
  ],
  ['a provider with a query', [{ ...sound, issuer: 'https://a.example?b' }], '[0].issuer', /query/],
  ['one id twice', [sound, { ...google, id: 'work' }], '[1].id', /same/],
  ['one issuer twice', [sound, { ...sound, id: 'other' }], '[1].issuer', /same/],
  ['one service twice', [google, { ...google, id: 'other' }], '[1].preset', /same/],
  ['an id that is a path', [{ ...sound, id: 'a/b' }], '[0].id', /./],
  [
    'domains of no address',
    [{ ...sound, emailDomains: ['a.example'] }],
    '[0].emailDomains',
    /nobody/
  ]
]

export const upstreamRefusals: Refusal[] = changes.map(([title, upstreams, path, says]) => ({
  ...{ title, file: { upstreams }, path: `upstreams${path}`, says }
}))
