// What a log line tells of a request, a reply and an error: chosen members, never the object. A path is told without its query, and
// without segments that look like an identifier that somebody could use (interaction ids, links sent by mail).

const textLimit = 2_000
const causeLimit = 5

function textOf(value: unknown, limit: number = textLimit): string | undefined {
  return typeof value === 'string' ? value.slice(0, limit) : undefined
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return (value as Record<string, unknown>)[name]
}

/** Long, and with a digit or a capital: random. `oauth-authorization-server` is long, but neither. */
function isOpaque(segment: string): boolean {
  return segment.length >= 20 && /[A-Z0-9%]/.test(segment)
}

/** The path of a request target: no query, no fragment, opaque segments as `:opaque`. */
export function loggedPath(target: string): string {
  const path = target.slice(0, textLimit).split(/[?#;]/, 1)[0] ?? ''
  return path
    .split('/')
    .map(segment => (isOpaque(segment) ? ':opaque' : segment))
    .join('/')
}

function requestFields(request: unknown): Record<string, unknown> {
  const url = member(request, 'url')
  return {
    method: textOf(member(request, 'method'), 20),
    path: typeof url === 'string' ? loggedPath(url) : undefined,
    address: textOf(member(request, 'ip'), 100),
    userAgent: textOf(member(member(request, 'headers'), 'user-agent'), 200)
  }
}

function replyFields(reply: unknown): Record<string, unknown> {
  return { statusCode: member(reply, 'statusCode') }
}

/**
 * Name, code, message and stack, and the same of its causes. Not the other members: PostgreSQL's `detail` and `where` quote rows, and
 * errors of parsers carry their input.
 */
function errorFields(error: unknown, depth: number = 0): unknown {
  if (!(error instanceof Error)) {
    return { message: textOf(typeof error === 'string' ? error : typeof error) }
  }
  const code = member(error, 'code')
  return {
    type: textOf(error.name, 100),
    errorCode: typeof code === 'number' ? code : textOf(code, 100),
    statusCode: member(error, 'statusCode'),
    message: textOf(error.message),
    stack: textOf(error.stack),
    cause:
      error.cause === undefined || depth >= causeLimit
        ? undefined
        : errorFields(error.cause, depth + 1)
  }
}

/** For pino and Fastify; the names are the members that they log. */
export const serializers = {
  req: requestFields,
  res: replyFields,
  err: (error: unknown) => errorFields(error),
  error: (error: unknown) => errorFields(error)
}
