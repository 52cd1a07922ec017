// Every address × every odd or repeated parameter: the error of its RFC, with a sentence that helps, and never a 500.

import t from 'tap'
import { endpoints } from '../../src/protocol/configuration.ts'
import { createBrowser } from '../support/browser.ts'
import { assertUnharmed, startArena, throwAt } from './arena.ts'
import { hostileParameters } from './corpus.ts'
import { authorizeQuery, basic, form } from './endpoints.ts'

t.test('odd and repeated parameters are refused in words (RFC 6749 §3.1, §3.2)', async t => {
  const arena = await startArena(t)
  for (const endpoint of arena.table) {
    await throwAt(t, arena, endpoint, hostileParameters(endpoint))
  }
  await assertUnharmed(t, arena)
})

t.test('a sign-in form takes odd names and passwords for wrong ones', async t => {
  const arena = await startArena(t)
  const browser = createBrowser({ origin: arena.issuer })
  const page = await browser.follow(await browser.get(`/authorize?${authorizeQuery}`))
  const odd = [
    'a\0b',
    '\0',
    '\ud800',
    '\u202eada',
    'x'.repeat(5000),
    "' OR 1=1 --",
    '__proto__',
    '%00'
  ]
  for (const value of odd) {
    for (const fields of [
      { login: value, password: 'wrong' },
      { login: 'nobody@example.com', password: value }
    ]) {
      const answer = await browser.submitForm(page, fields)
      const shown = JSON.stringify(fields).slice(0, 60)
      t.ok([400, 413, 422, 429].includes(answer.status), `${shown}: ${answer.status}`)
      t.match(answer.html, '<!doctype html>')
    }
  }
  await assertUnharmed(t, arena)
})

t.test('lists of ten thousand words cost no round trip more than one word', async t => {
  const arena = await startArena(t)
  const push = (name: string, value: string) =>
    arena.counted(() =>
      arena.send({
        method: 'POST',
        target: endpoints.pushed_authorization_request,
        headers: [form, basic('web')],
        body: `${authorizeQuery}&${name}=${value}`
      })
    )
  // the first request reads the client
  await push('prompt', 'login')
  for (const name of ['ui_locales', 'acr_values', 'claims_locales', 'login_hint']) {
    const one = await push(name, 'en')
    const many = await push(name, 'en+'.repeat(10_000))
    t.equal(one.result.status, 201)
    t.ok([201, 400].includes(many.result.status), `${name}: ${many.result.status}`)
    t.ok(many.roundTrips.length <= one.roundTrips.length, name)
  }
  const scopes = await arena.send({
    method: 'POST',
    target: endpoints.token,
    headers: [form, basic('billing')],
    body: `grant_type=client_credentials&scope=${'read:things+'.repeat(4_000)}`
  })
  t.equal(scopes.status, 400)
  await assertUnharmed(t, arena)
})
