// What a person may change of how they are known: name, nickname, language, time zone. Owns the list, which is short: a picture would be somebody
// else's address in every app, and what nobody has checked is no statement of ours (birth date, postal address, telephone). E-mail and
// password have pages of their own. Refuses what checkProfile refuses.

import { appendAuditEvent } from '../audit/record.ts'
import type { Database } from '../store/database.ts'
import { createProfileStore } from '../store/profiles.ts'
import { type Asked, checkProfile } from './account.ts'

/** As it stands in the form; empty: nothing is said. */
export interface ProfileForm {
  name: string
  nickname: string
  locale: string
  zoneinfo: string
}

export type ProfileFieldProblem = 'name' | 'nickname' | 'locale' | 'zoneinfo'

export type SaveProfileOutcome =
  | { ok: true; changed: 'saved' | 'same' }
  | { ok: false; problems: ProfileFieldProblem[] }

export interface ProfileService {
  save(accountId: string, form: ProfileForm, asked: Asked): Promise<SaveProfileOutcome>
}

/** The zones of the tz database that this runtime knows, by name. */
export const timeZones: readonly string[] = Intl.supportedValuesOf('timeZone')

/** One form of a text: no blanks around it, composed characters; an empty one says nothing. */
const said = (text: string) => text.normalize('NFC').trim() || undefined

/** Throws Fault `store_unavailable` when the database does not answer. */
export function createProfileService({ database }: { database: Database }): ProfileService {
  return {
    async save(accountId, form, asked) {
      const [name, nickname] = [said(form.name), said(form.nickname)]
      const [locale, zoneinfo] = [said(form.locale), said(form.zoneinfo)]
      const problems: ProfileFieldProblem[] = []
      if (!checkProfile({ name }).ok) problems.push('name')
      // a name of another kind, and it goes where a name goes
      if (!checkProfile({ name: nickname }).ok) problems.push('nickname')
      if (!checkProfile({ locale }).ok) problems.push('locale')
      if (zoneinfo !== undefined && !timeZones.includes(zoneinfo)) problems.push('zoneinfo')
      if (problems.length > 0) return { ok: false, problems }

      const profile = { name, locale, claims: { nickname, zoneinfo } }
      const changed = await database.transaction(async tx => {
        const outcome = await createProfileStore({ sql: tx }).save(accountId, profile)
        if (outcome === 'saved') {
          const event = { type: 'account.updated', accountId, data: { via: 'self' } } as const
          await appendAuditEvent(tx, { ...event, ...asked })
        }
        return outcome
      })
      return { ok: true, changed }
    }
  }
}
