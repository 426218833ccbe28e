/** For tests: a log that is kept, line by line. */
import { Writable } from 'node:stream'
import pino from 'pino'

export interface RecordingLog {
  readonly log: pino.Logger
  readonly lines: () => Record<string, unknown>[]
}

export function recordingLog(): RecordingLog {
  const written: string[] = []
  const stream = new Writable({ write: (chunk, _encoding, done) => (written.push(String(chunk)), done()) })
  return {
    log: pino({ level: 'info' }, stream),
    lines: () =>
      written
        .join('')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  }
}
