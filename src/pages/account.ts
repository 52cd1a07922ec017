// The account's own pages: profile (`/account`), devices and sessions, security events, data and deletion. Owns the way from their forms to the
// services. Refuses what is of another account: every service is given the account of the session, and nothing from the form names one.

import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { AccountService, Asked } from '../accounts/account.ts'
import type { AccountData } from '../accounts/account-data.ts'
import type { AccountDeletion } from '../accounts/account-deletion.ts'
import type { AccountSessions } from '../accounts/account-sessions.ts'
import { type ProfileForm, type ProfileService, timeZones } from '../accounts/profile.ts'
import type { RecordAuditEvent } from '../audit/events.ts'
import { locales, messagesOf } from '../i18n/locale.ts'
import type { ConnectedApps } from '../protocol/ports.ts'
import {
  deletePath,
  renderAccountData,
  renderDeleteAccount,
  renderDeletionRequested
} from '../views/account-data.ts'
import { accountPages } from '../views/account-layout.ts'
import { type ProfileField, renderProfile } from '../views/profile.ts'
import { eventsPath, renderSecurityEvents } from '../views/security-events.ts'
import { renderSessions, renderSignedOutEverywhere } from '../views/sessions.ts'
import { type AccountPageDependencies, accountPage, type Visit } from './account-page.ts'
import type { PersonEvents } from './person-events.ts'

export interface OwnAccount {
  accounts: Pick<AccountService, 'findById' | 'signOut'>
  profiles: ProfileService
  sessions: AccountSessions
  events: PersonEvents
  deletion: AccountDeletion
  graceSeconds: number
  data: AccountData
  record: RecordAuditEvent
}

export interface OwnAccountDependencies extends AccountPageDependencies {
  ownAccount: OwnAccount
  apps: Pick<ConnectedApps, 'nameOf'>
}

const profileFields = ['name', 'nickname', 'locale', 'zoneinfo'] as const

const askedBy = ({ request }: Visit): Asked => ({ requestId: request.id, address: request.ip })

function queryOf({ request }: Visit, parameter: string): unknown {
  return (request.query as Record<string, unknown>)[parameter]
}

/** Fastify plugin; wants the form parser of `pages.ts` around it. */
export function accountRoutes(
  app: FastifyInstance,
  deps: OwnAccountDependencies,
  done: () => void
) {
  profilePage(app, deps)
  sessionsPage(app, deps)
  eventsPage(app, deps)
  dataPages(app, deps)
  done()
}

function profilePage(app: FastifyInstance, deps: OwnAccountDependencies) {
  const { accounts, profiles } = deps.ownAccount

  async function render(
    visit: Visit,
    given: { values?: ProfileForm; problems?: readonly ProfileField[] } = {}
  ) {
    const account = await accounts.findById(visit.person.accountId)
    const claim = (name: string) => {
      const value = account?.claims[name]
      return typeof value === 'string' ? value : ''
    }
    return renderProfile(visit.frame, {
      ...visit.account,
      action: visit.action,
      csrf: visit.person.csrf,
      values: given.values ?? {
        name: account?.name ?? '',
        nickname: claim('nickname'),
        locale: account?.locale ?? '',
        zoneinfo: claim('zoneinfo')
      },
      problems: given.problems ?? [],
      saved: given.values === undefined && queryOf(visit, 'saved') === 'yes' ? 'saved' : undefined,
      login: account?.login ?? '',
      email:
        account?.email === undefined
          ? undefined
          : {
              address: account.email,
              verified: account.emailVerified ? 'verified' : 'unverified'
            },
      timeZones
    })
  }

  accountPage(app, deps, {
    path: accountPages.profile,
    fields: profileFields,
    guard: 'signed in',
    show: visit => render(visit),
    async act(visit, { name, nickname, locale, zoneinfo }) {
      const values = { name, nickname, locale, zoneinfo }
      const saved = await profiles.save(visit.person.accountId, values, askedBy(visit))
      if (saved.ok) return { to: `${accountPages.profile}?saved=yes` }
      return { document: await render(visit, { values, problems: saved.problems }), status: 422 }
    }
  })
}

const answers: Readonly<Record<string, 'ended' | 'endedOthers' | 'over'>> = {
  one: 'ended',
  others: 'endedOthers',
  none: 'over'
}

