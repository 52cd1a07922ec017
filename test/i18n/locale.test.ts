// The order in which a page's language is chosen, and how much of a stranger's header is looked at.

import t from 'tap'
import { chooseLocale, languageCookies, matchLocale } from '../../src/i18n/locale.ts'

function choose(uiLocales?: string, cookieHeader?: string, acceptLanguage?: string) {
  return chooseLocale({ uiLocales, cookieHeader, acceptLanguage })
}

t.test(
  'ui_locales wins over an earlier choice, that over Accept-Language, that over the default',
  async t => {
    t.equal(choose('ko', 'mintmark_language=en', 'en'), 'ko')
    t.equal(choose(undefined, 'mintmark_language=ko', 'en'), 'ko')
    t.equal(choose(undefined, undefined, 'ko'), 'ko')
    t.equal(choose(), 'en')
    t.equal(
      choose('fr de', 'mintmark_language=xx', 'fr'),
      'en',
      'unknown languages are passed over'
    )
  }
)

t.test(
  'a choice of the last hour wins over ui_locales, so that the menu works on every page',
  async t => {
    t.equal(choose('en', 'a=b; mintmark_language_now=ko; mintmark_language=ko', 'en'), 'ko')
    t.equal(choose('en', '__Host-mintmark_language_now=ko'), 'ko')
    t.equal(choose('en', 'xmintmark_language_now=ko'), 'en', 'another cookie that ends like ours')
    t.strictSame(languageCookies(true), {
      lasting: '__Host-mintmark_language',
      recent: '__Host-mintmark_language_now'
    })
  }
)

t.test('the __Host- cookie wins over one that a sibling domain could have set', async t => {
  t.equal(choose(undefined, 'mintmark_language=en; __Host-mintmark_language=ko'), 'ko')
})

t.test('ui_locales is a list by preference (OpenID Connect Core §3.1.2.1)', async t => {
  t.equal(choose('fr-CA ko-KR en'), 'ko')
  t.equal(choose('en ko'), 'en')
  t.equal(choose('  KO_kr '), 'ko', 'case and underscore do not matter')
})

t.test('Accept-Language is weighed (RFC 9110 §12.5.4)', async t => {
  t.equal(choose(undefined, undefined, 'ko;q=0.5, en;q=0.9'), 'en')
  t.equal(choose(undefined, undefined, 'fr, ko-KR;q=0.8, en;q=0.7'), 'ko')
  t.equal(choose(undefined, undefined, 'ko;q=0, *'), 'en', 'q=0 means not acceptable')
  t.equal(choose(undefined, undefined, 'ko;q=9, en;q=0.1'), 'en', 'a weight above 1 is none')
  t.equal(choose(undefined, undefined, 'ko;q=x, en;q=0.1'), 'en')
})

t.test('a tag matches by whole subtags', async t => {
  t.equal(matchLocale('ko-Kore-KR'), 'ko')
  t.equal(matchLocale('kok'), undefined, 'Konkani is not Korean')
  t.equal(matchLocale(''), undefined)
})

t.test('at most 1,000 characters of a header are looked at', async t => {
  const filler = 'x '.repeat(25_000)
  t.equal(choose(`${filler}ko`), 'en')
  t.equal(choose(undefined, undefined, `${filler.replaceAll(' ', ',')}ko`), 'en')
  t.equal(choose(`ko ${filler}`), 'ko', 'what stands at the beginning still counts')
  t.equal(choose(`${'-a'.repeat(25_000)}`), 'en')
  t.equal(choose(`${'x'.repeat(999)} ko`), 'en', 'an item that the cut goes through is dropped')
  t.equal(
    choose(undefined, `a=${'b'.repeat(50_000)}; mintmark_language=ko`),
    'ko',
    'cookies are searched'
  )
})
