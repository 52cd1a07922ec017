// The pages of signing in with other providers, with data as it comes in life. `say` stands in for every string that somebody else chose.
// Owns no page of another part.

import type { Frame } from '../../src/views/layout.ts'
import { renderLogin } from '../../src/views/login.ts'
import {
  renderLinkedAccounts,
  renderUpstreamButtons,
  renderUpstreamProblem
} from '../../src/views/upstream.ts'

export function upstreamSamples(
  frame: Frame,
  say: (usual: string) => string
): Record<string, string> {
  const action = say('/interaction/abc')
  const now = new Date('2026-11-21T11:04:00Z')
  return {
    'login-upstream': renderLogin(frame, {
      ...{ action, csrf: say('csrf'), clientName: say('Acme Calendar'), login: undefined },
      others: [
        renderUpstreamButtons(frame, {
          action,
          carried: { csrf: say('csrf') },
          list: [{ id: say('work'), name: say('Work') }]
        })
      ]
    }),
    'upstream-problem': renderUpstreamProblem(frame, {
      problem: 'account_exists',
      name: say('Work'),
      otherWays: say('/sign-in'),
      link: say('/account/security/linked')
    }),
    'linked-accounts': renderLinkedAccounts(
      frame,
      { accountName: say('ada@example.com'), signOut: say('/logout') },
      {
        action,
        csrf: say('csrf'),
        offer: { name: say('Work'), label: say('ada@work.example') },
        identities: [
          {
            name: say('Naver'),
            label: say('ada@naver.example'),
            linkedAt: now,
            usedAt: now,
            key: say('["https://nid.example","1"]')
          }
        ],
        list: [{ id: say('work'), name: say('Work') }],
        done: 'unlinked',
        failed: 'last'
      }
    )
  }
}
