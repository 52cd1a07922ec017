// What a client may say of assertions that bring it tokens of people: issuers that are trusted, subjects one by one, scopes of APIs.

import t from 'tap'
import { grantFor, jwtBearerGrantType } from '../../src/clients/assertion-grants.ts'
import { checkClientMetadata, type MetadataContext } from '../../src/clients/metadata.ts'

const staff = 'https://staff.example.com'
const context: MetadataContext = {
  type: 'machine',
  resources: [],
  development: false,
  source: 'cli',
  trustedIssuers: [staff, 'spiffe://example.org']
}
const good = { issuer: staff, subjects: { 'u-1': 'ada@example.com' }, scope: 'read:things' }

function problems(grants: unknown, more: object = {}, changes: Partial<MetadataContext> = {}) {
  const grant_types = ['client_credentials', jwtBearerGrantType]
  const input = { grant_types, assertion_grants: grants, ...more }
  const checked = checkClientMetadata(input, { ...context, ...changes })
  return checked.ok ? [] : checked.problems.map(({ member, problem }) => `${member} ${problem}`)
}

t.test('an entry names a trusted issuer, subjects and scopes of APIs (RFC 7523 §2.1)', async t => {
  t.same(problems([good]), [])
  for (const [entry, says] of [
    ['x', /^assertion_grants\[0\] must be an object/],
    [{ ...good, issuer: 'https://evil.test' }, /\.issuer must be one of/],
    [{ ...good, issuer: 'spiffe://example.org' }, /\.issuer is a trust domain/],
    [{ ...good, subjects: {} }, /\.subjects must be an object of 1 to 500/],
    [{ ...good, subjects: ['u-1'] }, /\.subjects must be an object/],
    [{ ...good, subjects: { 'u-1': '' } }, /\.subjects\["u-1"\] must be the login or id/],
    [{ ...good, subjects: { 'u-1': { login: 'x' } } }, /\.subjects\["u-1"\] must be/],
    [{ ...good, scope: '' }, /\.scope must be scopes/],
    [{ ...good, scope: 'read:things openid email' }, /\.scope must not have openid, email/],
    [{ ...good, account: 'email' }, /\.account is not a member/]
  ] as const) {
    t.match(problems([entry]), [says], JSON.stringify(entry))
  }
  t.match(problems([good, good]), [/^assertion_grants\[1\]\.issuer stands twice/])
  for (const value of ['x', [], {}]) t.match(problems(value), [/must be a list of 1 to 10/])
})

t.test(
  'grant type and entries go together, and are not for strangers or public clients',
  async t => {
    t.match(problems(undefined), [/^grant_types must not have .* without assertion_grants/])
    t.match(problems([good], { grant_types: ['client_credentials'] }), [/^assertion_grants needs/])
    t.match(problems([good], {}, { source: 'registration' }), [
      /^grant_types must not have more than 1 entries/
    ])
    const redirects = { redirect_uris: ['https://app.example.com/callback'] }
    for (const type of ['spa', 'native'] as const) {
      const members = { ...redirects, grant_types: ['authorization_code', jwtBearerGrantType] }
      t.match(problems([good], members, { type }), [/^grant_types\[1\] must be/], type)
    }
  }
)

t.test('a subject is what its issuer calls it, and no member of an object', async t => {
  t.same(grantFor([good], staff, 'u-1'), {
    account: 'ada@example.com',
    scopes: ['read:things']
  })
  for (const subject of ['u-2', 'U-1', '', 'toString', '__proto__', 'constructor']) {
    t.equal(grantFor([good], staff, subject), undefined, subject)
  }
  t.equal(grantFor([good], `${staff}/`, 'u-1'), undefined)
  t.equal(grantFor([], staff, 'u-1'), undefined)
})
