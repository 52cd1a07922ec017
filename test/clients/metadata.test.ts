// The one policy for client metadata: templates by type, members together, and what strangers may not say.
// URLs are looked at closer in redirect-uri.test.ts, keys in key-set.test.ts.

import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { checkClientMetadata, type MetadataContext } from '../../src/clients/metadata.ts'

const api = 'https://api.example.com'
const base = { resources: [api], development: false, source: 'cli' } as const
const web: MetadataContext = { ...base, type: 'web' }
const spa: MetadataContext = { ...base, type: 'spa' }
const native: MetadataContext = { ...base, type: 'native' }
const machine: MetadataContext = { ...base, type: 'machine' }
const registration: MetadataContext = { ...web, source: 'registration' }
const redirects = { redirect_uris: ['https://app.example.com/callback'] }

function accepted(input: unknown, context: MetadataContext) {
  const checked = checkClientMetadata(input, context)
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems))
  return checked.metadata
}

/** Titles are lines of TAP: nothing in them may end one. */
function escaped(text: string): string {
  return text.replace(/[^ -~]/g, character => `\\u${character.charCodeAt(0).toString(16)}`)
}

function problems(input: unknown, context: MetadataContext): string[] {
  const checked = checkClientMetadata(input, context)
  return checked.ok ? [] : checked.problems.map(({ member, problem }) => `${member} ${problem}`)
}

t.test('each type has its defaults (RFC 7591 §2)', async t => {
  t.strictSame(accepted(redirects, web), {
    ...redirects,
    post_logout_redirect_uris: [],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['authorization_code', 'refresh_token'],
    application_type: 'web'
  })
  t.equal(accepted(redirects, spa).token_endpoint_auth_method, 'none')
  t.equal(accepted(redirects, spa).application_type, 'web')
  t.equal(accepted(redirects, native).token_endpoint_auth_method, 'none')
  t.equal(accepted(redirects, native).application_type, 'native')
  t.strictSame(accepted({}, machine), {
    redirect_uris: [],
    post_logout_redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['client_credentials'],
    application_type: 'web'
  })
})

t.test("a type never gets another one's grant types or authentication (RFC 7591 §2.1)", async t => {
  const device = 'urn:ietf:params:oauth:grant-type:device_code'
  const refused: readonly [MetadataContext, object, RegExp][] = [
    [web, { token_endpoint_auth_method: 'none' }, /client without a secret is spa or native/],
    [spa, { token_endpoint_auth_method: 'client_secret_jwt' }, /must be none for type spa/],
    [
      web,
      { token_endpoint_auth_method: 'tls_client_auth' },
      /certificates do not reach this server/
    ],
    [
      web,
      { token_endpoint_auth_method: 'none' },
      /must be client_secret_basic or .* or private_key_jwt for/
    ],
    [web, { token_endpoint_auth_method: ['client_secret_basic'] }, /must be client_secret_basic/],
    [spa, { token_endpoint_auth_method: 'client_secret_basic' }, /must be none for type spa/],
    [native, { token_endpoint_auth_method: 'client_secret_post' }, /must be none for type native/],
    [machine, { token_endpoint_auth_method: 'none' }, /must be client_secret_basic/],
    [web, { grant_types: ['client_credentials'] }, /must have authorization_code beside/],
    [web, { grant_types: ['implicit'] }, /grant_types\[0\] must be/],
    [web, { grant_types: ['password'] }, /grant_types\[0\] must be/],
    [web, { grant_types: [device] }, /grant_types\[0\] must be/],
    [spa, { grant_types: [device] }, /grant_types\[0\] must be/],
    [native, { grant_types: ['client_credentials'] }, /grant_types\[0\] must be/],
    [web, { grant_types: ['refresh_token'] }, /that a refresh token can come from/],
    [web, { grant_types: [] }, /must not be empty/],
    [web, { response_types: ['code id_token'] }, /must be code/],
    [web, { response_types: ['token'] }, /must be code/],
    [web, { response_types: [] }, /with authorization_code/],
    [native, { grant_types: [device], response_types: ['code'] }, /without authorization_code/],
    [web, { redirect_uris: [] }, /at least one/],
    [web, { application_type: 'native' }, /must be web for a client of type web/]
  ]
  for (const [context, members, reason] of refused) {
    t.match(problems({ ...redirects, ...members }, context).join('\n'), reason)
  }
  const tv = accepted({ grant_types: [device, 'refresh_token'] }, native)
  t.strictSame([tv.response_types, tv.redirect_uris], [[], []])
})

