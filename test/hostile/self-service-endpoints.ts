// The addresses of the pages with which people look after their account by themselves, for the table of endpoints. Those that need mail are there in
// development, where mails go to the outbox.

import type { Endpoint } from './endpoints.ts'

const form = ['content-type', 'application/x-www-form-urlencoded'] as const
const readable = ['GET', 'HEAD']

const posted = (route: string, body: string): Endpoint => ({
  reader: 'person',
  mayWrite: true,
  route,
  methods: [...readable, 'POST'],
  sound: { method: 'POST', target: route, headers: [form], body: `csrf=x&${body}` }
})

const shown = (route: string): Endpoint => ({
  reader: 'person',
  mayWrite: true,
  route,
  methods: readable,
  sound: { method: 'GET', target: route }
})

const token = `token=${'A'.repeat(43)}`

export const selfServiceEndpoints: Endpoint[] = [
  posted('/sign-up', 'email=a@example.com'),
  posted('/sign-up/finish', `${token}&name=a&password=b&password_again=b`),
  shown('/sign-up/done'),
  posted('/reset-password', 'login=a'),
  posted('/reset-password/new', `${token}&password=b&password_again=b`),
  shown('/reset-password/done'),
  posted('/confirm-email', token),
  posted('/account/security/password', 'current=a&password=b&password_again=b'),
  posted('/account/security/email', 'email=a@example.com'),
  shown('/.well-known/change-password'),
  shown('/dev/outbox')
]
