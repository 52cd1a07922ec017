// The policy for client metadata, where it is about asking a person who is somewhere else (OpenID Connect CIBA Core §4).

import t from 'tap'
import { cibaGrantType } from '../../src/clients/backchannel-members.ts'
import { checkClientMetadata, type MetadataContext } from '../../src/clients/metadata.ts'

const base = { resources: [], development: false, source: 'cli' } as const
const web: MetadataContext = { ...base, type: 'web' }
const asks = { grant_types: [cibaGrantType] }
const endpoint = 'https://till.example.com/ping'
const ping = {
  ...asks,
  backchannel_token_delivery_mode: 'ping',
  backchannel_client_notification_endpoint: endpoint
}

function problems(input: unknown, context = web): string[] {
  const checked = checkClientMetadata(input, context)
  return checked.ok ? [] : checked.problems.map(({ member, problem }) => `${member} ${problem}`)
}

t.test('poll is the default, ping needs an endpoint, push is not offered (CIBA Core §4)', t => {
  const polls = checkClientMetadata(asks, web)
  t.match(polls, { ok: true, metadata: { backchannel_token_delivery_mode: 'poll' } })
  t.strictSame(problems(ping), [])
  t.match(problems({ ...asks, backchannel_token_delivery_mode: 'ping' }), [/is needed/])
  t.match(problems({ ...asks, backchannel_client_notification_endpoint: endpoint }), [/ping only/])
  t.match(problems({ ...ping, backchannel_token_delivery_mode: 'push' }), [/push is not offered/])
  t.match(problems({ ...asks, backchannel_user_code_parameter: true }), [/must be false/])
  t.strictSame(problems({ ...asks, backchannel_user_code_parameter: false }), [])
  t.match(problems({ ...asks, subject_type: 'pairwise' }), [/must be public/])
  t.match(problems({ ...asks, backchannel_authentication_request_signing_alg: 'ES256' }), [
    /needs jwks_uri or jwks/
  ])
  t.match(problems({ ...asks, backchannel_authentication_request_signing_alg: 'none' }), [
    /must be/
  ])
  t.end()
})

t.test('pings go where this server may ask (R-43)', t => {
  for (const uri of [
    'http://till.example.com/ping',
    'ftp://x.example',
    '/ping',
    'https://u@x.example/'
  ]) {
    t.ok(problems({ ...ping, backchannel_client_notification_endpoint: uri }).length > 0, uri)
  }
  t.end()
})

t.test('the grant type is for confidential clients with people, and an operator gives it', t => {
  const redirect_uris = ['https://app.example.com/callback']
  for (const type of ['spa', 'native', 'machine'] as const) {
    t.match(problems(asks, { ...base, type }), [/grant_types.* must be/], type)
  }
  const stranger: MetadataContext = { ...web, source: 'registration' }
  t.match(problems(asks, stranger), [/must be/])
  t.match(problems({ redirect_uris, ...ping, grant_types: ['authorization_code'] }), [
    /needs urn:openid/,
    /needs urn:openid/
  ])
  t.end()
})
