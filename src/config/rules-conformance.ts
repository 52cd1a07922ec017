// Conformance mode: what exists only in it, and that whoever switches it on has nothing else in the file. A relaxation must never reach a
// client that somebody signs in with, so each declared client says that it belongs to the run.

import type { Problem } from './configuration-error.ts'
import type { Check } from './rule.ts'

const switchOn =
  'Remove it; or, for a conformance run in a database of its own, set MINTMARK_CONFORMANCE__ENABLED=true.'

export const conformanceIsSwitchedOn: Check = ({ conformance, clients }, place) => {
  if (conformance.enabled) return []
  const problems: Problem[] = []
  if (conformance.responseTypes.length > 0) {
    problems.push({
      path: 'conformance.responseTypes',
      problem: 'names response types that exist only in conformance mode',
      fix: 'Empty the list; or, for a conformance run, set MINTMARK_CONFORMANCE__ENABLED=true.'
    })
  }
  if (conformance.registration === 'open') {
    problems.push({
      path: 'conformance.registration',
      problem: 'lets everybody register without a token, which is for conformance mode only',
      fix: switchOn
    })
  }
  for (const client of clients.filter(each => each.conformance !== undefined)) {
    problems.push({
      path: `${place(client)}.conformance`,
      problem: 'is for conformance mode only',
      fix: switchOn
    })
  }
  return problems
}

export const conformanceIsAlone: Check = (config, place) => {
  if (!config.conformance.enabled) return []
  const problems = config.clients
    .filter(({ conformance }) => conformance === undefined)
    .map(
      (client): Problem => ({
        path: `${place(client)}.conformance`,
        problem: 'is missing: in conformance mode there are no clients but those of the run',
        fix: 'Say relaxed or strict; or switch conformance mode off where people sign in.'
      })
    )
  if (config.clientMetadataDocuments.enabled) {
    problems.push({
      path: 'clientMetadataDocuments.enabled',
      problem: 'would let in clients that are no part of the conformance run',
      fix: 'Switch it off, or conformance mode.'
    })
  }
  if (
    config.conformance.registration === 'open' &&
    config.registration.requireSoftwareStatement === true
  ) {
    problems.push({
      path: 'conformance.registration',
      problem: 'cannot be open where registration.requireSoftwareStatement is on',
      fix: 'Leave out one of the two.'
    })
  }
  return problems
}
