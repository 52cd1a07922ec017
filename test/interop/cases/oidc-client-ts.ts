// oidc-client-ts in a real Chromium: an app in the browser with code + PKCE, userinfo across origins, refresh, and RP-initiated logout.

import { equal, match } from 'node:assert/strict'
import { startApp } from '../apps.ts'
import { openBrowserPerson } from '../browser-person.ts'
import type { Case } from '../case.ts'
import { moduleVersion } from '../packages.ts'
import { assertPerson } from '../story.ts'

const folder = 'test/interop'

interface User {
  profile: Record<string, unknown>
  access_token: string
  refresh_token: string
}

export const oidcClientTs: Case = {
  name: 'oidc-client-ts',
  needs: { folder, browser: 'chromium' },
  version: () => moduleVersion(folder, 'oidc-client-ts'),
  async prove(given) {
    const { setting, life, tell } = given
    const { here } = await startApp(given, 'oidc-client-ts', 'oidc-client-ts.mjs')
    const { page, goThrough, complaints } = await openBrowserPerson(life, setting)
    const call = (expression: string) => page.evaluate(`manager.${expression}`)

    // these leave the page, and nobody waits for what they answer there
    const leave = (expression: string) => page.evaluate(`void manager.${expression}`)

    await page.goto(here)
    let request = ''
    page.on('request', each => {
      if (each.url().startsWith(`${setting.issuer}/authorize?`)) request = each.url()
    })
    await leave('signinRedirect()')
    const pages = await goThrough()
    match(request, /[?&]code_challenge_method=S256(&|$)/)
    equal(pages[0], 'Sign in')
    tell('sign-in with PKCE')
    equal(pages.length, 2, `and consent: ${pages.join(', ')}`)
    tell('consent')

    const first = (await call('signinCallback()')) as User
    const userinfo = (await page.evaluate(
      `fetch(${JSON.stringify(`${setting.issuer}/userinfo`)}, { headers: { authorization: ${JSON.stringify(`Bearer ${first.access_token}`)} } }).then(answer => answer.json())`
    )) as Record<string, unknown>
    const subject = assertPerson(given, first.profile, userinfo)

    const second = (await call('signinSilent()')) as User
    equal(second.profile['sub'], subject)
    equal(second.refresh_token === first.refresh_token, false)
    tell('refresh')

    await leave('signoutRedirect()')
    await goThrough()
    equal(page.url().startsWith(`${here}/bye`), true, page.url())
    await page.goto(here)
    await leave('signinRedirect()')
    equal((await goThrough())[0], 'Sign in')
    tell('logout')
    equal(complaints().join('\n'), '')
  }
}
