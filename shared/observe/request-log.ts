/**
 * One line a request, put together by hand and handed on in blocks.
 *
 * A line is the most frequent thing that a service writes, and a general logger's work for it (levels, serialisers,
 * children) was a tenth of a pass-through tier's own time. The members are ours and of known form, except the path and
 * what the next tier said, which are quoted; everything else still goes through the logger, to the same place.
 */
import pino from 'pino'
import type { Log } from './log.ts'

export interface RequestLine {
  readonly requestId: string
  readonly method: string
  readonly path: string
  readonly status: number
  readonly durationMs: number
  readonly servedBy: string
}

const BLOCK_CHARACTERS = 48 * 1024
const FLUSH_INTERVAL_MS = 200

export class RequestLog {
  readonly #log: Log
  readonly #base: string
  #block = ''

  constructor(log: Log, stage: string, name: string) {
    this.#log = log
    this.#base = `"stage":${JSON.stringify(stage)},"name":${JSON.stringify(name)}`
    setInterval(() => this.flush(), FLUSH_INTERVAL_MS).unref()
  }

  write({ requestId, method, path, status, durationMs, servedBy }: RequestLine): void {
    const what = `"requestId":"${requestId}","method":"${method}","path":${JSON.stringify(path)},"status":${status}`
    const how = `"durationMs":${Math.round(durationMs * 1000) / 1000},"servedBy":${JSON.stringify(servedBy)}`
    this.#block += `{"level":"${status >= 500 ? 'warn' : 'info'}","time":${Date.now()},${this.#base},${what},${how}}\n`
    if (this.#block.length >= BLOCK_CHARACTERS) this.flush()
  }

  flush(): void {
    if (this.#block === '') return
    const block = this.#block
    this.#block = ''
    destinationOf(this.#log).write(block)
  }
}

function destinationOf(log: Log): pino.DestinationStream {
  return (log as unknown as Record<symbol, pino.DestinationStream>)[pino.symbols.streamSym]!
}
