// Rules about clients with a profile (FAPI 2.0): what the server signs for them must not be RS256, which the profile does not know. What one
// client's own metadata may say is the clients' policy (clients/profile.ts).

import { firstPartyClients } from './resource-schema.ts'
import type { Check } from './rule.ts'

/** FAPI 2.0 Security Profile §5.4.1: JWTs "shall use PS256, ES256, or EdDSA (using the Ed25519 variant) algorithms". */
export const profilesHaveTheirAlgorithms: Check = (config, place) => {
  const held = config.clients.filter(({ profile }) => profile !== undefined)
  const person = held.find(({ type }) => type !== 'machine')
  const fix = 'Sign with ES256 or EdDSA, or take the profile from the client.'
  return [
    ...(config.accessTokens.algorithm === 'RS256' && person !== undefined
      ? [
          {
            path: 'accessTokens.algorithm',
            problem: `is RS256, which the profile of the client ${person.client_id} refuses`,
            fix
          }
        ]
      : []),
    ...config.resources.flatMap(resource => {
      if (resource.accessTokens.algorithm !== 'RS256') return []
      const refused = held.find(
        ({ client_id: id, first_party: first }) =>
          resource.clients.includes(id) || (first && resource.clients.includes(firstPartyClients))
      )
      if (refused === undefined) return []
      const problem = `is RS256, which the profile of the client ${refused.client_id} refuses`
      return [{ path: `${place(resource)}.accessTokens.algorithm`, problem, fix }]
    })
  ]
}
