// Rules about what keeps the database small and what shows it: metrics have a port of their own, and whether a client was used is told by
// events that are still there. Owns combinations; single values are bounded by the schema.

import type { Check } from './rule.ts'

export const metricsArePrivate: Check = ({ metrics, port }) =>
  metrics.port === undefined || metrics.port !== port
    ? []
    : [
        {
          path: 'metrics.port',
          problem: 'is the public port',
          fix: 'Give metrics another one, and let nobody but your Prometheus reach it.'
        }
      ]

export const useIsRemembered: Check = ({ registration, audit }) =>
  registration.reapUnusedSeconds <= audit.retentionSeconds
    ? []
    : [
        {
          path: 'registration.reapUnused',
          problem: 'is longer than audit.retention, and events tell whether a client was used',
          fix: 'Make it at most as long.'
        }
      ]
