// Faults: something that should work did not (the store, a key, a file). The rule: logged once, at the boundary, answered with 500 or
// 503. Not for protocol errors (those are the engine's classes) nor for expected outcomes (those are `{ ok: false, reason }`).

/** Codes are stable: they are metric labels, and the boundary maps them to an HTTP status. */
export type FaultCode =
  | 'store_unavailable'
  | 'store_conflict'
  | 'seal_broken'
  | 'key_unavailable'
  | 'configuration_invalid'
  | 'busy'
  | 'internal'

/** A failure that no caller can expect; `cause` is the original error and never reaches a client. */
export class Fault extends Error {
  readonly code: FaultCode

  constructor(code: FaultCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'Fault'
    this.code = code
  }
}

/** Codes that pass by themselves: nothing of the request was wrong, and the same one is served a moment later (503 and not 500). */
const passing: ReadonlySet<FaultCode> = new Set(['store_unavailable', 'key_unavailable', 'busy'])

export function isPassing(error: unknown): error is Fault {
  return error instanceof Fault && passing.has(error.code)
}
