// `npm run conformance`: the printed automation in Chromium, as the suite's Playwright runner executes it: without script, except where the
// response itself is a form that sends itself. Skipped where there is no Chromium.

import { randomUUID } from 'node:crypto'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import type { Command, Visit } from '../../src/cli/conformance/automation.ts'
import { suitePath } from '../../src/cli/conformance/clients.ts'
import { launchChromium, skip } from '../support/chromium.ts'
import { canMakeCertificates, serveAsHost } from '../support/https-host.ts'
import { planNamed, startRun } from './run.ts'
import { simpleMatch } from './suite-browser.ts'

const host = 'suite.example.com'
const why = skip || (!canMakeCertificates() && 'no openssl on this machine')

async function run(page: Page, [verb, kind, target, ...rest]: Command): Promise<void> {
  const element = page.locator(kind === 'id' ? `#${target}` : `[name="${target}"]`).first()
  if (rest.at(-1) === 'optional' && (await element.count()) === 0) return
  if (verb === 'text') await element.fill(String(rest[0]))
  else if (verb === 'click') await element.click()
  else {
    await element.waitFor({ state: 'attached' })
    if (rest[1] !== undefined) {
      const text = (await element.textContent()) ?? ''
      if (!new RegExp(String(rest[1])).test(text)) throw new Error(`${target} says ${text}`)
    }
  }
}

async function visit(page: Page, visits: readonly Visit[], url: string): Promise<string> {
  const chosen = visits.find(({ match }) => simpleMatch(match, url))
  await page.goto(url)
  for (const task of chosen?.tasks ?? []) {
    await page.waitForLoadState()
    if (!simpleMatch(task.match, page.url())) {
      if (task.optional !== true) throw new Error(`${task.task}: ${page.url()}`)
      continue
    }
    for (const command of task.commands ?? []) await run(page, command)
  }
  return page.url()
}

t.test('the printed automation, in Chromium', { skip: why }, async t => {
  const suite = await serveAsHost(t, host, (_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end('<!doctype html><title>suite</title><p id="submission_complete">done</p>')
  })
  const plans = ['basic', 'form-post-basic', 'rp-initiated-logout'].map(planNamed)
  const server = await startRun(t, plans, suite)
  const { issuer } = server.place
  const chromium = await launchChromium(t, `--host-resolver-rules=MAP ${host} 127.0.0.1`)
  const callback = suitePath(server.place, 'callback')

  async function person(t: Test, script: 'on' | 'off') {
    const context = await chromium.newContext({
      javaScriptEnabled: script === 'on',
      ignoreHTTPSErrors: true
    })
    t.teardown(() => context.close())
    context.setDefaultTimeout(20_000)
    return context.newPage()
  }

  function play(planName: string, module: string) {
    const configuration = server.suite(planNamed(planName)) as {
      client: { client_id: string }
      browser: readonly Visit[]
      override: Record<string, { browser: readonly Visit[] }>
    }
    const { browser } = configuration.override[module] ?? configuration
    const authorize = (more: Record<string, string> = {}) => {
      const { client_id } = configuration.client
      const query = new URLSearchParams({
        ...{ client_id, redirect_uri: callback, response_type: 'code', scope: 'openid email' },
        ...{ state: randomUUID(), nonce: randomUUID(), ...more }
      })
      return `${issuer}/authorize?${query}`
    }
    return { browser, authorize }
  }

  await t.test('sign-in, consent, a second sign-in and prompt=none, without script', async t => {
    const page = await person(t, 'off')
    const { browser, authorize } = play('basic', 'oidcc-prompt-login')
    t.match(await visit(page, browser, authorize()), `${callback}?code=`)
    t.match(await visit(page, browser, authorize({ prompt: 'login' })), `${callback}?code=`)
    t.match(
      await visit(page, play('basic', 'oidcc-server').browser, authorize({ prompt: 'none' })),
      `${callback}?code=`
    )
  })

  await t.test('an error page, without script', async t => {
    const { browser, authorize } = play('basic', 'oidcc-ensure-registered-redirect-uri')
    const url = await visit(
      await person(t, 'off'),
      browser,
      authorize({ redirect_uri: `${callback}/x` })
    )
    t.match(url, `${issuer}/authorize`)
  })

  await t.test('form_post, which sends itself by script under our policy', async t => {
    const { browser, authorize } = play('form-post-basic', 'oidcc-server')
    const page = await person(t, 'on')
    t.equal(await visit(page, browser, authorize({ response_mode: 'form_post' })), callback)
  })

  await t.test('sign-out, and the page after it, without script', async t => {
    const page = await person(t, 'off')
    const { browser, authorize } = play(
      'rp-initiated-logout',
      'oidcc-rp-initiated-logout-no-params'
    )
    t.match(await visit(page, browser, authorize()), callback)
    t.match(await visit(page, browser, `${issuer}/logout`), `${issuer}/logout`)
    t.equal(await page.locator('#signed-out').count(), 1)
  })
})
