// A corner of the composition root: what the pages of a person's own account need. Other parts add what they hold of a
// person to the list of `parts`. Owns no behaviour of its own.

import { createAccountData, type DataPart } from './accounts/account-data.ts'
import { createAccountDeletion } from './accounts/account-deletion.ts'
import { createAccountSessions } from './accounts/account-sessions.ts'
import { passkeysOf } from './accounts/passkeys.ts'
import { createProfileService } from './accounts/profile.ts'
import { createEventsOfPerson } from './audit/events-of-person.ts'
import { appendAuditEvent } from './audit/record.ts'
import type { Config } from './config/schema.ts'
import type { Accounts } from './ops/parts.ts'
import type { OwnAccount } from './pages/account.ts'
import { createPersonEvents } from './pages/person-events.ts'
import type { ConnectedApps } from './protocol/ports.ts'
import { createAccountDataStore } from './store/account-data.ts'
import type { Database } from './store/database.ts'
import { endAccount } from './store/ending.ts'
import { createPasskeyStore } from './store/passkeys.ts'

export function composeOwnAccount(options: {
  config: Config & { issuer: string }
  database: Database
  accounts: Pick<Accounts, 'service'>
  apps: ConnectedApps
  now: () => Date
}): OwnAccount {
  const { config, database, accounts, apps, now } = options
  const { graceSeconds } = config.accountDeletion

  // what other parts hold of a person: a member of the downloaded document each
  const held = createAccountDataStore({ sql: database })
  const parts: DataPart[] = [
    passkeysOf(createPasskeyStore({ sql: database })),
    { member: 'second_factors', read: held.secondFactors },
    { member: 'linked_identities', read: held.linkedIdentities },
    { member: 'known_browsers', read: held.browsers }
  ]

  return {
    accounts: accounts.service,
    profiles: createProfileService({ database }),
    sessions: createAccountSessions({ database }),
    events: createPersonEvents({ trail: createEventsOfPerson({ sql: database }), apps }),
    deletion: createAccountDeletion({ database, endAccount, graceSeconds }),
    graceSeconds,
    data: createAccountData({ database, issuer: config.issuer, parts, now }),
    record: event => appendAuditEvent(database, event)
  }
}
