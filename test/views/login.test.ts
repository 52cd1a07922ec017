// The sign-in form: names, autofill, and how a problem is told.

import t from 'tap'
import { messagesOf } from '../../src/i18n/locale.ts'
import { formsOf, tagsNamed } from './markup-reader.ts'
import { frameIn, renderSamples } from './samples.ts'

const pages = renderSamples(frameIn('en'))

function inputs(page: string | undefined): Record<string, Record<string, string>> {
  const fields = formsOf(page ?? '')[0]?.tags.filter(tag => tag.name === 'input') ?? []
  return Object.fromEntries(fields.map(tag => [tag.attributes['name'], tag.attributes]))
}

t.test(
  'fields are named login and password and may be filled by a password manager (WCAG 2.2, 3.3.8)',
  async t => {
    const fields = inputs(pages['login'])
    t.strictSame(Object.keys(fields), ['csrf', 'prompt', 'login', 'password'])
    t.equal(fields['login']?.['autocomplete'], 'username webauthn')
    t.equal(fields['login']?.['autocapitalize'], 'none')
    t.equal(fields['password']?.['autocomplete'], 'current-password')
    t.equal(fields['password']?.['type'], 'password')
  }
)

t.test('the login is kept, the password never comes back', async t => {
  for (const name of [
    'login-hint',
    'login-missing',
    'login-incorrect',
    'login-throttled',
    'login-busy'
  ]) {
    const fields = inputs(pages[name])
    t.equal(fields['login']?.['value'], 'ada@example.com', name)
    t.notOk('value' in (fields['password'] ?? {}), name)
  }
})

t.test(
  'a problem is told in the title, in a summary that links to the field, and at the field',
  async t => {
    const page = pages['login-missing'] ?? ''
    t.match(page, '<title>Error: Sign in – mintmark</title>')
    t.match(
      page,
      /<div class="problem" tabindex="-1" autofocus>\s*<div role="alert">\s*<h2>There is a problem<\/h2>/
    )
    t.strictSame(
      tagsNamed(page, 'a').map(tag => tag.attributes['href']),
      ['#login', '#password']
    )
    const fields = inputs(page)
    for (const id of ['login', 'password']) {
      t.equal(fields[id]?.['aria-invalid'], 'true')
      t.equal(fields[id]?.['aria-describedby'], `${id}-problem`)
    }
    const { login } = messagesOf('en')
    for (const words of [login.identifierMissing, login.passwordMissing]) {
      t.equal(page.split(words).length - 1, 2, 'the same words in both places')
    }
    t.equal(page.split(' autofocus').length - 1, 1, 'one thing has the focus')
  }
)

t.test('a wrong name and a wrong password read alike', async t => {
  const page = pages['login-incorrect'] ?? ''
  t.match(page, 'Email or password is incorrect.')
  t.notMatch(inputs(page)['password'], { 'aria-invalid': 'true' })
})

t.test('a page without a problem has no summary and no Error in its title', async t => {
  for (const name of ['login', 'login-hint', 'consent', 'device-input']) {
    t.notMatch(pages[name], 'role="alert"', name)
    t.notMatch(pages[name], '<title>Error', name)
    t.notMatch(pages[name], 'aria-invalid', name)
  }
})
