// Every address × every broken header: the error of its RFC, with a sentence that helps, and never a 500.

import t from 'tap'
import { assertUnharmed, startArena, throwAt } from './arena.ts'
import { hostileHeaders } from './corpus.ts'

t.test('broken headers are refused in words', async t => {
  const arena = await startArena(t)
  for (const endpoint of arena.table) {
    await throwAt(t, arena, endpoint, hostileHeaders(endpoint))
  }
  await assertUnharmed(t, arena)
})
