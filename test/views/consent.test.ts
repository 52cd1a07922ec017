// What the consent page tells, and in whose words.

import t from 'tap'
import { renderConsent } from '../../src/views/consent.ts'
import { formsOf } from './markup-reader.ts'
import { clientNamed, frameIn, renderSamples } from './samples.ts'

const text = (page: string | undefined) =>
  (page ?? '').replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ')

function consent(given: Partial<Parameters<typeof renderConsent>[1]>, locale: 'en' | 'ko' = 'en') {
  return renderConsent(frameIn(locale), {
    action: '/interaction/abc',
    csrf: 'csrf',
    client: clientNamed(),
    requested: [],
    choices: [],
    allowedBefore: [],
    requestedDetails: [],
    detailsAllowedBefore: [],
    detailTypes: [],
    lasts: 'until sign-out',
    resources: [],
    accountName: undefined,
    ...given
  })
}

t.test('client, account, host, resource and scopes are shown', async t => {
  const page = text(renderSamples(frameIn('en'))['consent'])
  for (const part of [
    'Acme Calendar wants to access your mintmark account',
    'Signed in as ada@example.com',
    'This app has not been verified.',
    'Know who you are openid',
    'Things API',
    'See your things read:things',
    'You will be sent to calendar.acme.example',
    'Your permission lasts Until I remove it For 7 days'
  ]) {
    t.ok(page.includes(part), part)
  }
  t.ok(
    text(renderSamples(frameIn('ko'))['consent']).includes('내 항목 API 내 항목 보기 read:things')
  )
})

t.test('scope words fall back to English, then to the name of the scope', async t => {
  const resource = 'https://api.example.com'
  const page = text(
    consent(
      {
        requested: [{ resource, scopes: ['a', 'b'] }, { scopes: ['constructor'] }],
        resources: [{ identifier: resource, scopes: { a: { en: 'Do A' }, b: { fr: 'Faire B' } } }]
      },
      'ko'
    )
  )
  t.ok(page.includes('https://api.example.com Do A a b '), page)
  t.ok(page.includes('mintmark 계정 constructor '), 'a member of Object is no translation')
})

t.test('an unregistered resource shows its identifier', async t => {
  t.ok(text(consent({ requested: [{ resource: 'urn:x', scopes: ['y'] }] })).includes('urn:x y'))
})

t.test('access that lasts is told from access until sign-out', async t => {
  t.ok(text(consent({ lasts: 'until sign-out' })).includes('Until you sign out.'))
  t.ok(text(consent({ lasts: 'offline' })).includes('Also when you are not'))
})

t.test('what is new is told from what was allowed before, in both languages', async t => {
  const given = {
    requested: [{ resource: 'urn:x', scopes: ['write'] }],
    allowedBefore: [{ scopes: ['offline_access'] }, { resource: 'urn:x', scopes: ['read'] }]
  }
  t.match(
    text(consent(given)),
    /New: this will also allow Acme Calendar to: urn:x write Already allowed .*Keep access.* offline_access urn:x read How long/
  )
  t.match(
    text(consent(given, 'ko')),
    /새로운 권한: Acme Calendar 에 다음을 추가로 허용합니다: urn:x write 이미 허용한 권한 .* offline_access urn:x read 기간/
  )
  const first = text(consent({ requested: given.requested }))
  t.match(first, 'This will allow Acme Calendar to:')
  t.notMatch(first, /Already allowed|New:/)
})

t.test('a redirect that cannot be tied to a host warns even for a first-party client', async t => {
  const first = { ...clientNamed(), firstParty: true }
  t.ok(
    text(consent({ client: { ...first, unverifiable: true } })).includes('cannot check who made it')
  )
  t.notOk(consent({ client: first }).includes('class="note"'))
})

t.test('Allow and Cancel have the same weight, and neither has the focus', async t => {
  const page = consent({})
  const buttons = formsOf(page)[0]?.tags.filter(tag => tag.name === 'button' && !tag.closing)
  t.strictSame(
    buttons?.map(tag => [tag.attributes['class']?.split(' ')[0], tag.attributes['name']]),
    [
      ['equal', undefined],
      ['equal', 'decline']
    ]
  )
  t.notMatch(page, 'autofocus')
})
