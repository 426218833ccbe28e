/**
 * A row of the error table as a throwable, and as the answer that a client gets (RFC 9457).
 *
 * Only what is said on purpose leaves the process: anything thrown that is not a `Problem` becomes
 * `internal-error` without its text, because exception messages name hosts, paths and queries.
 */
import { ERRORS, type ErrorSlug } from './errors.ts'

export interface ProblemOptions {
  /** One sentence for the person who reads it: what failed, what was found, what was expected. */
  readonly detail?: string
  /** Overrides the table where the caller knows better, for example a read, which never writes. */
  readonly definite?: boolean
  /** Extension members of the document (RFC 9457, section 3.2). */
  readonly members?: Record<string, unknown>
  readonly headers?: Record<string, string>
  readonly cause?: unknown
}

export const PROBLEM_CONTENT_TYPE = 'application/problem+json'

/** An RFC 9457 document; what a slug's members add stands beside these. */
export interface ProblemDocument {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  /** Whether a write certainly did not happen. */
  readonly definite: boolean
  readonly requestId: string
  readonly [member: string]: unknown
}

export class Problem extends Error {
  override readonly name = 'Problem'
  readonly slug: ErrorSlug
  readonly status: number
  readonly definite: boolean
  readonly members: Record<string, unknown>
  readonly headers: Record<string, string>

  constructor(slug: ErrorSlug, options: ProblemOptions = {}) {
    const row: (typeof ERRORS)[ErrorSlug] & { retryAfterSeconds?: number } = ERRORS[slug]
    super(options.detail ?? row.meaning, { cause: options.cause })
    this.slug = slug
    this.status = row.status
    this.definite = options.definite ?? row.definite
    this.members = options.members ?? {}
    this.headers = row.retryAfterSeconds === undefined ? {} : { 'Retry-After': String(row.retryAfterSeconds) }
    Object.assign(this.headers, options.headers)
  }

  /** The document's members; `requestId` lets a person find the log lines. */
  toDocument(requestId: string): ProblemDocument {
    const { title } = ERRORS[this.slug]
    return {
      type: problemType(this.slug),
      title,
      status: this.status,
      detail: this.message,
      definite: this.definite,
      requestId,
      ...this.members,
    }
  }
}

/** The stable `type` URI of a row. */
export function problemType(slug: ErrorSlug): string {
  return `urn:relais:problem:${slug}`
}
