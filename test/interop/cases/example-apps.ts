// The apps of examples/ that people sign in to: the web app with a server, the app in the browser, and the command, each against the API of
// protect-an-api.mjs, with clients as examples/README.md makes them.

import { equal, match } from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { openBrowserPerson } from '../browser-person.ts'
import type { Case, Proving } from '../case.ts'
import { debianVersion, moduleVersion } from '../packages.ts'
import { start } from '../processes.ts'
import { readVariables } from '../setting.ts'
import { eventually } from '../story.ts'

const exampleFile = (name: string) =>
  fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url))
const webFolder = 'examples/web-app'

async function startThings({ setting, life }: Proving): Promise<string> {
  const { line } = await start(life, {
    command: process.execPath,
    args: [exampleFile('protect-an-api.mjs')],
    env: { ...setting.env, API_PORT: '0' },
    ready: / takes tokens for /
  })
  return line.split(' ')[0] ?? ''
}

export const exampleWebApp: Case = {
  name: 'examples/web-app',
  needs: { folder: webFolder },
  version: () =>
    `openid-client ${moduleVersion(webFolder, 'openid-client')}, express ${moduleVersion(webFolder, 'express')}`,
  async prove(given) {
    const { setting, life, person, tell } = given
    const api = await startThings(given)
    const here = `http://localhost:${setting.examplePorts.web}`
    const created = await setting.mintmark([
      ...['clients', 'create', '--type', 'web', '--id', 'things-web', '--name', 'Things'],
      ...['--redirect-uri', `${here}/callback`, '--post-logout-redirect-uri', `${here}/`],
      ...['--refresh-tokens', 'always', '-o', 'env']
    ])
    await start(life, {
      command: process.execPath,
      args: [exampleFile('web-app/server.mjs')],
      env: {
        ...readVariables(created),
        MINTMARK_ISSUER: setting.issuer,
        WEB_PORT: String(setting.examplePorts.web),
        API_URL: api
      },
      ready: / signs in at /
    })
    const page = await person.open(`${here}/login`)
    match(page.html, /Signed in as Demo Person/)
    equal(person.seen().length, 2)
    tell('sign-in and consent')
    const before = setting.tokenRequests()
    const things = async () => (await person.ask(`${here}/things`)).html
    match(await things(), /<pre>200 .*a thing/)
    tell('calls the API for the person')
    await eventually(async () => setting.tokenRequests() - before, 1)
    for (const page of await Promise.all([things(), things(), things()])) {
      match(page, /<pre>200 .*a thing/)
    }
    tell('refresh, three at once')
    const out = await person.press(await person.ask(here))
    match(out.html, /href="\/login"/)
    person.seen()
    await person.open(`${here}/login`)
    equal(person.seen()[0], 'Sign in')
    tell('logout')
  }
}

export const exampleSpa: Case = {
  name: 'examples/spa',
  needs: { browser: 'chromium' },
  version: () => `Chromium ${debianVersion('chromium') ?? ''}`,
  async prove(given) {
    const { setting, life, tell } = given
    const here = `http://localhost:${setting.examplePorts.spa}`
    await start(life, {
      command: process.execPath,
      args: [exampleFile('spa/serve.mjs')],
      env: { MINTMARK_ISSUER: setting.issuer, SPA_PORT: String(setting.examplePorts.spa) },
      ready: / signs in at /
    })
    const { page, goThrough, complaints } = await openBrowserPerson(life, setting)
    const press = (name: string) => page.getByRole('button', { name, exact: true }).click()
    const says = (text: string) => page.getByText(text, { exact: true }).waitFor()

    await page.goto(here)
    await says('Nobody is signed in')
    await press('Sign in')
    equal((await goThrough()).length, 2)
    await says('Signed in as Demo Person')
    equal(page.url(), `${here}/`)
    tell('sign-in with PKCE, consent, userinfo')
    await press('Refresh')
    await says('Signed in as Demo Person, with a new token')
    tell('refresh')
    await press('Sign out')
    await goThrough()
    await says('Nobody is signed in')
    tell('logout')
    // the console complains of every refusal, and the next one is meant
    equal(complaints().join('\n'), '')

    await press('Sign in')
    await goThrough()
    await says('Signed in as Demo Person')
    await setting.mintmark(['accounts', 'sign-out', setting.person.login])
    await page.reload()
    await says('Nobody is signed in')
    tell('knows when the person was signed out elsewhere')
  }
}

export const exampleCli: Case = {
  name: 'examples/cli',
  needs: {},
  version: () => `Node ${process.version}`,
  async prove(given) {
    const { setting, life, person, tell } = given
    const folder = mkdtempSync(join(tmpdir(), 'mm-cli-'))
    life.teardown(() => rmSync(folder, { recursive: true, force: true }))
    const env = {
      MINTMARK_ISSUER: setting.issuer,
      API_URL: await startThings(given),
      THINGS_TOKENS: join(folder, 'things', 'tokens.json')
    }
    const command = exampleFile('cli/things.mjs')
    const begun = await start(life, {
      command: process.execPath,
      args: [command],
      env,
      ready: /^Open /
    })
    const ended = new Promise<void>(resolve => begun.child.once('close', () => resolve()))
    await person.open(begun.line.replace('Open ', ''))
    await ended
    match(begun.said(), /^200 .*a thing/m)
    tell('device flow, calls the API for the person')

    const run = (args: string[]) =>
      promisify(execFile)(process.execPath, [command, ...args], { env })
    const again = await run([])
    equal(again.stderr, '')
    match(again.stdout, /^200 .*a thing/)
    tell('refresh')
    match((await run(['logout'])).stderr, /Signed out/)
    tell('revocation')
  }
}
