// DPoP proofs that two readers could read in two ways (RFC 9449 §4.3, RFC 8725 §3.3): the engine verifies the signature of whatever its library
// forgives. Such a proof is put out of the engine's sight; it then says what it says of everything that is no proof.

import type { IncomingHttpHeaders } from 'node:http'
import { hasOneReading } from '../oauth/compact-jwt.ts'

export function hideAmbiguousProof(headers: IncomingHttpHeaders): void {
  const proof = headers['dpop']
  // an empty header is none, and none is the engine's to judge
  if (typeof proof === 'string' && proof !== '' && !hasOneReading(proof)) headers['dpop'] = 'x'
}
