// Everything of others whose signatures count here, built once for all engines: keys that clients publish, issuers that the operator trusts,
// and the judge of their tokens.

import { findEnabledAccount } from '../accounts/named.ts'
import type { ClientRegistry } from '../clients/registry.ts'
import { createRemoteKeys, type RemoteKeys } from '../clients/remote-keys.ts'
import { createTrustedIssuers, type TrustedIssuers } from '../clients/trusted-issuers.ts'
import type { Config } from '../config/schema.ts'
import type { Outbound } from '../lib/outbound.ts'
import type { Account } from '../store/accounts.ts'
import { createForeignAssertions, type ForeignAssertions } from './foreign-assertions.ts'

export interface ForeignIssuers {
  remoteKeys: RemoteKeys
  issuers: TrustedIssuers
  /** left out where no issuer is trusted */
  assertions: ForeignAssertions | undefined
  /** the account that an operator calls so */
  accountNamed(name: string): Promise<Account | undefined>
}

export function createForeignIssuers(deps: {
  config: Pick<Config, 'trustedIssuers'> & { issuer: string }
  clients: Pick<ClientRegistry, 'find' | 'listWorkloads'>
  accountStore: Parameters<typeof findEnabledAccount>[0]
  outbound: Pick<Outbound, 'send'>
  log: { warn(data: object, message: string): void }
  now: () => Date
}): ForeignIssuers {
  const { clients, log, now } = deps
  const { issuer, trustedIssuers: trusted } = deps.config
  const fetch = deps.outbound.send
  const issuers = createTrustedIssuers({ trusted, fetch, now, log })
  return {
    remoteKeys: createRemoteKeys({ fetch, now: () => now().getTime(), log }),
    issuers,
    accountNamed: name => findEnabledAccount(deps.accountStore, name),
    assertions:
      trusted.length === 0 ? undefined : createForeignAssertions({ issuer, issuers, clients })
  }
}
