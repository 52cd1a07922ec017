// Somebody else's API, which trusts nothing but an issuer: reads { issuer, token, audience, alg } on standard input, finds the keys by
// itself, and prints what jose says of the token. Imports nothing of ours.

import { createRemoteJWKSet, jwtVerify } from 'jose'

let input = ''
for await (const chunk of process.stdin) input += chunk
const { issuer, token, audience, alg } = JSON.parse(input)

const answer = await fetch(`${issuer}/.well-known/openid-configuration`)
const { jwks_uri } = await answer.json()
try {
  const keys = createRemoteJWKSet(new URL(jwks_uri))
  const options = { issuer, audience, algorithms: [alg] }
  const { payload, protectedHeader } = await jwtVerify(token, keys, options)
  console.log(JSON.stringify({ ok: true, header: protectedHeader, claims: payload }))
} catch (error) {
  console.log(JSON.stringify({ ok: false, refusal: error.code ?? String(error) }))
}
