// The browser without a window does what browsers do: cookies, redirects, forms. Otherwise tests
// that use it would prove little.

import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { createBrowser } from './browser.ts'
import { parseForms } from './forms.ts'

async function serve(t: { teardown: (end: () => void) => unknown }, answer: RequestListener) {
  const server = createServer(answer)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('forms are read in any order of attributes, with entities decoded', async t => {
  const [form] = parseForms(`<form class=x action='/a?b=1&amp;c=2' METHOD="post">
    <input value="&lt;&quot;&#39;&#x41;" type="hidden" name="csrf"><input name=login required>
    <input type="checkbox" name="no"><input checked type="checkbox" name="yes">
    <button formaction="/other" value="1" name="decline" type="submit">Can<b>cel</b></button>
    <button type="button">Show</button><input type="submit" value="Go"></form>`)
  t.match(form, { method: 'POST', action: '/a?b=1&c=2' })
  t.same(
    form?.fields,
    new Map([
      ['csrf', '<"\'A'],
      ['login', ''],
      ['yes', 'on']
    ])
  )
  t.same(form?.buttons, [
    { name: 'decline', value: '1', label: 'Cancel', action: '/other' },
    { name: undefined, value: 'Go', label: 'Go', action: undefined }
  ])
})

t.test('cookies go back by path, newest value, until they expire', async t => {
  const origin = await serve(t, (req, res) => {
    if (req.url === '/set') {
      res.setHeader('set-cookie', [
        'a=1; Path=/',
        'a=2; Path=/deep',
        'gone=x; Path=/',
        'gone=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
        'short=y; Path=/; Max-Age=0',
        'b=3; Path=/; HttpOnly; SameSite=Lax'
      ])
    }
    res.end(req.headers.cookie ?? '')
  })
  const browser = createBrowser({ origin })
  await browser.get('/set')
  t.equal((await browser.get('/')).html, 'a=1; b=3')
  t.equal((await browser.get('/deep/er')).html, 'a=2; a=1; b=3')
  t.equal((await browser.get('/deeper')).html, 'a=1; b=3')
  t.match(browser.cookie('b'), { httpOnly: true, sameSite: 'Lax', secure: false })
})

t.test('redirects are followed on the origin, and an address elsewhere is the answer', async t => {
  const asked: string[] = []
  const origin = await serve(t, (req, res) => {
    asked.push(req.url ?? '')
    const next: Record<string, string> = { '/1': '/2', '/2': 'https://app.example.com/cb?code=x' }
    const location = next[req.url ?? '']
    if (location) res.setHeader('location', location).statusCode = 303
    res.end('<h1>Page</h1>')
  })
  const browser = createBrowser({ origin })
  const away = await browser.follow(await browser.get('/1'))
  t.equal(away.location?.href, 'https://app.example.com/cb?code=x')
  t.same(asked, ['/1', '/2'])
  const stopped = await browser.follow(await browser.get('/1'), ({ pathname }) => pathname === '/2')
  t.equal(stopped.location?.pathname, '/2')
  t.same(asked, ['/1', '/2', '/1'])
  await t.rejects(browser.get('https://app.example.com/'), /is not at/)
})

t.test(
  'a form is submitted with its hidden fields and the button that does not decline',
  async t => {
    const origin = await serve(t, (req, res) => {
      if (req.method === 'POST') {
        req.pipe(res)
        return
      }
      res.end(`<form method="post" action="/language"><input type=hidden name="lang" value="ko"><button>x</button></form>
      <form method="post"><input type="hidden" name="csrf" value="c"><input name="login">
      <button name="decline" value="yes">Cancel</button><button name="go" value="1">Go</button></form>`)
    })
    const browser = createBrowser({ origin })
    const page = await browser.get('/')
    t.equal((await browser.submitForm(page, { login: 'me' })).html, 'csrf=c&login=me&go=1')
    const declined = await browser.submitForm(
      page,
      {},
      { button: ({ name }) => name === 'decline' }
    )
    t.equal(declined.html, 'csrf=c&login=&decline=yes')
  }
)
