// How the suite's browser gets through our pages (its `browser` and `override` members): which element is filled in or pressed on which
// page. Elements are named by `name` and `id`, which are pinned by test/conformance/stable-pages.test.ts, never by words or places.
//
// The suite (frontchannel/BrowserControl) runs the tasks of the first visit whose `match` fits, in order; a task that does not fit the
// address is passed over if it is `optional`. Its patterns fit anywhere in an address, so that of the suite starts with the suite's origin:
// the callback stands in every authorization request, too.

import { type Place, person, suitePath } from './clients.ts'
import type { Plan } from './plans.ts'

export type Command = readonly [string, string, string, ...(string | number)[]]

export interface Task {
  task: string
  match: string
  optional?: true
  commands?: readonly Command[]
}

export interface Visit {
  comment?: string
  match: string
  'match-limit'?: number
  tasks: readonly Task[]
}

export type Overrides = Record<string, { browser: readonly Visit[] }>

/** Seconds that the suite waits for an element. */
const patience = 10

/** What the suite keeps as the picture that a module asks for. */
type Picture = 'update-image-placeholder' | 'update-image-placeholder-optional'

const seen = (id: string, text: string, picture: Picture): Command => [
  'wait',
  'id',
  id,
  patience,
  text,
  picture
]

export function createAutomation(place: Place, password: string) {
  const { issuer } = place
  const interaction = `${issuer}/interaction/*`
  const authorize = `${issuer}/authorize*`
  const logout = `${issuer}/logout*`

  const signIn = (...before: readonly Command[]): Task => ({
    task: 'Sign in',
    optional: true,
    match: interaction,
    commands: [
      ...before,
      ['text', 'name', 'login', person.login, 'optional'],
      ['text', 'name', 'password', password, 'optional'],
      ['click', 'id', 'sign-in', 'optional']
    ]
  })
  const consent: Task = {
    task: 'Consent',
    optional: true,
    match: interaction,
    commands: [['click', 'id', 'allow']]
  }
  // at the sign-in: that consent is asked for is not sure, since an earlier module may have got it
  const cancel: Task = { task: 'Cancel', match: interaction, commands: [['click', 'id', 'cancel']] }
  const arrive = (path: string): Task => ({
    task: 'Verify Complete',
    match: `${suitePath(place, path)}*`,
    commands: [['wait', 'id', 'submission_complete', patience]]
  })
  const arriveIfSent: Task = { ...arrive('callback'), optional: true }

  const visit = (...tasks: readonly Task[]): Visit => ({ match: authorize, tasks })
  const throughPages = visit(signIn(), consent, arrive('callback'))
  const signOut: Visit = {
    match: logout,
    tasks: [
      { task: 'Sign out', match: logout, commands: [['click', 'id', 'sign-out']] },
      { task: 'Verify Complete', match: `${suitePath(place, 'post_logout_redirect')}*` }
    ]
  }
  const signedOutHere: Visit = {
    comment: 'signs out and stays here',
    match: logout,
    tasks: [
      { task: 'Sign out', match: logout, commands: [['click', 'id', 'sign-out']] },
      {
        task: 'Expect the page after it',
        match: logout,
        commands: [seen('signed-out', '.*', 'update-image-placeholder')]
      }
    ]
  }
  const refused = (match: string, error: string): Visit => ({
    comment: 'ends at our error page',
    match,
    tasks: [
      {
        task: `Expect ${error}`,
        match,
        commands: [seen('error-code', error, 'update-image-placeholder')]
      }
    ]
  })
  const errorIfRefused: Task = {
    task: 'Error page',
    optional: true,
    match: authorize,
    commands: [seen('error-code', '.*', 'update-image-placeholder-optional')]
  }
  const anyEnd = visit(signIn(), consent, errorIfRefused, arriveIfSent)

  const pictured = visit(
    signIn(seen('sign-in', '.*', 'update-image-placeholder-optional')),
    consent,
    arrive('callback')
  )
  // the links that a client registers stand on the consent page
  const linksShown = visit(signIn(), {
    task: 'Expect the consent page',
    match: interaction,
    commands: [seen('allow', '.*', 'update-image-placeholder')]
  })

  const only = (...browser: readonly Visit[]) => ({ browser })
  const ofCore: Overrides = {
    'oidcc-prompt-login': only(pictured),
    'oidcc-max-age-1': only(pictured),
    'oidcc-ensure-registered-redirect-uri': only(refused(authorize, 'invalid_redirect_uri')),
    'oidcc-ensure-redirect-uri-in-authorization-request': only(
      refused(authorize, 'invalid_request')
    ),
    'oidcc-redirect-uri-query-added': only(refused(authorize, 'invalid_redirect_uri')),
    'oidcc-redirect-uri-query-mismatch': only(refused(authorize, 'invalid_redirect_uri')),
    'oidcc-registration-logo-uri': only(linksShown),
    'oidcc-registration-policy-uri': only(linksShown),
    'oidcc-registration-tos-uri': only(linksShown)
  }
  const badLogout = only(throughPages, refused(logout, 'invalid_request'))
  const ownLogout = only(throughPages, signedOutHere)
  const ofLogout: Overrides = {
    'oidcc-rp-initiated-logout-bad-post-logout-redirect-uri': badLogout,
    'oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri': badLogout,
    'oidcc-rp-initiated-logout-modified-id-token-hint': badLogout,
    'oidcc-rp-initiated-logout-bad-id-token-hint': badLogout,
    // without a hint nobody knows whose address it is: the person is asked, and stays here
    'oidcc-rp-initiated-logout-no-id-token-hint': ownLogout,
    'oidcc-rp-initiated-logout-no-params': ownLogout,
    'oidcc-rp-initiated-logout-no-post-logout-redirect-uri': ownLogout,
    'oidcc-rp-initiated-logout-only-state': ownLogout
  }
  const ofFapi: Overrides = {
    'fapi2-security-profile-final-user-rejects-authentication': only(
      visit(cancel, arrive('callback'))
    ),
    'fapi2-security-profile-final-par-ensure-reused-request-uri-prior-to-auth-completion-succeeds':
      only(
        {
          comment: 'the first time nobody does anything',
          match: authorize,
          'match-limit': 1,
          tasks: [{ task: 'Look', match: interaction }]
        },
        anyEnd
      )
  }

  return {
    browser: ({ strictness }: Plan): readonly Visit[] =>
      strictness === 'one end' ? [throughPages, signOut] : [anyEnd, signOut],
    override: ({ strictness }: Plan): Overrides =>
      strictness === 'one end' ? { ...ofCore, ...ofLogout } : ofFapi
  }
}
