// Security events as the pages of an account show them: those that have words for a person, with names of apps in place of client ids. Owns what
// of an event's data is shown.

import type { EventsOfPerson } from '../audit/events-of-person.ts'
import type { ConnectedApps } from '../protocol/ports.ts'
import { type EventView, securityEventsSection } from '../views/security-events.ts'
import type { SecuritySection } from './security.ts'

export interface PersonEvents {
  list(
    accountId: string,
    after?: string
  ): Promise<{ events: EventView[]; next: string | undefined }>
  /** the newest, on the page of sign-in and security */
  section: SecuritySection
}

const onePage = 50
const newest = 3

export function createPersonEvents(deps: {
  trail: EventsOfPerson
  apps: Pick<ConnectedApps, 'nameOf'>
}): PersonEvents {
  async function read(accountId: string, limit: number, after?: string) {
    const page = await deps.trail.list(accountId, limit, after)
    const ids = [...new Set(page.events.flatMap(({ clientId }) => clientId ?? []))]
    const names = new Map(
      await Promise.all(ids.map(async id => [id, await deps.apps.nameOf(id)] as const))
    )
    const events = page.events.map(({ type, at, clientId, address, data }): EventView => {
      const text = (member: string) => (typeof data[member] === 'string' ? data[member] : undefined)
      return {
        type,
        at,
        app: clientId === null ? undefined : names.get(clientId),
        address: address ?? undefined,
        device: text('device'),
        name: text('name'),
        provider: text('issuer')
      }
    })
    return { events, next: page.next }
  }

  return {
    list: (accountId, after) => read(accountId, onePage, after),
    async section({ person, frame }) {
      const { events } = await read(person.accountId, newest)
      return securityEventsSection(frame, events)
    }
  }
}
