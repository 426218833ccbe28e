/**
 * Structured logs: one JSON object a line on standard output; where they go is the runtime's business.
 *
 * Lines are written in blocks, asynchronously: a synchronous write for each request would put the disk on the path of
 * every answer. What a SIGKILL loses is the last fraction of a second; warnings and errors are flushed at once.
 *
 * A full disk, or a reader that takes nothing, is no reason to end: what cannot be written waits, and is tried again at the next flush;
 * above the bound new lines are lost, and counted into the first line that is written again. (!) The end of the process is another matter: a
 * write that a reader holds up also holds up `process.exit`, until the runtime kills it.
 */
import pino, { type Logger } from 'pino'

export type Log = Logger

const FLUSH_INTERVAL_MS = 200
/** Each write wakes a thread of the pool, which costs far more than its bytes. */
const BLOCK_BYTES = 32 * 1024
/** Of what waits to be written. */
const WAITING_BYTES_MAX = 8 * 1024 * 1024

export function createLog(stage: string, name: string, level: string): Log {
  const destination = pino.destination({
    dest: 1,
    sync: false,
    minLength: BLOCK_BYTES,
    maxWrite: 2 * BLOCK_BYTES,
    maxLength: WAITING_BYTES_MAX,
  })
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
  outlastFailures(destination, log)
  return log
}

function outlastFailures(destination: ReturnType<typeof pino.destination>, log: Log): void {
  const flushSync = destination.flushSync.bind(destination)
  let code: string | undefined
  let lostLines = 0
  destination.on('error', (error: NodeJS.ErrnoException) => {
    code = error.code
    // pino calls it when the process ends, and it tries for ever what cannot be written.
    destination.flushSync = () => {}
  })
  destination.on('drop', (dropped: string) => (lostLines += dropped.split('\n').length - 1))
  destination.on('drain', () => {
    if (code === undefined && lostLines === 0) return
    const found = { code, lostLines }
    code = undefined
    lostLines = 0
    destination.flushSync = flushSync
    log.warn(found, 'the log could not be written for a while')
  })
}

const WARN = pino.levels.values['warn']!

/** For tests and for callers that want silence. */
export const SILENT_LOG: Log = pino({ level: 'silent' })
