// ID tokens that must not be believed, made out of the claims that an honest provider would have signed (OpenID Connect Core §3.1.3.7).
// Owns the list; each entry is one lie.

import { SignJWT } from 'jose'
import { createSigner, signJwt } from '../support/key-host.ts'
import { type OpenidProvider, registration } from '../support/openid-provider.ts'

type Forge = (claims: Record<string, unknown>) => string | Promise<string>

export async function idTokenLies(
  { signer, issuer }: OpenidProvider,
  otherIssuer: string
): Promise<Record<string, Forge>> {
  const stranger = await createSigner('theirs')
  const unknown = await createSigner('unknown')
  const seconds = () => Math.floor(Date.now() / 1_000)
  const unsigned = (claims: object, header: object) =>
    `${[header, claims].map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`
  return {
    'alg none': claims => unsigned(claims, { alg: 'none' }),
    'alg none, and a kid': claims => unsigned(claims, { alg: 'none', kid: 'theirs' }),
    'a MAC with our secret': claims =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256' })
        .sign(Buffer.from(registration.client_secret)),
    'another key under their name': claims => signJwt(stranger, claims),
    'a key that nobody published': claims => signJwt(unknown, claims),
    'a key in the header': claims =>
      signJwt(stranger, claims, { jwk: stranger.jwk, kid: undefined }),
    'aud of another client': claims => signJwt(signer, { ...claims, aud: 'another' }),
    'aud of several, and azp of another': claims =>
      signJwt(signer, { ...claims, aud: ['mintmark', 'x'], azp: 'x' }),
    'no aud': claims => signJwt(signer, { ...claims, aud: undefined }),
    'iss of another': claims => signJwt(signer, { ...claims, iss: otherIssuer }),
    'iss with a slash': claims => signJwt(signer, { ...claims, iss: `${issuer}/` }),
    'no iss': claims => signJwt(signer, { ...claims, iss: undefined }),
    expired: claims => signJwt(signer, { ...claims, exp: seconds() - 120 }),
    'exp as a text': claims => signJwt(signer, { ...claims, exp: '9999999999' }),
    'no exp': claims => signJwt(signer, { ...claims, exp: undefined }),
    'not good yet': claims => signJwt(signer, { ...claims, nbf: seconds() + 600 }),
    'no nonce': claims => signJwt(signer, { ...claims, nonce: undefined }),
    'another nonce': claims => signJwt(signer, { ...claims, nonce: 'x'.repeat(43) }),
    'no token at all': () => '',
    'no JWT': () => 'a.b.c'
  }
}
