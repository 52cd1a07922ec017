// The account's own pages once each, with data as it comes in life (samples.ts).

import { messagesOf } from '../../src/i18n/locale.ts'
import {
  renderAccountData,
  renderDeleteAccount,
  renderDeletionRequested,
  renderKeepAccount
} from '../../src/views/account-data.ts'
import type { Frame } from '../../src/views/layout.ts'
import { renderProfile } from '../../src/views/profile.ts'
import { type EventView, renderSecurityEvents } from '../../src/views/security-events.ts'
import { renderSessions, renderSignedOutEverywhere } from '../../src/views/sessions.ts'

type Say = (usual: string) => string

export function accountSamples(frame: Frame, say: Say): Record<string, string> {
  const at = new Date('2026-11-21T11:04:00Z')
  const page = {
    accountName: say('ada@example.com'),
    signOut: say('/logout'),
    action: say('/account'),
    csrf: say('csrf')
  }
  const values = {
    name: say('Ada Lovelace'),
    nickname: say('Countess'),
    locale: say('fr'),
    zoneinfo: say('Europe/Paris')
  }
  const profile = {
    ...page,
    values,
    problems: [],
    saved: 'saved',
    login: say('ada'),
    email: { address: say('ada@example.com'), verified: 'verified' },
    timeZones: ['Asia/Seoul', 'Europe/London']
  } as const
  const session = {
    handle: say('handle'),
    current: true,
    browser: say('Chrome'),
    system: say('Windows'),
    address: say('203.0.113.7'),
    seenAddress: say('2001:db8::7'),
    signedInAt: new Date('2026-11-01T09:00:00Z'),
    seenAt: at,
    apps: [say('Acme Calendar'), say('Other')]
  }
  const nothing = { browser: undefined, system: undefined, address: undefined, apps: [] }
  const told = {
    at,
    app: say('Acme Calendar'),
    address: say('203.0.113.7'),
    device: say('Chrome on Windows'),
    name: say('My key'),
    provider: say('https://idp.example')
  }
  const none = {
    app: undefined,
    address: undefined,
    device: undefined,
    name: undefined,
    provider: undefined
  }
  const events: EventView[] = Object.keys(messagesOf(frame.locale).events.types).map((type, n) => ({
    type,
    ...(n % 2 === 0 ? told : { at, ...none })
  }))
  return {
    profile: renderProfile(frame, profile),
    'profile-problems': renderProfile(frame, {
      ...profile,
      problems: ['name', 'nickname', 'locale', 'zoneinfo'],
      saved: undefined,
      email: undefined
    }),
    sessions: renderSessions(frame, {
      ...page,
      sessions: [
        session,
        { ...session, ...nothing, handle: say('other'), current: false, seenAddress: undefined }
      ],
      answered: 'ended'
    }),
    'signed-out-everywhere': renderSignedOutEverywhere(frame, { signIn: say('/sign-in') }),
    'security-events': renderSecurityEvents(frame, {
      ...page,
      events,
      older: say('/account/security/events?before=1-1')
    }),
    'account-data': renderAccountData(frame, page),
    'delete-account': renderDeleteAccount(frame, {
      ...page,
      graceSeconds: 1_209_600,
      problem: undefined
    }),
    'delete-account-wrong-word': renderDeleteAccount(frame, {
      ...page,
      graceSeconds: 7_200,
      problem: 'wrong word'
    }),
    'deletion-requested': renderDeletionRequested(frame, { until: at }),
    'keep-account': renderKeepAccount(frame, {
      ...page,
      prompt: 'keep_account',
      carried: { return_to: say('/account') },
      until: at
    })
  }
}
