// One story for every app that keeps tokens on a server and has the routes /login, /me, /refresh, /logout and /bye: a person signs in, allows,
// is known to the app and to userinfo, gets tokens by the refresh token, and signs out at the issuer, after which the app's next sign-in asks
// for the password again.

import { equal, match, ok } from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from '../support/browser.ts'
import type { Proving } from './case.ts'

type Claims = Record<string, unknown>

export interface Story extends Proving {
  /** where the app listens */
  here: string
  /** how a sign-in is begun; default: the route /login */
  begin?: () => Promise<Page>
}

/** The page's JSON, when it is one. */
export function readJson(page: Page): Record<string, unknown> {
  equal(page.status, 200, `${page.url}: ${page.status} ${page.location ?? page.html.slice(0, 500)}`)
  return JSON.parse(page.html)
}

/** Asks until the answer is the one that is waited for. @throws Error with the last answer */
export async function eventually<T>(ask: () => Promise<T>, wanted: T): Promise<void> {
  const until = Date.now() + 15_000
  let answer = await ask()
  while (answer !== wanted && Date.now() < until) {
    await sleep(100)
    answer = await ask()
  }
  equal(answer, wanted)
}

function begin({ begin, person, here }: Story): Promise<Page> {
  return begin === undefined ? person.open(`${here}/login`) : begin()
}

/** What app and userinfo say of the person: the same subject, and the e-mail address that the scope opens. */
export function assertPerson(story: Proving, claims: Claims, userinfo: Claims): string {
  const subject = String(claims['sub'])
  match(subject, /^[0-9a-f]{8}-[0-9a-f-]{27}$/)
  story.tell('ID token')
  equal(userinfo['sub'], subject)
  equal(userinfo['email'], story.setting.person.login)
  story.tell('userinfo')
  return subject
}

/** Sign-in and consent, to the end of the app's callback. */
export async function proveStart(story: Story): Promise<void> {
  const { person, tell } = story
  person.seen()
  const page = await begin(story)
  equal(page.status, 200, `${page.url}: ${page.html.slice(0, 500)}`)
  const pages = person.seen()
  ok(pages.includes('Sign in'), `the password was asked for: ${pages.join(', ')}`)
  tell('sign-in')
  equal(pages.length, 2, `and consent: ${pages.join(', ')}`)
  tell('consent')
}

/** The same, with ID token and userinfo. Answers the subject. */
export async function proveSignIn(story: Story): Promise<string> {
  const { here, person } = story
  await proveStart(story)
  const { claims, userinfo } = readJson(await person.ask(`${here}/me`))
  return assertPerson(story, claims as Claims, userinfo as Claims)
}

/** The refresh token brings an access token that userinfo takes, and another refresh token. */
export async function proveRefresh({ here, person, tell }: Story, subject: string): Promise<void> {
  const { userinfo, rotated } = readJson(await person.open(`${here}/refresh`))
  equal((userinfo as Claims)['sub'], subject)
  equal(rotated, true)
  tell('refresh')
}

/** RP-Initiated Logout: the person is back at the app, and the next sign-in begins at the password. */
export async function proveLogout(story: Story): Promise<void> {
  const { here, person, tell } = story
  equal(readJson(await person.open(`${here}/logout`))['bye'], true)
  await provePasswordAgain(story)
  tell('logout')
}

export async function provePasswordAgain(story: Story): Promise<void> {
  story.person.seen()
  await begin(story)
  const pages = story.person.seen()
  ok(pages.includes('Sign in'), `the password was asked for again: ${pages.join(', ')}`)
}
