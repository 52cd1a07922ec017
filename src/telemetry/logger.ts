// The process log: one JSON object a line on standard output (pino). Owns what may be in a line: never a body, a query string, a header
// that authenticates, a token, a code or a password (OWASP ASVS v5.0.0 §16.2.5), and never a second line (§16.4.1).
// Three nets: serializers pick fields (request, reply, error), redact.ts drops members by name, and scrubs values by their look.

import { type DestinationStream, type LevelWithSilent, type Logger, pino } from 'pino'
import { dropSecretMembers, scrubLine } from './redact.ts'
import { serializers } from './serializers.ts'

export type { Logger } from 'pino'

export interface LoggerOptions {
  level: LevelWithSilent
  /** where lines go; standard output unless a test wants them */
  stream?: DestinationStream
}

/**
 * Creates the logger of the process; it also fits Fastify's `loggerInstance`. Members named `code`, `state`, `token`, `body` and the
 * like are redacted wherever they stand: name an error's code `errorCode`, as the serializer of `err` does.
 */
export function createLogger({ level, stream }: LoggerOptions): Logger {
  const options = {
    level,
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers,
    formatters: {
      level: (label: string) => ({ level: label }),
      log: dropSecretMembers
    },
    hooks: { streamWrite: scrubLine }
  }
  return stream === undefined ? pino(options) : pino(options, stream)
}
