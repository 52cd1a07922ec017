// The configuration with what only a start can know: its issuer, which may depend on the port, and the demo's API. Refuses to lose the
// secrets in it, which are not enumerable.

import type { Config } from './schema.ts'

/** The configuration with what only a start can know. Its secrets are not enumerable, so a spread would lose them. */
export function settle(
  config: Config,
  known: { issuer: string; resources: Config['resources'] }
): Config & { issuer: string } {
  const members = Object.entries(known).map(([name, value]) => [name, { value, enumerable: true }])
  return Object.create(null, {
    ...Object.getOwnPropertyDescriptors(config),
    ...Object.fromEntries(members)
  })
}
