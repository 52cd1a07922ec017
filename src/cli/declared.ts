// What a start would refuse of a sound configuration before it opens a database: clients that the policy does not let in, a logo that
// cannot be read. For `config check`, `doctor` and the start itself, so that all three say the same.

import { conformanceRules } from '../clients/conformance.ts'
import { checkClientMetadata } from '../clients/metadata.ts'
import { mutualTlsOf } from '../clients/mutual-tls.ts'
import { declaredClientProblems, type ReconcileProblem } from '../clients/reconcile.ts'
import type { Config } from '../config/schema.ts'
import { Fault } from '../lib/fault.ts'
import { certificateProblems } from '../ops/tls.ts'
import { readLogo } from '../pages/logo.ts'

/** A line a client's member, as an operator reads it. */
export function clientProblemLines(problems: readonly ReconcileProblem[]): string[] {
  return problems.map(({ clientId, member, problem }) =>
    clientId === '' ? `${member} ${problem}` : `${clientId}: ${member} ${problem}`
  )
}

/** One line a problem; none when a start gets past them. */
export function declaredProblems(config: Config): string[] {
  const resources = config.resources.map(({ identifier }) => identifier)
  const clients = declaredClientProblems(config.clients, {
    resources,
    check: (type, metadata, source) =>
      checkClientMetadata(metadata, {
        type,
        resources,
        development: config.mode === 'development',
        source,
        trustedIssuers: config.trustedIssuers.map(({ issuer }) => issuer),
        conformance: conformanceRules(config),
        mutualTls: mutualTlsOf(config.clientCertificates),
        detailTypes: config.authorizationDetails.map(({ type }) => type)
      })
  })
  return [
    ...clientProblemLines(clients),
    ...logoProblems(config.product.logo),
    ...certificateProblems(config)
  ]
}

function logoProblems(file: string | undefined): string[] {
  try {
    if (file !== undefined) readLogo(file)
    return []
  } catch (error) {
    if (error instanceof Fault) return [error.message]
    throw error
  }
}
