// The life of a signing key: the table of states holds together, and leads one way only
// (OpenID Connect Core §10.1.1).

import { test } from 'tap'
import { isLiveKeyState, type KeyState, keyStates } from '../../src/keys/key-state.ts'

test('a key goes pending, active, retiring, retired, and nowhere else', async t => {
  const path: KeyState[] = []
  for (let state: KeyState | undefined = 'pending'; state !== undefined; ) {
    path.push(state)
    state = keyStates[state].next
  }
  t.same(path, ['pending', 'active', 'retiring', 'retired'])
})

test('a key is published before it signs and after (OpenID Connect Core §10.1.1)', async t => {
  const states = Object.keys(keyStates) as KeyState[]
  t.same(
    states.filter(state => keyStates[state].signs),
    ['active']
  )
  t.same(
    states.filter(state => keyStates[state].published),
    ['active', 'pending', 'retiring']
  )
  t.equal(isLiveKeyState('retired'), false)
  t.equal(isLiveKeyState('constructor'), false)
})
