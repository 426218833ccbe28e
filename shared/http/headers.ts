/**
 * The header names that the tiers agree on, and which of them travel.
 *
 * A tier passes on only the headers listed here. Passing on everything is how a client's `X-Forwarded-For`,
 * `Connection` or `X-Accel-Redirect` ends up being believed two tiers further in.
 */
export const REQUEST_ID = 'x-request-id'
export const SERVED_BY = 'x-served-by'
export const SERVER_TIMING = 'server-timing'
const READ_FROM = 'x-read-from'
export const SESSION_TOKEN = 'x-session-token'
export const IDEMPOTENCY_KEY = 'idempotency-key'
const TRACEPARENT = 'traceparent'
const TRACESTATE = 'tracestate'
export const IF_MATCH = 'if-match'
export const IF_NONE_MATCH = 'if-none-match'
/** Of a write: they reach the database, which knows whether the record is there. */
export const PRECONDITIONS = [IF_MATCH, IF_NONE_MATCH] as const
/** Set by db-lb on reads of the read group: the answer may hand the request over, by `X-Accel-Redirect`. */
export const MAY_MOVE = 'x-relais-may-move'

/** From a client's request to the next tier's. */
export const REQUEST_HEADERS_PASSED_ON = [
  READ_FROM,
  SESSION_TOKEN,
  TRACEPARENT,
  TRACESTATE,
  IDEMPOTENCY_KEY,
  // Set by the load balancer in front, which overwrites what the client sent; the next one reads them (client-address-inner.conf), and
  // the policy that goes by address needs the first.
  'x-real-ip',
  'x-forwarded-proto',
  'x-forwarded-host',
] as const

/** From the next tier's answer to ours; `x-served-by` and `server-timing` are added to instead. */
export const ANSWER_HEADERS_PASSED_ON = ['content-type', 'location', 'retry-after', 'allow', SESSION_TOKEN, IDEMPOTENCY_KEY] as const
