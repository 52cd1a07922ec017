// A conformance run: in a database of its own, marked as such, and over after 24 hours (security D-19). Owns the refusals: to begin where
// there are other clients or accounts, to go on longer, to serve people from such a database afterwards.

import type { FastifyInstance } from 'fastify'
import type { Config } from '../config/schema.ts'
import { Fault } from '../lib/fault.ts'
import { type ConformanceStore, createConformanceStore } from '../store/conformance.ts'
import type { Queries } from '../store/database.ts'
import { healthPaths } from './health.ts'

const lastsSeconds = 24 * 3_600

const another =
  'Give another database: DATABASE_URL, or MINTMARK_DATA for a new folder with an embedded one.'

function refuse(sentence: string): never {
  throw new Fault('configuration_invalid', sentence)
}

/** Before anything is declared or answered. @throws Fault `configuration_invalid` when database and mode do not go together */
export async function checkRun(
  database: Queries,
  { conformance }: Pick<Config, 'conformance'>
): Promise<void> {
  const store = createConformanceStore({ sql: database })
  const age = await store.ageSeconds()
  if (!conformance.enabled) {
    if (age === undefined) return
    refuse(
      `This database was used for a conformance run: what is registered in it was held to less. ${another}`
    )
  }
  if (age !== undefined && age >= lastsSeconds) {
    refuse(
      `The conformance run in this database began more than 24 hours ago and is over. ${another}`
    )
  }
  const stranger = await store.stranger(age === undefined ? 'any' : 'of no run')
  if (stranger !== undefined) {
    refuse(
      `Conformance mode wants a database of its own, and in this one there is ${stranger}. ${another}`
    )
  }
  await store.begin()
}

/** Seconds that are left of the run in this database. */
async function secondsLeft(store: ConformanceStore): Promise<number> {
  await store.begin()
  return lastsSeconds - ((await store.ageSeconds()) ?? 0)
}

/** From the end of the run on, nothing but the health checks is answered. Set before any route. */
export async function endWithRun(
  app: FastifyInstance,
  deps: {
    database: Queries
    now: () => Date
    log: { warn(data: object, message: string): void }
  }
): Promise<void> {
  const left = await secondsLeft(createConformanceStore({ sql: deps.database }))
  const endsAt = new Date(deps.now().getTime() + left * 1_000)
  deps.log.warn(
    { endsAt },
    'conformance mode: clients of the run are held to less; it is not for people, and it ends by itself'
  )
  app.addHook('onRequest', async request => {
    if (deps.now() < endsAt || healthPaths.has(request.url)) return
    throw Object.assign(new Error('this conformance run is over: it lasts 24 hours'), {
      name: 'RefusedRequest',
      code: 'request_refused',
      statusCode: 410
    })
  })
}
