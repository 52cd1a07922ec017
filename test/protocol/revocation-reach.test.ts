// Revocation that reaches: what one process revokes, another one refuses, at every place where a token, a code or a secret is used, and in the
// status list (security.md #87, #100, #111).

import t from 'tap'
import { reach } from './reach.ts'

await reach(t, 'works', {
  person: act => `${act} on one process takes effect on another`,
  machine: act => `${act} a machine client reaches its tokens on another process`
})
