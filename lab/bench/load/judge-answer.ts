/**
 * Which class an answer belongs to. A status is not enough: four fifths of what `ab` counted in the report were empty bodies.
 *
 *   status 200 (read), 201 (write) and the body is right ─▶ served
 *   any other 2xx, or a body that is not ─▶ wrong, with the reason
 *   any other status ─▶ refused
 */
import { checkPage, type PageFreshness } from './read-check.ts'
import { recordShape, serverShape } from './record-shape.ts'
import type { PlannedRequest, PlannedWrite } from './request-plan.ts'
import type { LedgerMark, WriteLedger } from './write-ledger.ts'

export interface CompleteAnswer {
  readonly status: number
  readonly body: string
  /** The answer's own `X-Request-ID`; `undefined` when it has none. */
  readonly requestId: string | undefined
}

export type Verdict =
  | { readonly outcome: 'served'; readonly freshness?: PageFreshness }
  | { readonly outcome: 'wrong' | 'refused'; readonly failure: string }

const writtenShape = recordShape.extend({ server: serverShape })

/** `mark` is from when the request was begun. A right answer to a write is noted as acknowledged. */
export function judgeAnswer(request: PlannedRequest, answer: CompleteAnswer, ledger: WriteLedger, mark: LedgerMark): Verdict {
  const { status, body, requestId } = answer
  if (status < 200 || status > 299) return { outcome: 'refused', failure: String(status) }
  if (status !== (request.write ? 201 : 200)) return wrong(`status ${status}`)
  // An answer that belongs to another request: a proxy or a client has lost count on the connection.
  if (requestId !== undefined && requestId !== request.requestId) return wrong("another request's id")
  const json = parseJson(body)
  if (json === undefined) return wrong(body === '' ? 'empty body' : 'no JSON')
  if (request.write) return judgeWrite(request.write, json, ledger)
  const page = checkPage(json, ledger, mark)
  return typeof page === 'string' ? wrong(page) : { outcome: 'served', freshness: page }
}

function judgeWrite({ message }: PlannedWrite, json: unknown, ledger: WriteLedger): Verdict {
  const record = writtenShape.safeParse(json)
  if (!record.success) return wrong('no record')
  if (record.data.message !== message) return wrong('another message')
  return ledger.acknowledge(message, record.data.id) ? { outcome: 'served' } : wrong('an id that another record has')
}

function wrong(reason: string): Verdict {
  return { outcome: 'wrong', failure: `wrong: ${reason}` }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
