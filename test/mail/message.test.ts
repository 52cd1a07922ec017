// What mails say, whatever stands in the events that they tell of: every kind, in every language, with probes for mail and markup.

import t from 'tap'
import { locales, messagesOf } from '../../src/i18n/locale.ts'
import { writeMessage } from '../../src/mail/message.ts'
import { readTags, shapeOf } from '../views/markup-reader.ts'

const issuer = 'https://id.example.com'
const facts = ['account', 'address', 'name', 'device', 'issuer', 'left']

function written(kind: string, locale: string, say: (usual: string) => string) {
  const message = writeMessage(
    {
      ...{ kind, locale },
      data: {
        at: '2026-11-28T12:00:00Z',
        ...Object.fromEntries(facts.map(name => [name, say(name)]))
      },
      link: { token: 'the-token', returnTo: say('/device') }
    },
    { product: say('mintmark'), issuer }
  )
  if (message === undefined) throw new Error(`${kind} has no words`)
  return message
}

const probes = [
  `"><img src=x onerror=alert(1)>`,
  '</a></p><script>alert(1)</script>',
  '<a href="https://evil.example">here</a>',
  'x\r\nBcc: everybody@example.com\r\n\r\n<p>',
  '\u202Egnp.exe',
  '{{7*7}}'
]

t.test('a probe in any string changes no tag, no link and no header (R-70)', async t => {
  for (const locale of locales) {
    const { links, events } = messagesOf(locale).mail
    for (const kind of [...Object.keys(links), ...Object.keys(events)]) {
      const usual = written(kind, locale, text => text)
      const hrefs = (document: string) =>
        readTags(document).flatMap(({ attributes }) => attributes['href'] ?? [])
      for (const probe of probes) {
        const probed = written(kind, locale, text => text + probe)
        // the breaks of a list of facts apart: a fact is one line
        t.same(shapeOf(probed.html), shapeOf(usual.html), `${kind} ${locale} ${probe}`)
        t.ok(
          hrefs(probed.html).every(href => href.startsWith(issuer)),
          'links lead here alone'
        )
        t.notMatch(probed.subject, /[\r\n\u202a-\u202e]/)
        t.equal(probed.text.split('\n').length, usual.text.split('\n').length, 'no line more')
      }
    }
  }
})
