// Text that everybody may read and keep for a while: keys, and metadata, which changes with them. The discovery document as the engine makes
// it is completed here, and named, so that it is made once an engine.

import type { KoaContextWithOIDC } from 'oidc-provider'
import { digest } from '../lib/secret.ts'

/** Text that everybody may read, and what names this state of it. */
export interface Published {
  text: string
  version: string
}

/** RFC 8414 §3.2: "Claims with zero elements MUST be omitted from the response." */
export function withoutEmpty(metadata: object): object {
  const kept = Object.entries(metadata).filter(([, value]) => !(Array.isArray(value) && !value[0]))
  // the engine says true whatever is so; there are no user codes (clients/backchannel-members.ts)
  const userCodes = 'backchannel_user_code_parameter_supported'
  return Object.fromEntries(kept.map(([name, value]) => [name, name === userCodes ? false : value]))
}

/** The answer as mount.ts gives it from then on, to the byte. */
export function publishedAs(
  ctx: Pick<KoaContextWithOIDC, 'set' | 'remove'>,
  text: string
): Published {
  const version = digest('metadata', text).toString('base64url')
  ctx.set('etag', `"${version}"`)
  ctx.set('access-control-allow-origin', '*')
  ctx.remove('vary')
  return { text, version }
}
