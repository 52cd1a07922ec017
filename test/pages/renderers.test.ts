// The engine's own pages: field names that the engine reads, and where the language menu leads.

import t from 'tap'
import { createRenderers } from '../../src/pages/renderers.ts'
import { createSite } from '../../src/pages/site.ts'
import { formsOf, type Tag } from '../views/markup-reader.ts'
import { loginDetails } from './harness.ts'

const issuer = 'http://localhost:3000'
const site = createSite({ product: { name: 'mintmark' }, issuer })
const now = () => new Date('2026-11-21T11:04:00Z')
const renderers = createRenderers({ site, issuer, resources: [], detailTypes: [], now })
const language = { uiLocales: undefined, cookieHeader: undefined, acceptLanguage: 'en' }
const form = { action: `${issuer}/device`, xsrf: 'token' }
const { client } = loginDetails

const fieldsOf = (tags: Tag[] = []) =>
  tags.flatMap(({ name, closing, attributes }) =>
    closing || !['input', 'button'].includes(name)
      ? []
      : [[attributes['name'], attributes['value']]]
  )

t.test('the device form posts user_code and the engine’s token back to the engine', async t => {
  const page = renderers.deviceInput({ form, userCode: undefined, problem: undefined, language })
  const [device, menu] = formsOf(page)
  t.equal(device?.action, `${issuer}/device`)
  t.strictSame(
    fieldsOf(device?.tags).map(([name]) => name),
    ['xsrf', 'user_code', undefined]
  )
  t.strictSame(fieldsOf(menu?.tags)[0], ['return_to', '/device'])
  t.match(page, 'autocomplete="off"')
})

t.test(
  'the code is confirmed or declined on a page that shows it, who asks, from where and when (RFC 8628 §5.4)',
  async t => {
    const page = renderers.deviceConfirm({
      form,
      userCode: 'WDJB-MJHT',
      client,
      requested: [],
      requestedDetails: [],
      address: '203.0.113.7',
      startedAt: new Date('2026-11-21T11:01:30Z'),
      language
    })
    t.strictSame(fieldsOf(formsOf(page)[0]?.tags), [
      ['xsrf', 'token'],
      ['user_code', 'WDJB-MJHT'],
      ['confirm', 'yes'],
      ['abort', 'yes']
    ])
    for (const part of ['Acme Calendar', '203.0.113.7', '2 minutes ago', 'it may be a scam']) {
      t.ok(page.includes(part), part)
    }
  }
)

t.test('each problem with a code has its own words, and a cancelled request no form', async t => {
  const pages = (['not_found', 'expired', 'used', 'no_code', 'failed'] as const).map(problem =>
    renderers.deviceInput({ form, userCode: 'X', problem, language })
  )
  t.equal(new Set(pages).size, 5)
  for (const page of pages) t.match(page, '<title>Error: Connect a device')
  const aborted = renderers.deviceInput({ form, userCode: undefined, problem: 'aborted', language })
  t.strictSame(
    formsOf(aborted).map(each => each.action),
    ['/language']
  )
})

t.test('sign-out sends logout=yes, staying sends no logout (RP-Initiated Logout §2)', async t => {
  const page = renderers.logout({
    form: { ...form, action: '/logout/confirm' },
    accounts: undefined,
    ...{ client, language }
  })
  const forms = formsOf(page)
  t.equal(forms.length, 1, 'no menu: it would lose who asked')
  t.strictSame(fieldsOf(forms[0]?.tags), [
    ['xsrf', 'token'],
    ['logout', 'yes'],
    [undefined, undefined]
  ])
  t.match(renderers.loggedOut({ client: undefined, stillHere: [], language }), 'You are signed out')
  t.match(renderers.deviceDone({ client, language }), 'You’re connected')
})

t.test('the error page says reason, next step, code, description and request number', async t => {
  const page = renderers.error({
    status: 400,
    error: 'invalid_redirect_uri',
    description: 'redirect_uri <b> is not registered',
    requestId: 'req-7',
    language
  })
  for (const part of [
    'not registered for it',
    'Tell the app’s developer',
    'invalid_redirect_uri',
    'redirect_uri &lt;b&gt; is not',
    'req-7',
    '2026-11-21T11:04:00.000Z'
  ]) {
    t.ok(page.includes(part), part)
  }
})

t.test('an error code that is a member of Object is an unknown code', async t => {
  for (const error of ['constructor', '__proto__', 'something_new']) {
    const page = renderers.error({
      status: 400,
      error,
      description: undefined,
      requestId: 'r',
      language
    })
    t.match(page, 'The app sent us something')
    t.notMatch(page, 'undefined')
  }
  const page = renderers.error({
    status: 500,
    error: 'x',
    description: undefined,
    requestId: 'r',
    language
  })
  t.match(page, 'The fault is ours')
})
