// Every language says everything, and nothing twice in another language's words.

import t from 'tap'
import { locales, messagesOf } from '../../src/i18n/locale.ts'

const term = { text: 'Acme', shown: 'Acme' }

/** All texts of a language by path; functions are called with what their kind takes. */
function textsOf(table: object, path = ''): Map<string, string> {
  const texts = new Map<string, string>()
  for (const [key, value] of Object.entries(table)) {
    const at = path === '' ? key : `${path}.${key}`
    if (typeof value === 'string') texts.set(at, value)
    else if (typeof value === 'function') texts.set(at, said(value))
    else for (const [inner, text] of textsOf(value, at)) texts.set(inner, text)
  }
  return texts
}

// A message takes names (Term), a string, seconds or a date; only the right kind gives a text without a hole in it.
function said(message: (...args: unknown[]) => unknown): string {
  const attempts = [
    [term, { text: 'mintmark', shown: 'mintmark' }],
    [125, 30],
    [new Date(0)],
    ['mintmark']
  ]
  for (const args of attempts) {
    try {
      const result = message(...args)
      const text = Array.isArray(result) ? result.join('') : String(result)
      if (!/undefined|NaN|\[object|Invalid/.test(text)) return text
    } catch {}
  }
  return ''
}

t.test('no language lacks a message, and none is empty', async t => {
  const english = textsOf(messagesOf('en'))
  t.ok(english.size > 80, 'the table was walked')
  for (const locale of locales) {
    const texts = textsOf(messagesOf(locale))
    t.strictSame(
      [...texts.keys()].sort(),
      [...english.keys()].sort(),
      `${locale} has the same keys`
    )
    t.strictSame(
      [...texts].filter(([, text]) => text.trim() === ''),
      [],
      `${locale} has no empty message`
    )
  }
})

/** What a sentence is given, by the places where it stands: names, seconds, dates. */
function placesIn(message: (...args: unknown[]) => unknown): string[] {
  const names = ['«0»', '«1»', '«2»'].map(text => ({ text, shown: text }))
  const asTerms = attempt(message, names)
  const asTexts = attempt(message, ['«0»', '«1»', '«2»'])
  const text = [asTerms, asTexts].find(
    each => each !== undefined && !/undefined|NaN|\[object/.test(each)
  )
  return [...new Set(text?.match(/«\d»/g) ?? [])].sort()
}

function attempt(message: (...args: unknown[]) => unknown, args: unknown[]): string | undefined {
  try {
    const result = message(...args)
    return Array.isArray(result) ? result.join('') : String(result)
  } catch {
    return undefined
  }
}

function functionsOf(table: object, path = ''): [string, (...args: unknown[]) => unknown][] {
  return Object.entries(table).flatMap(([key, value]) => {
    const at = path === '' ? key : `${path}.${key}`
    if (typeof value === 'function') return [[at, value]]
    return typeof value === 'object' && value !== null ? functionsOf(value, at) : []
  }) as [string, (...args: unknown[]) => unknown][]
}

t.test('what is put into a sentence stands in it, in every language', async t => {
  const english = new Map(functionsOf(messagesOf('en')))
  const named = [...english].filter(([, message]) => placesIn(message).length > 0)
  t.ok(named.length > 15, 'there are sentences with names in them')
  for (const locale of locales) {
    for (const [key, message] of functionsOf(messagesOf(locale))) {
      const other = english.get(key)
      t.same(placesIn(message), other && placesIn(other), `${locale} ${key}`)
    }
  }
})

t.test(
  'a moment is written as the language writes it, and counts are plural where they are',
  async t => {
    const moment = new Date('2026-11-28T15:04:00Z')
    t.equal(messagesOf('en').dateTime(moment), 'November 28, 2026 at 3:04 PM UTC')
    t.equal(messagesOf('ko').dateTime(moment), '2026년 11월 28일 오후 3:04 UTC')
    t.not(messagesOf('en').device.ago(60), messagesOf('en').device.ago(120))
  }
)

t.test('Korean is Korean: only the direction is the same word as in English', async t => {
  const english = textsOf(messagesOf('en'))
  const same = [...textsOf(messagesOf('ko'))].filter(([key, text]) => english.get(key) === text)
  t.strictSame(
    same.map(([key]) => key),
    ['direction']
  )
})

/** Names of things that have no other, and of us. */
const untranslated = /\b(mintmark|Acme|UTC|QR|TOTP|PIN|URL|JSON|OAuth|OpenID|CSV|IP)\b/g

t.test('no word of another alphabet is left in Korean', async t => {
  for (const [key, text] of textsOf(messagesOf('ko'))) {
    if (key === 'direction') continue
    t.notMatch(text.replace(untranslated, ''), /[A-Za-z]{2,}/, key)
  }
})

t.test(
  'Korean keeps one register: 합니다체, no -요 statements but -하세요 and the set questions',
  async t => {
    for (const [key, text] of textsOf(messagesOf('ko'))) {
      t.notMatch(text, /(?<!(세|까|(나|신?가)(?=요\?)))요[.!?]/u, key)
    }
  }
)

t.test('a wait is told in seconds below a minute and rounded up to minutes above', async t => {
  const { throttled } = messagesOf('en').login
  t.equal(throttled(0.2), 'Too many attempts. Try again in 1 second.')
  t.equal(throttled(59), 'Too many attempts. Try again in 59 seconds.')
  t.equal(throttled(60), 'Too many attempts. Try again in 1 minute.')
  t.equal(throttled(61), 'Too many attempts. Try again in 2 minutes.')
  t.equal(
    messagesOf('ko').login.throttled(121),
    '시도 횟수가 너무 많습니다. 3분 후 다시 시도하세요.'
  )
})
