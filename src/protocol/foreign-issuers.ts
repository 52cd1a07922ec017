// Everything of others whose signatures count here, built once for all engines: keys that clients publish, issuers that the operator trusts,
// and the judge of their tokens.

import type { ClientRegistry } from '../clients/registry.ts'
import { createRemoteKeys, type RemoteKeys } from '../clients/remote-keys.ts'
import { createTrustedIssuers, type TrustedIssuers } from '../clients/trusted-issuers.ts'
import type { Config } from '../config/schema.ts'
import type { Outbound } from '../lib/outbound.ts'
import { createForeignAssertions, type ForeignAssertions } from './foreign-assertions.ts'

export interface ForeignIssuers {
  remoteKeys: RemoteKeys
  issuers: TrustedIssuers
  /** left out where no issuer is trusted */
  assertions: ForeignAssertions | undefined
}

export function createForeignIssuers(deps: {
  config: Pick<Config, 'trustedIssuers'>
  issuer: string
  clients: Pick<ClientRegistry, 'find' | 'listWorkloads'>
  outbound: Pick<Outbound, 'send'>
  log: { warn(data: object, message: string): void }
  now: () => Date
}): ForeignIssuers {
  const { issuer, clients, log, now } = deps
  const trusted = deps.config.trustedIssuers
  const fetch = deps.outbound.send
  const issuers = createTrustedIssuers({ trusted, fetch, now, log })
  return {
    remoteKeys: createRemoteKeys({ fetch, now: () => now().getTime(), log }),
    issuers,
    assertions:
      trusted.length === 0 ? undefined : createForeignAssertions({ issuer, issuers, clients })
  }
}
