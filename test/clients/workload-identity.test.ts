// What a client may say of the tokens that stand for it: trusted issuers, whole subjects, and no wildcard that lets in a whole service.

import t from 'tap'
import { checkClientMetadata, type MetadataContext } from '../../src/clients/metadata.ts'

const machine: MetadataContext = {
  type: 'machine',
  resources: [],
  development: false,
  source: 'cli'
}
const redirects = { redirect_uris: ['https://app.example.com/callback'] }

function accepted(input: unknown, context: MetadataContext) {
  const checked = checkClientMetadata(input, context)
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems))
  return checked.metadata
}

function problems(input: unknown, context: MetadataContext): string[] {
  const checked = checkClientMetadata(input, context)
  return checked.ok ? [] : checked.problems.map(({ member, problem }) => `${member} ${problem}`)
}

t.test(
  'workload identities name trusted issuers, and nobody’s whole service (RFC 7523 §2.2)',
  async t => {
    const ci = 'https://ci.example.com'
    const domain = 'spiffe://example.org'
    const context: MetadataContext = { ...machine, trustedIssuers: [ci, domain] }
    const with_ = (entry: unknown) => ({ workload_identity: [entry] })
    const good = { issuer: ci, subject: 'repo:example/shop:ref:refs/heads/main' }
    t.equal(accepted(with_(good), context).token_endpoint_auth_method, 'private_key_jwt')
    for (const entry of [
      { ...good, subject: 'repo:example/shop:*' },
      { ...good, subject: 'repo:example/*' },
      { ...good, subject: 'system:serviceaccount:*' },
      { ...good, audience: 'deploys', claims: { repository: 'example/shop' } },
      { issuer: domain, subject: `${domain}/ns/shop/*` }
    ]) {
      t.strictSame(accepted(with_(entry), context).workload_identity, [entry])
    }
    const at = 'workload_identity\\[0\\]'
    for (const [entry, says] of [
      ['x', `${at} must be an object`],
      [{ ...good, issuer: 'https://evil.test' }, `${at}.issuer must be one of .*${ci}`],
      [{ ...good, issuer: undefined }, `${at}.issuer must be one of`],
      [{ ...good, subject: undefined }, `${at}.subject must be a text`],
      [{ ...good, subject: '' }, `${at}.subject must be a text`],
      [{ ...good, subject: '*' }, `${at}.subject may have one`],
      [{ ...good, subject: 'repo:example*' }, `${at}.subject may have one`],
      [{ ...good, subject: 'repo:*/shop' }, `${at}.subject may have one`],
      [{ ...good, subject: 'repo:*/shop:*' }, `${at}.subject may have one`],
      [{ ...good, subject: 'repo:*' }, `${at}.subject must have at least two parts`],
      [{ ...good, subject: 'repo://*' }, `${at}.subject must have at least two parts`],
      [{ ...good, subject: ':/*' }, `${at}.subject must have at least two parts`],
      [
        { issuer: domain, subject: 'spiffe://evil.org/x' },
        `${at}.subject must be of the trust domain`
      ],
      [
        { issuer: domain, subject: `${domain}.evil/x` },
        `${at}.subject must be of the trust domain`
      ],
      [{ ...good, audience: '' }, `${at}.audience must be a text`],
      [{ ...good, claims: [] }, `${at}.claims must be an object`],
      [{ ...good, claims: { x: 1 } }, `${at}.claims.x must be a text`],
      [{ ...good, claims: { aud: 'x' } }, `${at}.claims.aud is not for claims`],
      [{ ...good, subjects: ['x'] }, `${at}.subjects is not a member`]
    ] as const) {
      t.match(problems(with_(entry), context), [new RegExp(`^${says}`)], JSON.stringify(entry))
    }
    for (const value of ['x', [], {}, Array.from({ length: 21 }, () => good)]) {
      t.match(problems({ workload_identity: value }, context), [/must be a list of 1 to 20/])
    }
    t.match(problems(with_(good), machine), [/and none is configured/])
    const secret = { token_endpoint_auth_method: 'client_secret_basic' }
    t.match(problems({ ...with_(good), ...secret }, context), [/is for .* private_key_jwt only/])
    t.match(problems({ ...redirects, ...with_(good) }, { ...context, type: 'spa' }), [
      /is for clients of type web and machine/
    ])
    t.equal(
      accepted(
        { ...redirects, ...with_(good) },
        { ...context, type: 'web', source: 'registration' }
      ).workload_identity,
      undefined,
      'a stranger says nothing of it'
    )
  }
)
