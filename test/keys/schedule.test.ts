// The schedule by itself: which step a key takes next, and when. Days, so that the numbers can be read.

import t from 'tap'
import { graceSeconds, type KeyAges, nextStep } from '../../src/keys/schedule.ts'

const day = 86_400
const times = { intervalSeconds: 90 * day, aheadSeconds: day, cacheSeconds: 300 }
const about = { pending: undefined, idleFor: 0 }

function aged(state: KeyAges['state'], days: number): KeyAges {
  const since = days * day
  return {
    state,
    sinceCreated: since,
    sinceActivated: state === 'pending' ? undefined : since,
    sinceRetiring: state === 'retiring' ? since : undefined,
    valueSeconds: 2 * day
  }
}

t.test(
  'a successor is made one publication before its key has signed for the interval',
  async t => {
    t.same(nextStep(aged('active', 10), times, about), { step: 'prepare', inSeconds: 79 * day })
    t.ok(nextStep(aged('active', 89), times, about).inSeconds <= 0)
  }
)

t.test('a key that was made signs when it has been published long enough', async t => {
  t.same(nextStep(aged('pending', 0.5), times, about), { step: 'activate', inSeconds: 0.5 * day })
  const pending = aged('pending', 0.75)
  t.same(nextStep(aged('active', 89.75), times, { ...about, pending }), {
    step: 'be_followed',
    inSeconds: 0.25 * day
  })
})

t.test('a key leaves when its last token has expired, tolerance and caches included', async t => {
  const { step, inSeconds } = nextStep(aged('retiring', 1), times, about)
  t.same({ step, inSeconds }, { step: 'retire', inSeconds: day + graceSeconds(times) })
  t.ok(graceSeconds(times) >= 300 + 15, 'a verifier kept the set, and tolerates a clock')
})

t.test('a key that nobody has wanted for a day retires and is not renewed', async t => {
  const idle = (hours: number) =>
    nextStep(aged('active', 89), times, { ...about, idleFor: hours * 3_600 })
  t.equal(idle(1).step, 'prepare', 'each process says once an hour what it wants')
  t.same(idle(3), { step: 'fall_idle', inSeconds: 21 * 3_600 })
  t.ok(idle(24).inSeconds <= 0)
})
