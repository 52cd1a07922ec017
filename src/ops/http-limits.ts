// How long and how much a peer may send, as options of the HTTP server. Every peer that is slower, or sends more, is told so, or is cut
// off: Fastify's own default for a body is "for ever".

/** Milliseconds, bytes, and counts. */
export const httpLimits = {
  /** from the first byte of a connection, or of the next request on it, to the end of the headers */
  headersTimeout: 10_000,
  /** the same to the end of the body */
  requestTimeout: 20_000,
  /** short, so that those whose time is over are closed a few at a time: each check is one turn in which nobody else is served */
  connectionsCheckingInterval: 250,
  /** how long a connection may be idle; longer than that of proxies in front, which must be the ones that close (60 s is common) */
  keepAliveTimeout: 65_000,
  /** so that connections move on to other processes in time */
  maxRequestsPerSocket: 1_000,
  /** from the headers of a request to the last byte of its answer */
  longestAnswer: 30_000,
  bodyLimit: 64 * 1024,
  /** how long a stop waits for requests in flight */
  closing: 3_500
} as const

/** Options for Fastify. */
export const httpOptions = {
  requestTimeout: httpLimits.requestTimeout,
  keepAliveTimeout: httpLimits.keepAliveTimeout,
  maxRequestsPerSocket: httpLimits.maxRequestsPerSocket,
  bodyLimit: httpLimits.bodyLimit,
  http: {
    headersTimeout: httpLimits.headersTimeout,
    connectionsCheckingInterval: httpLimits.connectionsCheckingInterval
  }
} as const