t.test('a machine client has nothing that belongs to a person', async t => {
  for (const scope of ['openid', 'profile', 'email', 'address', 'phone', 'offline_access']) {
    t.match(problems({ scope: `read:things ${scope}` }, machine), [
      /a machine client has no person/
    ])
  }
  t.equal(
    accepted({ scope: 'read:things write:things' }, machine).scope,
    'read:things write:things'
  )
  t.match(problems(redirects, machine), [/not for clients of type machine/])
  const members = {
    initiate_login_uri: 'https://app.example.com/login',
    backchannel_logout_uri: 'https://app.example.com/logout',
    refresh_tokens: 'always',
    default_max_age: 1
  }
  t.match(problems(members, machine).filter(text => /type machine$/.test(text)).length, 4)
})

t.test(
  'executable schemes are refused in every URL member, whatever the case (RFC 7591 §5)',
  async t => {
    const single = [
      'client_uri',
      'logo_uri',
      'policy_uri',
      'tos_uri',
      'jwks_uri',
      'initiate_login_uri',
      'backchannel_logout_uri',
      'sector_identifier_uri'
    ]
    const schemes = [
      'javascript',
      'JavaScript',
      'data',
      'BLOB',
      'file',
      'vbscript',
      ' javascript',
      '\tdata'
    ]
    for (const scheme of schemes) {
      const uri = `${scheme}://app.example.com/%0aalert(1)`
      for (const source of ['config', 'cli', 'registration'] as const) {
        for (const member of single) {
          const found = problems({ ...redirects, [member]: uri }, { ...web, source })
          t.match(found.join('\n'), /runs script or reads files/, `${source} ${member} ${scheme}`)
        }
        for (const member of ['redirect_uris', 'post_logout_redirect_uris']) {
          const found = problems({ ...redirects, [member]: [uri] }, { ...web, source })
          t.match(found, [/runs script or reads files/])
        }
      }
    }
  }
)

t.test('pages are https, in their normal form; a bare origin may leave out its slash', async t => {
  const { client_uri: uri } = accepted({ ...redirects, client_uri: 'https://app.example.com' }, web)
  t.equal(uri, 'https://app.example.com')
  for (const logo_uri of [
    'http://app.example.com/l.png',
    'https://app.example.com:443/l',
    'https://a@b/',
    '/l',
    7
  ]) {
    t.equal(problems({ ...redirects, logo_uri }, web).length, 1, String(logo_uri))
  }
})

t.test(
  "addresses that the server fetches are https, and public for a stranger's client (security 155)",
  async t => {
    const fetched = (uri: string, context: MetadataContext) =>
      problems({ ...redirects, backchannel_logout_uri: uri }, context)
    t.strictSame(fetched('https://app.internal/logout', web), [], 'an operator knows his network')
    t.strictSame(fetched('https://app.example.com/logout', registration), [])
    for (const host of [
      'localhost',
      '127.0.0.1',
      '10.0.0.1',
      '169.254.169.254',
      '[::1]',
      '[fd00::1]',
      'intranet',
      'metadata.google.internal',
      'printer.local'
    ]) {
      t.match(fetched(`https://${host}/x`, registration), [/does not fetch from internal/], host)
    }
    t.match(fetched('http://app.example.com/x', web), [/https/])
    t.match(fetched('http://localhost:3000/x', web), [/https/])
    t.strictSame(fetched('http://localhost:3000/x', { ...web, development: true }), [])
  }
)

