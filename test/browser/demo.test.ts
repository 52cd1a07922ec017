// The demo in a real browser, on a server as `npm start` runs it: sign-in, consent, tokens, every button, sign-out; with script and
// without, in both languages, light and dark, wide and narrow.

import t from 'tap'
import {
  flawsOf,
  headingOf,
  type Look,
  launchChromium,
  openBrowser,
  picture,
  skip
} from '../support/chromium.ts'
import { startServerAsUsersDo } from '../support/started-server.ts'

const looks: Record<string, Look> = {
  'with script, English, light, 1280 px': { script: 'on', width: 1280, locale: 'en-GB' },
  'without script, Korean, dark, 320 px': {
    script: 'off',
    width: 320,
    locale: 'ko-KR',
    colorScheme: 'dark'
  }
}

t.test(
  'a person signs in at the demo, uses the tokens, signs out',
  { skip, timeout: 110_000 },
  async t => {
    const { issuer, person, log } = await startServerAsUsersDo(t)
    const chromium = await launchChromium(t)

    for (const [name, look] of Object.entries(looks)) {
      t.test(name, async t => {
        const visitor = await openBrowser(chromium, look)
        const { page, complaints, origins } = visitor
        const setCookies: Promise<string[]>[] = []
        page.on('response', response => setCookies.push(response.headerValues('set-cookie')))
        const shot = look.script === 'on' ? 'demo' : 'demo-noscript'
        let step = 0

        /** The page is the expected one, and sound. */
        async function shows(title: RegExp) {
          step += 1
          t.match(await headingOf(page), title)
          await picture(page, `${shot}-${String(step).padStart(2, '0')}`)
          t.strictSame(await flawsOf(visitor), [], `${step}: ${title} is accessible`)
        }
        const press = (label: RegExp) => page.getByRole('button', { name: label }).first().click()
        const lang = () => page.locator('html').getAttribute('lang')
        const korean = look.locale === 'ko-KR'

        await page.goto(`${issuer}/demo`)
        await shows(/^Try a sign-in$/)
        await press(/^Sign in$/)
        await shows(korean ? /^로그인$/ : /^Sign in$/)
        t.equal(await lang(), korean ? 'ko' : 'en')
        await page.fill('[name=login]', person.login)
        await page.fill('[name=password]', person.password)
        await press(korean ? /^로그인$/ : /^Sign in$/)

        await shows(
          korean ? /^Demo app이.?\(가\) mintmark/ : /^Demo app wants to access your mintmark/
        )
        t.equal(await lang(), korean ? 'ko' : 'en')
        const asked = await page.locator('.access').allTextContents()
        t.equal(asked.length, 2, 'the account and the API are asked for apart')
        t.match(asked[0], /openid.*profile.*email.*offline_access/s)
        t.match(asked[1], korean ? /데모 API.*내 항목 보기/s : /Demo API.*See your things/s)
        await press(korean ? /^허용$/ : /^Allow$/)

        await shows(/^Signed in as Demo Person$/)
        t.equal(page.url(), `${issuer}/demo`)
        const tokens = () => page.locator('.demo-token pre').allTextContents()
        const [idHeader, idClaims, accessHeader, accessClaims] = (await tokens()).map(text => {
          return text.startsWith('{') ? JSON.parse(text) : text
        })
        t.match(idHeader, { alg: 'RS256', kid: String })
        t.match(idClaims, { iss: issuer, aud: 'demo-web', sub: String, name: 'Demo Person' })
        t.match(accessHeader, { alg: 'ES256', typ: 'at+jwt' })
        t.match(accessClaims, { iss: issuer, aud: `${issuer}/demo-api`, client_id: 'demo-web' })

        const outcome = async (title: RegExp) => {
          await page.locator('.demo-outcome h2', { hasText: title }).waitFor()
          return page.locator('.demo-outcome').textContent()
        }
        await press(/^Call userinfo$/)
        await shows(/^Signed in as Demo Person$/)
        t.match(await outcome(/^Userinfo says/), /"email": "demo@example\.com"/)
        await press(/^Refresh$/)
        t.match(await outcome(/has rotated$/), 'POST /oauth/token')
        t.notSame((await tokens())[3], JSON.stringify(accessClaims, null, 2))
        await press(/^Call the demo API$/)
        t.match(await outcome(/^The demo API accepted/), /"a mint mark"/)

        // those of an interaction are for its own address alone, and die with it
        const cookies = await page.context().cookies([issuer, `${issuer}/demo`])
        t.strictSame(cookies.map(cookie => cookie.name).sort(), [
          'mintmark_demo',
          'mintmark_device',
          'mintmark_session',
          'mintmark_session.sig'
        ])
        for (const cookie of cookies) t.match(cookie, { httpOnly: true, domain: 'localhost' })

        await press(/^Sign out$/)
        await shows(korean ? /^mintmark에서 로그아웃할까요\?$/ : /^Sign out of mintmark\?$/)
        await press(korean ? /^로그아웃$/ : /^Sign out$/)
        await shows(/^Try a sign-in$/)
        t.equal(page.url(), `${issuer}/demo`)
        t.match(await page.locator('main').textContent(), 'You have signed out of the demo.')
        const left = await page.context().cookies([issuer, `${issuer}/demo`])
        t.strictSame(
          left.map(cookie => cookie.name).sort(),
          // the browser stays known, and that signs nobody in
          ['mintmark_demo', 'mintmark_device']
        )

        // as it was sent: a browser takes a cookie without SameSite for Lax, others do not
        const sent = (await Promise.all(setCookies)).flat()
        t.ok(sent.length > 10)
        const loose = sent.filter(
          line => !/; samesite=lax/i.test(line) || !/; httponly/i.test(line)
        )
        t.strictSame(loose, [], 'every cookie is HttpOnly and SameSite=Lax')

        t.strictSame(complaints, [], 'the browser has nothing to complain about')
        t.strictSame([...origins], [issuer], 'nothing is asked of anybody else')
        await page.context().close()
      })
    }

    t.test('the log has no error, and the password is not in it', async t => {
      const lines = log()
      t.strictSame(
        lines.filter(line => line['level'] === 'error'),
        []
      )
      t.notMatch(JSON.stringify(lines), person.password)
    })
  }
)
