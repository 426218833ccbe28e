/**
 * Every error that a client can meet, in one table; `docs/ERRORS.md` and the tests are held against it.
 *
 * `definite` answers the one question that matters after a failed write: did it certainly NOT happen? A timeout
 * after the request was sent is not a failure, it is ignorance, and a client that takes it for one writes twice.
 * (The distinction is Jepsen's `:fail` and `:info`.)
 */

interface ErrorRow {
  /** HTTP status. */
  readonly status: number
  readonly title: string
  /** Whether the write certainly did not happen. */
  readonly definite: boolean
  /** Seconds for `Retry-After`, where waiting helps. */
  readonly retryAfterSeconds?: number
  readonly meaning: string
}

export const ERRORS = {
  'malformed-request': {
    status: 400,
    title: 'Malformed request',
    definite: true,
    meaning: 'The bytes are not what HTTP, UTF-8 or JSON ask for, or JSON is nested deeper than 32.',
  },
  'invalid-parameter': {
    status: 400,
    title: 'Invalid parameter',
    definite: true,
    meaning: 'A query parameter, a path parameter or a request header has a value outside its range or form.',
  },
  unauthorized: {
    status: 401,
    title: 'Not authorised',
    definite: true,
    meaning: 'A node-to-node call without a valid, fresh signature of this cluster.',
  },
  'not-primary': {
    status: 403,
    title: 'Not the primary',
    definite: true,
    meaning: 'A write was sent to a replica; only the primary takes writes.',
  },
  'cross-site-form': {
    status: 403,
    title: 'Form of another site',
    definite: true,
    meaning: 'The browser says that a page of another site sent this form; only our own pages may.',
  },
  'not-found': { status: 404, title: 'Not found', definite: true, meaning: 'No such record, or no such path.' },
  'method-not-allowed': {
    status: 405,
    title: 'Method not allowed',
    definite: true,
    meaning: 'The path exists, but not with this method; `Allow` lists those it has.',
  },
  'request-timeout': {
    status: 408,
    title: 'Request timeout',
    definite: true,
    meaning: 'The client did not send its whole request in time.',
  },
  'replication-conflict': {
    status: 409,
    title: 'Replication conflict',
    definite: true,
    meaning: 'Node to node: the records do not follow on from what this replica holds; `expected` says what does.',
  },
  'precondition-failed': {
    status: 412,
    title: 'Precondition failed',
    definite: true,
    meaning: 'The record is there, and `If-Match` or `If-None-Match` speaks against the write: records have no entity tags.',
  },
  'body-too-large': { status: 413, title: 'Body too large', definite: true, meaning: 'The body is larger than 64 KiB.' },
  'uri-too-long': { status: 414, title: 'URI too long', definite: true, meaning: 'The request line is longer than 8 KiB.' },
  'unsupported-media-type': {
    status: 415,
    title: 'Unsupported media type',
    definite: true,
    meaning: 'A body must be `application/json` in UTF-8, without a content coding.',
  },
  'invalid-content': {
    status: 422,
    title: 'Invalid content',
    definite: true,
    meaning: 'The JSON is well formed, but its content breaks a rule: a type, a length, a character, an unknown member.',
  },
  'idempotency-key-reused': {
    status: 422,
    title: 'Idempotency key reused',
    definite: true,
    meaning: 'Another write was made under this `Idempotency-Key`; this one was not made.',
  },
  'too-many-requests': {
    status: 429,
    title: 'Too many requests',
    definite: true,
    retryAfterSeconds: 1,
    meaning: 'This client address is above its limit.',
  },
  'headers-too-large': {
    status: 431,
    title: 'Request headers too large',
    definite: true,
    meaning: 'The request headers are larger than 16 KiB, or one of them than Nginx takes.',
  },
  'client-gone': {
    status: 499,
    title: 'Client gone',
    definite: true,
    meaning:
      'The client went away first, so a read was given up and a write that had to wait was not sent; only logs and metrics show this.',
  },
  'internal-error': {
    status: 500,
    title: 'Internal error',
    definite: false,
    meaning: 'A defect of ours; the log has it under the request id.',
  },
  'upstream-cut': {
    status: 502,
    title: 'Upstream cut the connection',
    definite: false,
    retryAfterSeconds: 1,
    meaning: 'The next tier took the request and went away before it answered: a write may have happened.',
  },
  'upstream-unavailable': {
    status: 503,
    title: 'Upstream unavailable',
    definite: true,
    retryAfterSeconds: 1,
    meaning: 'The next tier could not be reached, so the request was never sent on.',
  },
  overloaded: {
    status: 503,
    title: 'Overloaded',
    definite: true,
    retryAfterSeconds: 1,
    meaning: 'A bounded queue is full, and the request was not begun; or a read has a large answer, and too many such are not taken yet.',
  },
  'not-ready': {
    status: 503,
    title: 'Not ready',
    definite: true,
    retryAfterSeconds: 1,
    meaning: 'This instance is starting, stopping, or has nothing complete to serve yet.',
  },
  'replica-behind': {
    status: 503,
    title: 'Replica behind',
    definite: true,
    retryAfterSeconds: 1,
    meaning: 'This replica has not reached the session token within its short wait; the primary has. db-lb moves the read there.',
  },
  'not-enough-replicas': {
    status: 503,
    title: 'Not enough replicas',
    definite: true,
    retryAfterSeconds: 1,
    meaning: 'The durability asked for cannot be reached now; the write was refused before it was made.',
  },
  'store-unavailable': {
    status: 503,
    title: 'Store unavailable',
    definite: true,
    retryAfterSeconds: 1,
    meaning: 'The database could not be reached, so nothing was sent to it.',
  },
  'store-full': {
    status: 503,
    title: 'Store full',
    definite: true,
    retryAfterSeconds: 60,
    meaning: 'The memory set aside for records is used up; deleting records makes room.',
  },
  'upstream-timeout': {
    status: 504,
    title: 'Upstream timeout',
    definite: false,
    retryAfterSeconds: 1,
    meaning: 'The next tier did not answer in time: a write may have happened, or may still happen.',
  },
  'replication-timeout': {
    status: 504,
    title: 'Replication timeout',
    definite: false,
    retryAfterSeconds: 1,
    meaning: 'The primary has the write, but too few replicas confirmed it in time: it may be lost, or may stay.',
  },
  'outcome-unknown': {
    status: 504,
    title: 'Outcome unknown',
    definite: false,
    retryAfterSeconds: 1,
    meaning: 'The database did not say in time whether the write was made.',
  },
} as const satisfies Record<string, ErrorRow>

export type ErrorSlug = keyof typeof ERRORS
