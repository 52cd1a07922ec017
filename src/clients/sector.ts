// The sector of a client with pairwise subjects (OpenID Connect Core §8.1): clients of one sector see the same `sub`. Owns the rule that
// there is exactly one. What the document at `sector_identifier_uri` says is asked once, when a client registers itself; of a client
// that the operator declares, the operator vouches.

import type { ClientMetadata } from './client.ts'
import { deviceGrantType } from './templates.ts'

/** What is wrong with the members about the subject, if anything is. */
export function sectorProblem(
  metadata: ClientMetadata
): { member: string; problem: string } | undefined {
  const { subject_type, sector_identifier_uri, redirect_uris, grant_types } = metadata
  if (subject_type !== 'pairwise') {
    return sector_identifier_uri === undefined
      ? undefined
      : { member: 'sector_identifier_uri', problem: 'is for subject_type pairwise' }
  }
  // its sector would be that of its keys, which a client without credentials has none of
  if (grant_types.includes(deviceGrantType)) {
    return { member: 'subject_type', problem: 'must not be pairwise with the device grant' }
  }
  // one without redirect URIs has no person, and is told so already
  if (sector_identifier_uri !== undefined || redirect_uris.length === 0) return undefined
  const urls = redirect_uris.map(uri => new URL(uri))
  // Core §8.1: «If there are multiple hostnames in the registered redirect_uris, the Client MUST register a sector_identifier_uri.»
  const one = new Set(urls.map(url => url.host)).size === 1
  // a private-use scheme or a loopback address is everybody's: strangers would share the sector
  if (one && urls.every(url => url.protocol === 'https:')) return undefined
  return {
    member: 'sector_identifier_uri',
    problem: 'is needed for pairwise subjects, unless all redirect_uris are https and have one host'
  }
}
