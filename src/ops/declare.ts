// What a start declares before anybody is answered: the configured clients, what a development start seeds and a production start
// disables. Done once by whoever starts the server, with one process or many.

import { statSync } from 'node:fs'
import type { ReconcileProblem, Revision } from '../clients/reconcile.ts'
import type { ClientRegistry } from '../clients/registry.ts'
import { processEnvironment } from '../config/load.ts'
import { mailRoute, noMail } from '../config/mail-route.ts'
import type { Config } from '../config/schema.ts'
import { randomSecret } from '../lib/secret.ts'
import type { DataFolder } from '../store/data-folder.ts'
import { createSettingsStore } from '../store/settings.ts'
import type { Logger } from '../telemetry/logger.ts'
import { files } from './installation.ts'
import type { Accounts, Store } from './parts.ts'
import { tellPkceExemption } from './pkce-exemption.ts'
import { demoAccount, seedClients } from './seed.ts'

/** Says so when the database may forget what it has confirmed. */
async function warnOfLooseDatabase(
  database: Parameters<typeof createSettingsStore>[0]['sql'],
  log: Logger
): Promise<void> {
  const settings = createSettingsStore({ sql: database, now: () => new Date() })
  const facts = await settings.serverFacts()
  if (!facts.fsync || !facts.fullPageWrites || !facts.synchronousCommit) {
    log.warn(
      {
        fsync: facts.fsync,
        fullPageWrites: facts.fullPageWrites,
        synchronousCommit: facts.synchronousCommit
      },
      'the database may lose what it has confirmed: tokens that were handed out may be unknown after a crash'
    )
  }
}

export interface DemoSecrets {
  password: string
  machineSecret: string
}

interface Declared {
  config: Config & { issuer: string }
  folder: DataFolder | undefined
  /** throws: clients that the policy does not let in end a start */
  refuse: (problems: readonly ReconcileProblem[]) => void
}

interface Parties {
  clients: ClientRegistry
  accounts: Accounts
}

/** Brings clients and accounts to what is declared: by the file, and in development by the seed. */
export async function declare(
  parties: Parties,
  store: Store,
  declared: Declared,
  log: Logger
): Promise<DemoSecrets | undefined> {
  const secrets = await write(parties, store, declared, log)
  // once everything is in place, the demo's clients too
  const { exemptClient } = declared.config.pkce
  await tellPkceExemption(exemptClient, { clients: parties.clients, log })
  return secrets
}

async function write(
  { clients, accounts }: Parties,
  store: Store,
  { config, folder, refuse }: Declared,
  log: Logger
): Promise<DemoSecrets | undefined> {
  await warnOfLooseDatabase(store.database, log)
  if (mailRoute(config) === 'nowhere') log.warn(`${noMail}: set mail.smtp and mail.from`)
  const reconciled = await clients.reconcile(config.clients, revisionOf(config))
  if (!reconciled.ok) {
    refuse(reconciled.problems)
    return undefined
  }
  if (reconciled.outcome === 'written') log.info({ reconciled }, 'configured clients are in place')
  else {
    log.warn(
      { reconciled },
      "the clients of a newer configuration stay as they are: this one is older, or declares none. If it is meant, save its file again, raise its clientsRevision, or say MINTMARK_CLIENTS='[]' for none"
    )
  }

  if (config.conformance.enabled) {
    await accounts.reconciler.reconcileConfigured(config.accounts)
    return undefined
  }
  if (config.mode !== 'development' || folder === undefined) {
    const disabled = [
      ...(await clients.disableSeeded()),
      ...(await accounts.reconciler.disableSeeded())
    ]
    if (disabled.length > 0)
      log.warn({ disabled }, 'what a development start had seeded is disabled')
    return undefined
  }
  const password = await folder.secretFile(files.password, () => randomSecret(16))
  const machineSecret = await folder.secretFile(files.machineSecret, randomSecret)
  await accounts.reconciler.reconcileConfigured([...config.accounts, demoAccount(password)])
  await seedClients(clients, config.issuer, machineSecret)
  return { password, machineSecret }
}

function revisionOf(config: Config): Revision {
  if (config.clientsRevision !== undefined) return { from: 'key', value: config.clientsRevision }
  // a variable has no age of its own: what it says is as new as this start
  if (processEnvironment()['MINTMARK_CLIENTS']) return { from: 'variable', value: Date.now() }
  if (config.file === undefined) return { from: 'nothing', value: 0 }
  return { from: 'file', value: Math.trunc(statSync(config.file).mtimeMs) }
}
