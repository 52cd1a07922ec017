// Somebody else's API: reads { issuer, token } on standard input, finds keys and list by itself, and prints the bit of the token, with jose and
// zlib alone (draft-ietf-oauth-status-list §8.3).

import { text } from 'node:stream/consumers'
import { inflateSync } from 'node:zlib'
import { createRemoteJWKSet, jwtVerify } from 'jose'

const { issuer, token } = JSON.parse(await text(process.stdin))
try {
  const discovery = await fetch(`${issuer}/.well-known/openid-configuration`)
  const keys = createRemoteJWKSet(new URL((await discovery.json()).jwks_uri))
  const { payload } = await jwtVerify(token, keys, { issuer, typ: 'at+jwt' })
  const { idx, uri } = payload.status.status_list
  const answer = await fetch(uri, { headers: { accept: 'application/statuslist+jwt' } })
  const list = await jwtVerify(await answer.text(), keys, {
    typ: 'statuslist+jwt',
    subject: uri,
    requiredClaims: ['iat', 'exp']
  })
  const { bits, lst } = list.payload.status_list
  const bytes = inflateSync(Buffer.from(lst, 'base64url'))
  const bit = (bytes[Math.floor(idx / 8)] >> (idx % 8)) & 1
  const { ttl } = list.payload
  console.log(JSON.stringify({ ok: true, bit, bits, ttl, size: bytes.length * 8 }))
} catch (error) {
  console.log(JSON.stringify({ ok: false, refusal: `${error}` }))
}
