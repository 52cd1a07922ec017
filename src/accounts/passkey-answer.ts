// What a browser posts after a ceremony of Web Authentication: the JSON of §5.1.8 (`RegistrationResponseJSON`, `AuthenticationResponseJSON`),
// read member by member. Owns the shape, and what of the client data a challenge is found by. Refuses everything that is not a text in
// base64url where one belongs; extensions are not read.

/** RFC 4648 §5, without padding. */
type Base64url = string

export interface AssertionAnswer {
  kind: 'assertion'
  id: Base64url
  challenge: Base64url
  response: {
    clientDataJSON: Base64url
    authenticatorData: Base64url
    signature: Base64url
    userHandle?: Base64url
  }
}

export interface AttestationAnswer {
  kind: 'attestation'
  id: Base64url
  challenge: Base64url
  response: { clientDataJSON: Base64url; attestationObject: Base64url }
  transports: string[]
}

/** §5.8.4; others are left out, as a browser that does not know them would leave them out. */
const transports = ['ble', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb']

/** §7.1 step 25: "Verify that the credentialId is ≤ 1023 bytes." */
const longestId = Math.ceil((1_023 * 4) / 3)

type Members = Readonly<Record<string, unknown>>

/** Undefined: it is none. */
export function readAssertion(posted: string): AssertionAnswer | undefined {
  const answer = membersOf(posted)
  const response = answer && objectOf(answer['response'])
  if (answer === undefined || response === undefined) return undefined
  const { clientDataJSON, authenticatorData, signature, userHandle } = response
  const id = idOf(answer)
  const challenge = challengeOf(clientDataJSON)
  if (id === undefined || challenge === undefined) return undefined
  if (!isBase64url(clientDataJSON) || !isBase64url(authenticatorData)) return undefined
  if (!isBase64url(signature)) return undefined
  if (userHandle !== undefined && userHandle !== null && !isBase64url(userHandle)) return undefined
  const known = { clientDataJSON, authenticatorData, signature }
  return {
    kind: 'assertion',
    id,
    challenge,
    response: { ...known, ...(isBase64url(userHandle) ? { userHandle } : {}) }
  }
}

/** Undefined: it is none. */
export function readAttestation(posted: string): AttestationAnswer | undefined {
  const answer = membersOf(posted)
  const response = answer && objectOf(answer['response'])
  if (answer === undefined || response === undefined) return undefined
  const { clientDataJSON, attestationObject, transports: told } = response
  const id = idOf(answer)
  const challenge = challengeOf(clientDataJSON)
  if (id === undefined || challenge === undefined) return undefined
  if (!isBase64url(clientDataJSON) || !isBase64url(attestationObject)) return undefined
  return {
    kind: 'attestation',
    id,
    challenge,
    response: { clientDataJSON, attestationObject },
    transports: transports.filter(known => Array.isArray(told) && told.includes(known))
  }
}

function isBase64url(value: unknown): value is Base64url {
  return typeof value === 'string' && /^[A-Za-z0-9_-]+$/.test(value)
}

function objectOf(value: unknown): Members | undefined {
  const is = typeof value === 'object' && value !== null && !Array.isArray(value)
  return is ? (value as Members) : undefined
}

function membersOf(text: string): Members | undefined {
  try {
    return objectOf(JSON.parse(text))
  } catch {
    return undefined
  }
}

function idOf({ id, rawId, type }: Members): Base64url | undefined {
  if (type !== 'public-key' || id !== rawId || !isBase64url(id)) return undefined
  return id.length <= longestId ? id : undefined
}

/** The challenge that was signed for. Whoever stood inside a frame of another site (`crossOrigin`) has answered nothing of ours. */
function challengeOf(clientDataJSON: unknown): Base64url | undefined {
  if (!isBase64url(clientDataJSON)) return undefined
  const data = membersOf(Buffer.from(clientDataJSON, 'base64url').toString())
  if (data === undefined || data['crossOrigin'] === true) return undefined
  const { challenge } = data
  return isBase64url(challenge) ? challenge : undefined
}
