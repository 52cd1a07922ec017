// Which events people are told of: each type of the catalogue is in one of the two lists, and what people read has words in every language.

import t from 'tap'
import { auditEvents } from '../../src/audit/events.ts'
import { otherEvents, personEvents } from '../../src/audit/person-events.ts'
import { locales, messagesOf } from '../../src/i18n/locale.ts'

t.test('each type is for people, or is not: a new one must be put into a list', async t => {
  const listed = [...personEvents, ...otherEvents]
  t.strictSame(listed.toSorted(), Object.keys(auditEvents).toSorted())
})

t.test('each type for people has words in every language, and no other has', async t => {
  for (const locale of locales) {
    const types = Object.keys(messagesOf(locale).events.types)
    t.strictSame(types.toSorted(), personEvents.toSorted(), locale)
  }
})
