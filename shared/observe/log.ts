/**
 * Structured logs: one JSON object a line on standard output; where they go is the runtime's business.
 *
 * Lines are written in blocks, asynchronously: a synchronous write for each request would put the disk on the path of
 * every answer. What a SIGKILL loses is the last fraction of a second; warnings and errors are flushed at once.
 */
import pino, { type Logger } from 'pino'

export type Log = Logger

const FLUSH_INTERVAL_MS = 200
/** Each write wakes a thread of the pool, which costs far more than its bytes. */
const BLOCK_BYTES = 32 * 1024

export function createLog(stage: string, name: string, level: string): Log {
  const destination = pino.destination({ dest: 1, sync: false, minLength: BLOCK_BYTES, maxWrite: 2 * BLOCK_BYTES })
  const log = pino(
    {
      level,
      base: { stage, name },
      formatters: { level: (label) => ({ level: label }) },
      hooks: {
        logMethod(args, method, levelNumber) {
          method.apply(this, args)
          if (levelNumber >= WARN) destination.flush()
        },
      },
    },
    destination,
  )
  setInterval(() => destination.flush(), FLUSH_INTERVAL_MS).unref()
  return log
}

const WARN = pino.levels.values['warn']!

/** For tests and for callers that want silence. */
export const SILENT_LOG: Log = pino({ level: 'silent' })