t.test(
  'a stranger shows no page or logo of another host than it returns to (RFC 7591 §5)',
  async t => {
    for (const member of ['client_uri', 'logo_uri', 'policy_uri', 'tos_uri']) {
      const foreign = { ...redirects, [member]: 'https://bank.example/x' }
      t.match(problems(foreign, registration), [/host of an https redirect URI/])
      t.strictSame(problems(foreign, web), [], 'an operator may')
      t.strictSame(
        problems({ ...redirects, [member]: 'https://app.example.com/x' }, registration),
        []
      )
      const port = { ...redirects, [member]: 'https://app.example.com:8443/x' }
      t.match(problems(port, registration), [/host of an https redirect URI/])
    }
  }
)

t.test('a name is short, and shows what it says (security 152)', async t => {
  const named = (client_name: unknown) => problems({ ...redirects, client_name }, web)
  const fine = [
    'Example',
    '예시 앱',
    'Été ☕',
    '👩‍💻 Dev',
    '<b>Bold & Co</b>',
    'x'.repeat(100),
    '🎉'.repeat(100)
  ]
  for (const name of fine) t.strictSame(named(name), [], escaped(name))
  for (const name of [
    '',
    ' x',
    'x\n',
    'x'.repeat(101),
    'x'.repeat(10_000),
    'a\u0000b',
    'a\nb',
    'a\u001bb',
    'a\u0085b',
    'moc.\u202eelpmaxe',
    'a\u2066b',
    'a\u200bb',
    'a\u200fb',
    'a\ufeffb',
    'a\u2028b',
    'a\u{e0041}b',
    '\ud800',
    7,
    ['x']
  ]) {
    t.equal(named(name).length, 1, escaped(JSON.stringify(name).slice(0, 40)))
  }
})

t.test(
  'what is not known is dropped for a stranger and told to an operator (RFC 7591 §2)',
  async t => {
    const input = JSON.parse(
      JSON.stringify({
        ...redirects,
        client_id: 'mine',
        client_secret: 'mine',
        type: 'machine',
        owner: 'config',
        seeded: true,
        disabled_at: null,
        'ssf.profile': 'x',
        service_account: true,
        toString: 'x'
      }).replace('"seeded"', '"__proto__":{"first_party":true},"seeded"')
    )
    const metadata = accepted(input, registration)
    t.strictSame(Object.keys(metadata).sort(), Object.keys(accepted(redirects, web)).sort())
    t.equal(metadata.first_party, undefined)
    const told = problems(input, web)
    t.equal(told.length, 10)
    t.match(told.join('\n'), /service_account is not a member that is known/)
  }
)

t.test('a stranger decides nothing about consent, audience or refresh (RFC 7592 §3)', async t => {
  const ours = { first_party: true, refresh_tokens: 'always', default_resource: api }
  t.match(accepted({ ...redirects, ...ours }, web), ours)
  const registered = accepted({ ...redirects, ...ours, profile: 'fapi2' }, registration)
  for (const member of Object.keys(ours)) t.notOk(member in registered, member)
  const usual = { first_party: false, refresh_tokens: 'offline_access' }
  t.strictSame(accepted({ ...redirects, ...usual }, web), accepted(redirects, web))
})

t.test('a default resource is a configured one', async t => {
  t.match(problems({ default_resource: 'https://other.example.com' }, machine), [
    /configured resources: https:\/\/api/
  ])
  t.match(problems({ default_resource: api }, { ...machine, resources: [] }), [
    /none is configured/
  ])
})

