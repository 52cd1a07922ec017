// What tests compare access tokens by. Of a token that was verified elsewhere, or need not be.

/** Enough of a token to tell it from another one. */
export function shortOf(token: string): { jti: unknown; aud: unknown } {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  return { jti: claims.jti, aud: claims.aud }
}
