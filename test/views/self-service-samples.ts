// The pages around mails, as samples.ts has all others.

import type { Frame } from '../../src/views/layout.ts'
import { renderOutbox } from '../../src/views/outbox.ts'
import { renderForm, renderNotice } from '../../src/views/plain-pages.ts'

export function renderSelfServiceSamples(frame: Frame, say: (usual: string) => string) {
  const form = {
    title: 'Create your account',
    lead: [say('Your address is ada@example.com.')],
    action: say('/sign-up/finish'),
    hidden: { csrf: say('csrf'), token: say('token'), return_to: say('/device') },
    fields: [
      {
        id: 'name',
        label: 'Name',
        hint: 'If you like.',
        autocomplete: 'name',
        value: say('Ada'),
        presence: 'optional' as const
      },
      { id: 'password', label: 'Password', type: 'password' as const, autocomplete: 'new-password' }
    ],
    submit: 'Create account'
  }
  const mail = {
    id: '1',
    to: say('ada@example.com'),
    subject: say('Set a new password'),
    text: `${say('Somebody asked.')}\nhttps://id.example.com/reset-password/new?token=x\n\nEnd.`,
    locale: 'en',
    sentAt: new Date('2026-11-21T11:04:00Z')
  }
  return {
    'self-service-form': renderForm(frame, form),
    'self-service-form-problem': renderForm(frame, {
      ...form,
      problems: [{ field: 'password', text: 'Choose a longer password.' }]
    }),
    'self-service-notice': renderNotice(frame, {
      title: 'Check your mail',
      paragraphs: [say('We sent a mail to ada@example.com.')],
      link: { to: say('/sign-in'), text: 'Sign in' }
    }),
    outbox: renderOutbox(frame, 'Mail outbox', [mail]),
    'outbox-empty': renderOutbox(frame, 'Mail outbox', [])
  }
}
