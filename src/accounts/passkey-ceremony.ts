// The door to the WebAuthn library: an answer of a browser, judged against what we asked (Web Authentication Level 3 §7.1, §7.2). Owns what
// is demanded: our origin, our host, user verification, the kinds of key. Refuses attestation: nobody asked for it, and to look into it
// would mean to parse certificates of strangers. The library is loaded at its first use, since it is large and many processes never
// need it.

import type { PasskeyWithKey } from '../store/passkeys.ts'
import type { AssertionAnswer, AttestationAnswer } from './passkey-answer.ts'

/** Whom passkeys are for: what a browser signs with them. */
export interface RelyingParty {
  /** host of the issuer */
  id: string
  origin: string
  /** of the product, as people know it */
  name: string
}

/** COSE algorithms: ES256, EdDSA, RS256 (§5.8.5: what covers all authenticators). */
export const algorithms = [-7, -8, -257]

export type AssertionOutcome =
  | { ok: true; counter: number; backedUp: 'yes' | 'no' }
  | { ok: false; why: string }

/** What a registration brings. */
export interface MadeCredential {
  credentialId: Buffer
  publicKey: Buffer
  counter: number
  aaguid: string
  kind: 'synced' | 'device-bound'
  backedUp: 'yes' | 'no'
}

export type AttestationOutcome =
  | { ok: true; credential: MadeCredential }
  | { ok: false; why: string }

/** Judges an assertion by the passkey that it names; whether the challenge is ours is the caller's to know. */
export async function verifyAssertion(
  party: RelyingParty,
  answer: AssertionAnswer,
  passkey: PasskeyWithKey
): Promise<AssertionOutcome> {
  // §7.2 step 6: "verify that response.userHandle … equals the user handle of the user account"
  const { userHandle } = answer.response
  if (userHandle !== undefined && userHandle !== passkey.userHandle.toString('base64url')) {
    return { ok: false, why: 'the user handle is another account’s' }
  }
  const { verifyAuthenticationResponse } = await import('@simplewebauthn/server')
  return judged(async () => {
    const { verified, authenticationInfo: info } = await verifyAuthenticationResponse({
      response: {
        id: answer.id,
        rawId: answer.id,
        type: 'public-key',
        response: answer.response,
        clientExtensionResults: {}
      },
      expectedChallenge: answer.challenge,
      expectedType: 'webauthn.get',
      expectedOrigin: party.origin,
      expectedRPID: party.id,
      requireUserVerification: true,
      credential: {
        id: answer.id,
        publicKey: new Uint8Array(passkey.publicKey),
        // judged by the store, in the statement that writes the new one
        counter: 0
      }
    })
    if (!verified) return { ok: false, why: 'the signature is not of this key' }
    // §7.2 step 18: "If currentBe is set, verify that credentialRecord.backupEligible is set", and the other way round
    if ((info.credentialDeviceType === 'multiDevice') !== (passkey.kind === 'synced')) {
      return { ok: false, why: 'the backup eligibility has changed' }
    }
    return {
      ok: true,
      counter: info.newCounter,
      backedUp: info.credentialBackedUp ? 'yes' : 'no'
    }
  })
}

export async function verifyAttestation(
  party: RelyingParty,
  answer: AttestationAnswer
): Promise<AttestationOutcome> {
  const { verifyRegistrationResponse } = await import('@simplewebauthn/server')
  const { decodeAttestationObject } = await import('@simplewebauthn/server/helpers')
  return judged(async () => {
    const object = new Uint8Array(Buffer.from(answer.response.attestationObject, 'base64url'))
    // We ask for none, and then a browser leaves only what the new key says of itself (§5.1.3, "self attestation is being used and no further
    // action is needed"). Another one could make us follow the addresses in its certificates.
    const decoded = decodeAttestationObject(object)
    const fmt = decoded.get('fmt')
    const self = fmt === 'packed' && decoded.get('attStmt').get('x5c') === undefined
    if (fmt !== 'none' && !self) {
      return { ok: false, why: 'an attestation was sent that nobody asked for' }
    }
    const { verified, registrationInfo: info } = await verifyRegistrationResponse({
      response: {
        id: answer.id,
        rawId: answer.id,
        type: 'public-key',
        response: answer.response,
        clientExtensionResults: {}
      },
      expectedChallenge: answer.challenge,
      expectedType: 'webauthn.create',
      expectedOrigin: party.origin,
      expectedRPID: party.id,
      requireUserVerification: true,
      supportedAlgorithmIDs: algorithms
    })
    if (!verified) return { ok: false, why: 'the attestation object does not hold' }
    if (info.credential.id !== answer.id) {
      return { ok: false, why: 'the credential goes by two names' }
    }
    return {
      ok: true,
      credential: {
        credentialId: Buffer.from(answer.id, 'base64url'),
        publicKey: Buffer.from(info.credential.publicKey),
        counter: info.credential.counter,
        aaguid: info.aaguid,
        kind: info.credentialDeviceType === 'multiDevice' ? 'synced' : 'device-bound',
        backedUp: info.credentialBackedUp ? 'yes' : 'no'
      }
    }
  })
}

/** The library says no by throwing; nothing but what a stranger sent is looked at inside. */
async function judged<T>(judge: () => Promise<T>): Promise<T | { ok: false; why: string }> {
  try {
    return await judge()
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.message : 'not readable' }
  }
}
