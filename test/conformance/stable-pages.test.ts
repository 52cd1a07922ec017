// What automation of browsers finds our pages by, and what must therefore stay: names of fields, ids of buttons, one word per error. A
// change here breaks configurations that testers have printed.

import t from 'tap'
import { renderError } from '../../src/views/error.ts'
import { parseForms, textOf } from '../support/forms.ts'
import { tagsNamed } from '../views/markup-reader.ts'
import { frameIn, renderSamples } from '../views/samples.ts'

const pages = renderSamples(frameIn('en'))
const page = (name: string) => pages[name] ?? ''

/** Ids of elements, in order. */
const idsOf = (html: string, element: string) =>
  tagsNamed(html, element).flatMap(({ attributes }) => attributes['id'] ?? [])

/** Ids of the buttons that send the page's own form. */
const buttonsOf = (html: string) =>
  parseForms(html)
    .filter(({ fields }) => !fields.has('lang'))
    .flatMap(({ buttons }) => buttons.map(({ id }) => id))

t.test('the sign-in page has the fields login and password, and one button to sign in', async t => {
  for (const name of ['login', 'login-hint', 'login-incorrect', 'login-missing']) {
    const fields = tagsNamed(page(name), 'input')
      .filter(({ attributes }) => attributes['type'] !== 'hidden')
      .map(({ attributes }) => [attributes['name'], attributes['id'], attributes['type']])
    t.strictSame(
      fields,
      [
        ['login', 'login', 'text'],
        ['password', 'password', 'password']
      ],
      name
    )
    t.strictSame(buttonsOf(page(name)), ['sign-in', 'cancel'], name)
    const first = tagsNamed(page(name), 'button')[0]
    t.equal(first?.attributes['id'], 'sign-in', 'the first button of the page goes on')
    t.equal(first?.attributes['type'], 'submit')
  }
})

t.test('each page has the buttons that it had', async t => {
  const expected = {
    consent: ['allow', 'cancel'],
    'consent-again': ['allow', 'cancel'],
    logout: ['sign-out', 'stay'],
    'device-input': ['continue'],
    'device-confirm': ['continue', 'cancel']
  }
  for (const [name, buttons] of Object.entries(expected)) {
    t.strictSame(buttonsOf(page(name)), buttons, name)
  }
  t.strictSame(idsOf(page('logged-out'), 'h1'), ['signed-out'])
  t.strictSame(idsOf(page('device-input'), 'input'), ['user_code'])
})

t.test('no id stands twice on a page', async t => {
  for (const [name, html] of Object.entries(pages)) {
    const ids = [...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id)
    t.equal(new Set(ids).size, ids.length, `${name}: ${ids}`)
  }
})

/** Each error page by its code: title, and the sentence that says what happened. */
const errors: readonly (readonly [number, string, string, RegExp])[] = [
  [400, 'invalid_request', 'We can’t continue', /sent us something that we cannot work with/],
  [400, 'invalid_redirect_uri', 'We can’t continue', /an address that is not registered for it/],
  [400, 'invalid_client', 'We can’t continue', /is not known to us, or is switched off/],
  [400, 'unauthorized_client', 'We can’t continue', /may not sign people in this way/],
  [400, 'invalid_scope', 'We can’t continue', /something that it may not ask for/],
  [400, 'access_denied', 'We can’t continue', /Access was refused/],
  [404, 'interaction_expired', 'This page has expired', /took too long, was finished already/],
  [403, 'form_expired', 'Please try that again', /not sent from the page that we showed you/],
  [400, 'invalid_form', 'We can’t continue', /in a shape that our pages do not send/],
  [404, 'not_found', 'There is no such page', /mistyped, or the page has moved/],
  [429, 'temporarily_unavailable', 'Too much at once', /more requests than we can take/],
  [503, 'temporarily_unavailable', 'Back in a moment', /cannot reach a part of our service/],
  [500, 'server_error', 'Something went wrong here', /The fault is ours/],
  [400, 'invalid_request_uri', 'We can’t continue', /sent us something that we cannot work with/]
]

t.test(
  'each error page says its code under one id, in every language, and its sentence',
  async t => {
    for (const [status, error, title, sentence] of errors) {
      const given = { status, error, requestId: 'r', now: new Date(0) }
      for (const locale of ['en', 'ko'] as const) {
        const html = renderError(frameIn(locale), given)
        t.match(html, `<code id="error-code">${error}</code>`, `${error} ${locale}`)
      }
      const html = renderError(frameIn('en'), given)
      t.equal(textOf(html, 'h1'), title, error)
      t.match(textOf(html, 'main'), sentence, error)
    }
  }
)
