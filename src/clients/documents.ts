// Clients that are metadata documents, found by every request: from the registry's memory while the document is fresh, else fetched anew by
// one process (draft-ietf-oauth-client-id-metadata-document §5). Owns when a document is asked for and how long it is believed. A failure is no
// client and is remembered for seconds here, and for a minute by the claim; a document that was good is believed a while longer when its host
// is down, and no longer when its host says that it is gone.

import { setTimeout as sleep } from 'node:timers/promises'
import { appendAuditEvent } from '../audit/record.ts'
import { createCache } from '../lib/cache.ts'
import { type Outbound, OutboundError, type OutboundReason } from '../lib/outbound.ts'
import type { ClientDocumentStore, FetchLimits } from '../store/client-documents.ts'
import type { Queries } from '../store/database.ts'
import type { RegisteredClient } from './client.ts'
import { checkClientDocument } from './document.ts'
import { type DocumentUrlRules, documentHost, documentUrlProblem } from './document-url.ts'
import { freshSeconds } from './freshness.ts'
import type { MetadataContext } from './member-checks.ts'
import type { ClientRegistry } from './registry.ts'

/** §8.7: «The recommended maximum size to read is 5 kilobytes.» */
const maxBytes = 5 * 1024

const rememberedSeconds = 5
const waitMillis = 200
/** as long as a fetch that another process has begun may take, and its transaction */
const mostWaits = 25

/** Over a limit: the database is not asked for so long, whatever else the same source names. */
const quietMillis = 1_000
const mostSources = 5_000

/** One source of documents must not keep others out; a site's own are few. */
const perHost = 20
const perSource = 20

export interface ClientDocumentsOptions {
  clients: Pick<ClientRegistry, 'find' | 'findStored'>
  store: ClientDocumentStore
  outbound: Pick<Outbound, 'send'>
  rules: DocumentUrlRules & Pick<MetadataContext, 'detailTypes'>
  /** how long a document is believed while its host is down, after it was to be fetched anew */
  staleSeconds: number
  /** documents that nobody has consented to, fetched a minute over all processes */
  fetches: number
  rows: number
  rowsPerHost: number
  /** ends grants, refresh families and consents of a client whose document asks for something else */
  endClient: (clientId: string, sql: Queries) => Promise<void>
  /** who asks: the network address of the request */
  source: () => string
  log: { warn(data: object, message: string): void }
  /** milliseconds */
  now: () => number
}

/** Why there is no new document. */
type Failure = 'down' | 'refused'

export interface ClientDocuments {
  /** Undefined for whatever is not the address of a document that is good now. @throws Fault `store_unavailable` */
  find(clientId: string): Promise<RegisteredClient | undefined>
}

export function createClientDocuments(options: ClientDocumentsOptions): ClientDocuments {
  const { clients, store, outbound, rules, staleSeconds, log, now } = options
  const limits: FetchLimits = { perHost, perSource, total: options.fetches }
  const failures = createCache<Failure | undefined>({
    max: 5_000,
    ttlSeconds: rememberedSeconds,
    now
  })

  /** Who was over a limit a moment ago, in milliseconds: asks nobody about documents that are not known. */
  const overLimit = new Map<string, number>()
  function isOverLimit(source: string): boolean {
    return now() - (overLimit.get(source) ?? Number.NEGATIVE_INFINITY) < quietMillis
  }

  /** Undefined: what is stored is new. */
  async function renew(clientId: string, usable: boolean): Promise<Failure | undefined> {
    const document = { clientId, host: documentHost(clientId), source: options.source() }
    for (let waits = 0; waits < mostWaits; waits += 1) {
      const claim = await store.claim(document, limits)
      switch (claim) {
        case 'claimed':
          return fetchAnew(clientId)
        case 'fresh':
        case 'stored':
          return undefined
        case 'failed':
          return 'down'
        case 'limited':
          log.warn({ clientId }, 'too many client metadata documents were asked for')
          if (overLimit.size >= mostSources) overLimit.clear()
          overLimit.set(document.source, now())
          return 'down'
        case 'disabled':
          return 'refused'
        case 'pending':
          if (usable) return undefined
          await sleep(waitMillis)
      }
    }
    return 'down'
  }

  async function fetchAnew(clientId: string): Promise<Failure | undefined> {
    const fetched = await fetchDocument(clientId)
    if (!fetched.ok) {
      log.warn(
        { clientId, reason: fetched.reason, err: fetched.cause },
        'a client metadata document was refused'
      )
      await store.fail(clientId, fetched.failure === 'down' ? 'unreachable' : 'withdrawn')
      return fetched.failure
    }
    const { type, metadata, digest } = fetched.document
    const saved = await store.save(
      {
        ...{ clientId, host: documentHost(clientId), type, metadata, digest },
        ...{ freshSeconds: fetched.freshSeconds, staleSeconds }
      },
      options,
      async tx => {
        await options.endClient(clientId, tx)
        await appendAuditEvent(tx, { type: 'client.document_changed', clientId, data: {} })
      }
    )
    if (saved !== 'full') return undefined
    log.warn({ clientId }, 'no room for another client metadata document')
    return 'refused'
  }

  async function fetchDocument(clientId: string) {
    const refused = (failure: Failure, reason: string, cause?: unknown) =>
      ({ ok: false, failure, reason, cause }) as const
    try {
      const headers = { accept: 'application/json' }
      const answer = await outbound.send(clientId, { headers, maxBytes })
      // §5: «MUST treat all other HTTP status codes as an error response»
      if (answer.status === 404 || answer.status === 410) return refused('refused', 'is not there')
      if (answer.status !== 200) return refused('down', `answered ${answer.status}`)
      if (!isJson(answer.headers['content-type'])) return refused('refused', 'is not JSON')
      const checked = checkClientDocument(clientId, answer.body, rules)
      if (!checked.ok) return refused('refused', checked.problem)
      return {
        ok: true,
        document: checked,
        freshSeconds: freshSeconds(answer.headers, now())
      } as const
    } catch (error) {
      if (!(error instanceof OutboundError)) throw error
      return refused(passing.has(error.reason) ? 'down' : 'refused', error.reason, error)
    }
  }

  return {
    async find(clientId) {
      if (documentUrlProblem(clientId, rules) !== undefined) return undefined
      const known = await clients.find(clientId)
      const { freshUntil, usableUntil } = known?.document ?? {}
      if (freshUntil !== undefined && freshUntil.getTime() > now()) return known
      const usable = usableUntil !== undefined && usableUntil.getTime() > now()

      if (known === undefined && isOverLimit(options.source())) return undefined

      const failure = await failures.get(clientId, () => renew(clientId, usable))
      if (failure === 'refused') return undefined
      if (failure === 'down') return usable ? known : undefined
      const stored = await clients.findStored(clientId)
      if (stored?.document === undefined || stored.disabledAt !== undefined) return undefined
      return stored.document.usableUntil.getTime() > now() ? stored : undefined
    }
  }
}

/** What says nothing about the document: its host may be back in a moment. */
const passing: ReadonlySet<OutboundReason> = new Set(['unreachable', 'timeout'])

/** §4: «MAY also be served with more specific content types as long as the response is JSON and conforms to application/<AS-defined>+json» */
function isJson(contentType: string | undefined): boolean {
  return /^application\/([\w.!#$&^-]+\+)?json\s*(;|$)/i.test(contentType ?? '')
}
