/** The one entry to a run of load: checks what was asked for and chooses the generator. */
import type { LoadOptions, LoadRun } from './load-run.ts'

/** Resolves when every request has ended; rejects only for options that make no sense. */
export function runLoad(_options: LoadOptions): Promise<LoadRun> {
  throw new Error('not there yet')
}