function sessionsPage(app: FastifyInstance, deps: OwnAccountDependencies) {
  const { sessions, accounts } = deps.ownAccount

  async function show(visit: Visit) {
    const { accountId, session, csrf } = visit.person
    const listed = await sessions.list(accountId, session.uid)
    const ids = [...new Set(listed.flatMap(({ clientIds }) => clientIds))]
    const names = new Map(
      await Promise.all(ids.map(async id => [id, await deps.apps.nameOf(id)] as const))
    )
    return renderSessions(visit.frame, {
      ...visit.account,
      action: visit.action,
      csrf,
      sessions: listed.map(({ clientIds, ...each }) => ({
        ...each,
        apps: clientIds.map(id => names.get(id) ?? id)
      })),
      answered: answers[String(queryOf(visit, 'done'))]
    })
  }

  accountPage(app, deps, {
    path: accountPages.sessions,
    fields: ['end'],
    // ASVS v5.0.0 §7.5.2: view them, and "having authenticated again with at least one factor" terminate them
    guard: 'recent sign-in to act',
    show,
    async act(visit, { end }) {
      const { accountId, session } = visit.person
      const asked = askedBy(visit)
      if (end === 'everywhere') {
        await accounts.signOut(accountId, 'account', asked)
        const signIn = `${deps.site.basePath}/sign-in`
        return { document: renderSignedOutEverywhere(visit.frame, { signIn }), status: 200 }
      }
      if (end === 'others') {
        await sessions.endOthers(accountId, session.uid, asked)
        return { to: `${accountPages.sessions}?done=others` }
      }
      const ended = await sessions.end(accountId, end, asked)
      return { to: `${accountPages.sessions}?done=${ended === 'ended' ? 'one' : 'none'}` }
    }
  })
}

function eventsPage(app: FastifyInstance, deps: OwnAccountDependencies) {
  accountPage(app, deps, {
    path: eventsPath,
    fields: [],
    guard: 'signed in',
    async show(visit) {
      const before = queryOf(visit, 'before')
      const after = typeof before === 'string' ? before : undefined
      const { events, next } = await deps.ownAccount.events.list(visit.person.accountId, after)
      return renderSecurityEvents(visit.frame, {
        ...visit.account,
        events,
        older: next && `${visit.action}?before=${next}`
      })
    }
  })
}

function dataPages(app: FastifyInstance, deps: OwnAccountDependencies) {
  const { accounts, deletion, graceSeconds, data, record } = deps.ownAccount

  accountPage(app, deps, {
    path: accountPages.data,
    fields: [],
    guard: 'recent sign-in to act',
    show: async visit =>
      renderAccountData(visit.frame, {
        ...visit.account,
        action: visit.action,
        csrf: visit.person.csrf
      }),
    async act(visit) {
      const { accountId } = visit.person
      const account = await accounts.findById(accountId)
      if (account === undefined) return { to: accountPages.data }
      await record({ type: 'account.data_downloaded', accountId, ...askedBy(visit), data: {} })
      const content = Readable.from(data(account), { objectMode: false })
      const name = `${deps.site.issuerHost.replace(/[^a-z0-9.-]/gi, '_')}-account.json`
      return { file: { name, type: 'application/json; charset=utf-8', content } }
    }
  })

  const deletionForm = (visit: Visit, problem?: 'wrong word') =>
    renderDeleteAccount(visit.frame, {
      ...visit.account,
      action: visit.action,
      csrf: visit.person.csrf,
      graceSeconds,
      problem
    })
  // who changed the page's language meanwhile has typed the word of the one before
  const words = locales.map(locale => messagesOf(locale).data.word)

  accountPage(app, deps, {
    path: deletePath,
    fields: ['word'],
    guard: 'recent sign-in',
    show: async visit => deletionForm(visit),
    async act(visit, { word }) {
      if (!words.includes(word.normalize('NFC').trim().toLowerCase())) {
        return { document: deletionForm(visit, 'wrong word'), status: 422 }
      }
      const until = await deletion.request(visit.person.accountId, askedBy(visit))
      if (until === undefined) return { to: accountPages.data }
      return { document: renderDeletionRequested(visit.frame, { until }), status: 200 }
    }
  })
}