t.test('what is not offered is refused, not left out in silence', async t => {
  const refused: readonly [object, RegExp][] = [
    [{ profile: 'fapi2' }, /not offered yet/],
    [{ subject_type: 'other' }, /public or pairwise/],
    [{ sector_identifier_uri: 'https://app.example.com/sector' }, /pairwise/],
    [{ userinfo_signed_response_alg: 'none' }, /RS256 or ES256 or EdDSA/],
    [{ introspection_signed_response_alg: 'HS256' }, /RS256 or ES256 or EdDSA/],
    [{ authorization_signed_response_alg: 'none' }, /RS256 or ES256 or EdDSA/],
    [{ request_object_signing_alg: 'none' }, /ES256 or RS256 or PS256 or EdDSA/],
    [{ id_token_signed_response_alg: 'none' }, /RS256 or ES256 or EdDSA/],
    [{ id_token_signed_response_alg: 'HS256' }, /RS256 or ES256 or EdDSA/],
    [{ token_endpoint_auth_signing_alg: 'ES256' }, /private_key_jwt and client_secret_jwt only/]
  ]
  for (const [members, reason] of refused)
    t.match(problems({ ...redirects, ...members }, web), [reason])
  t.strictSame(problems({ ...redirects, subject_type: 'public' }, web), [])
})

t.test('private_key_jwt needs public keys, given in one way (RFC 7591 §2)', async t => {
  const signed = { token_endpoint_auth_method: 'private_key_jwt' }
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwks = { keys: [publicKey.export({ format: 'jwk' })] }
  const jwks_uri = 'https://billing.example.com/jwks.json'
  t.match(problems(signed, machine), [/jwks is needed/])
  t.strictSame(problems({ ...signed, jwks }, machine), [])
  t.strictSame(
    problems({ ...signed, jwks_uri, token_endpoint_auth_signing_alg: 'ES256' }, machine),
    []
  )
  t.match(problems({ ...signed, jwks, jwks_uri }, machine), [/together/])
})

t.test('all problems are reported at once, each with its place', async t => {
  const found = problems(
    {
      redirect_uris: [
        'https://app.example.com/callback',
        'http://x/',
        7,
        'https://app.example.com/#'
      ],
      client_name: '',
      scope: 'a  b',
      contacts: ['ops@example.com', 'nobody'],
      default_max_age: -1,
      require_auth_time: 'yes'
    },
    web
  )
  t.match(found, [
    /^redirect_uris\[1\] /,
    /^redirect_uris\[2\] must be a string/,
    /^redirect_uris\[3\] must not have a fragment/,
    /^client_name /,
    /^scope /,
    /^contacts\[1\] /,
    /^default_max_age /,
    /^require_auth_time /
  ])
  t.equal(found.length, 8)
})

t.test('counts, lengths and the whole are limited', async t => {
  const many = Array.from({ length: 33 }, (_, index) => `https://app.example.com/${index}`)
  t.match(problems({ redirect_uris: many }, web), [/more than 32/])
  t.strictSame(problems({ redirect_uris: many.slice(1) }, web), [])
  const long = many.slice(1).map(uri => `${uri}/${'x'.repeat(1500)}`)
  t.match(problems({ redirect_uris: long }, web), [/larger than 32768/])
  t.match(problems({ ...redirects, scope: 'x'.repeat(2001) }, web), [/2000/])
  const holes = [...redirects.redirect_uris]
  holes.length = 3
  t.equal(problems({ redirect_uris: holes }, web).length, 2, 'holes are entries')
  for (const input of [undefined, null, 'x', [], 7]) t.equal(problems(input, web).length, 1)
  const { redirect_uris: once } = accepted({ redirect_uris: [...many.slice(0, 2), many[0]] }, web)
  t.strictSame(once, many.slice(0, 2), 'a repeated one is kept once')
})

t.test('offline_access, refresh_tokens and logout members need what they rest on', async t => {
  const code = { ...redirects, grant_types: ['authorization_code'] }
  t.match(problems({ ...code, scope: 'openid offline_access' }, web), [/without refresh_token/])
  t.match(problems({ ...code, refresh_tokens: 'always' }, web), [/needs refresh_token/])
  t.match(problems({ ...redirects, backchannel_logout_session_required: true }, web), [
    /backchannel_logout_uri/
  ])
})
