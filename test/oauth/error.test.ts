// Error codes: their statuses by the RFC that defines each, and that the engine means the same by
// them where it has one.

import { errors } from 'oidc-provider'
import { test } from 'tap'
import { isOAuthErrorCode, oauthErrors, statusOf } from '../../src/oauth/error.ts'

test('failed client authentication is 401, every other refusal of the token endpoint 400 (RFC 6749 §5.2)', async t => {
  const codes = Object.entries(oauthErrors).filter(([, { section }]) => section === 'RFC 6749 §5.2')
  t.equal(codes.length, 6)
  for (const [code, { status }] of codes) {
    t.equal(status, code === 'invalid_client' ? 401 : 400, code)
  }
})

test('an invalid token is 401 and a missing scope 403 (RFC 6750 §3.1)', async t => {
  t.equal(statusOf('invalid_token', 'resource'), 401)
  t.equal(statusOf('insufficient_scope', 'resource'), 403)
  t.equal(statusOf('invalid_request', 'resource'), 400)
})

test('a refused DPoP proof is 400 at an endpoint and 401 at a resource (RFC 9449 §5, §7.1)', async t => {
  for (const code of ['invalid_dpop_proof', 'use_dpop_nonce'] as const) {
    t.equal(statusOf(code, 'endpoint'), 400, code)
    t.equal(statusOf(code, 'resource'), 401, code)
  }
})

test('the store being down is 503, which makes no client throw its tokens away', async t => {
  t.equal(statusOf('temporarily_unavailable', 'endpoint'), 503)
})

test('the engine gives its errors the same statuses, but for the two that are ours', async t => {
  let compared = 0
  for (const engineError of Object.values(errors)) {
    const { error, status } = new (
      engineError as new (
        text: string
      ) => { error: string; status: number }
    )('x')
    // 503 is ours; InvalidClient is the engine's class for a client that it could not find
    if (!isOAuthErrorCode(error) || error === 'temporarily_unavailable') continue
    if (engineError === errors.InvalidClient) continue
    compared++
    t.equal(oauthErrors[error].status, status, error)
  }
  t.ok(compared > 20, `${compared} compared`)
})

test('a name that is no code is not one', async t => {
  t.equal(isOAuthErrorCode('invalid_grant'), true)
  t.equal(isOAuthErrorCode('constructor'), false)
  t.equal(isOAuthErrorCode('oops'), false)
})
