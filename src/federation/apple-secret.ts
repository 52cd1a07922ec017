// Our secret at Apple: a JWT that we sign with the key of our team, anew for each request
// (https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret). Owns its claims. Good for minutes,
// where six months are allowed: what leaks by a log of theirs is of no use the next hour.

import { importPKCS8, SignJWT } from 'jose'

const lifetimeSeconds = 300

export function createAppleSecret(options: {
  teamId: string
  keyId: string
  clientId: string
  /** PKCS #8, PEM */
  privateKey: string
  /** issuer of the provider */
  audience: string
  now: () => Date
}): () => Promise<string> {
  const { teamId, keyId, clientId, audience, now } = options
  let key: ReturnType<typeof importPKCS8> | undefined
  return async () => {
    key ??= importPKCS8(options.privateKey, 'ES256')
    const seconds = Math.floor(now().getTime() / 1_000)
    return new SignJWT()
      .setProtectedHeader({ alg: 'ES256', kid: keyId })
      .setIssuer(teamId)
      .setSubject(clientId)
      .setAudience(audience)
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + lifetimeSeconds)
      .sign(await key)
  }
}
