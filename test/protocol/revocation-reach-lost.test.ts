// The same with the change feed's connections lost silently: they stand, and nothing comes through them (security.md D-22).
// Each process finds out by itself.

import t from 'tap'
import { reach } from './reach.ts'

await reach(t, 'lost silently', {
  person: act => `${act} on one process takes effect on another, feed or no feed (D-22)`,
  machine: act =>
    `${act} a machine client reaches its tokens on another process, feed or no feed (D-22)`
})
