// The setting of the tests of mail: the real server with a mail server of the test's own, and what a person does on the pages around mails.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { type Browser, createBrowser, type Page } from '../support/browser.ts'
import { startMailServer } from '../support/mail-server.ts'
import { startTestServer } from '../support/server.ts'

export const passphrase = 'a long enough passphrase'
export const form = (id: string) => ({
  form: (each: { fields: Map<string, string> }) => each.fields.has(id)
})
/** Mails to an address, but those about a browser that was not seen before: every browser here is new. */
export const to =
  (address: string) =>
  (mail: { to: string[]; headers: Map<string, string> }): boolean =>
    mail.to.includes(address) && !mail.headers.get('subject')?.startsWith('New sign-in')

/** The configuration that sends mails there. */
export const mailTo = ({ port }: { port: number }) => ({
  mail: {
    from: 'mintmark <no-reply@id.example>',
    smtp: { host: '127.0.0.1', port, tls: 'none' }
  }
})

export async function startMailSetting(t: Test) {
  const smtp = await startMailServer(t)
  const server = await startTestServer(t, mailTo(smtp))
  const { issuer, store } = server
  const { database } = store

  const browse = () => createBrowser({ origin: issuer })

  let statements = 0
  async function rows<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
    const found = await database.run<Row>(`test.self-service.${++statements}`, text, values)
    return found.rows
  }

  /** Time passes for everything that the database judges. */
  const turnClock = (seconds: number) =>
    rows(`CREATE OR REPLACE FUNCTION clock_time() RETURNS timestamptz LANGUAGE sql STABLE
    AS 'SELECT now() + make_interval(secs => ${seconds})'`)

  /** What was asked before counts no more. */
  const forgive = () =>
    rows(`DELETE FROM attempts WHERE kind LIKE 'mail.%' OR kind LIKE 'sign_in.%'`)

  /** What was sent is not kept: the row goes once the mail server has the mail. */
  async function emptied() {
    while ((await rows('SELECT FROM mails')).length > 0) await sleep(20)
  }

  async function askToSignUp(browser: Browser, email: string, returnTo = '') {
    const page = await browser.get(`/sign-up?return_to=${encodeURIComponent(returnTo)}`)
    return browser.submitForm(page, { email })
  }

  async function askForReset(
    browser: Browser,
    login: string,
    headers: Record<string, string> = {}
  ) {
    const page = await browser.get('/reset-password')
    const csrf = page.forms.find(each => each.fields.has('csrf'))?.fields.get('csrf') ?? ''
    return browser.post('/reset-password', { csrf, return_to: '', token: '', login }, headers)
  }

  async function signIn(browser: Browser, login: string, password: string, returnTo = '/device') {
    const page = await browser.get(`/sign-in?return_to=${encodeURIComponent(returnTo)}`)
    return browser.submitForm(page, { login, password })
  }

  async function newAccount(login: string, password = passphrase) {
    const profile = { email: login, emailVerified: true, locale: 'en' }
    const made = await server.server.accounts.service.create({ login, password, ...profile }, 'cli')
    if (!made.ok) throw new Error(made.reason)
    return made.account
  }

  const choose = (browser: Browser, page: Page, password: string) =>
    browser.submitForm(page, { password, password_again: password })

  return {
    smtp,
    server,
    issuer,
    database,
    browse,
    rows,
    turnClock,
    forgive,
    emptied,
    askToSignUp,
    askForReset,
    signIn,
    newAccount,
    choose
  }
}
