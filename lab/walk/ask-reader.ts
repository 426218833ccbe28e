/**
 * Questions to the person at the terminal. Lines typed ahead are kept for the questions that follow; the end of the input, `q` and Ctrl-C all mean "I leave".
 */
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Ask } from './read-aloud.ts'

export interface AskReader {
  readonly ask: Ask
  readonly close: () => void
}

/** On a terminal the line editor reads the keys, so it is the one that sees a Ctrl-C: `interrupted` is called then. */
export function askReader(input: Readable, output: NodeJS.WritableStream, interrupted: () => void, signal: AbortSignal): AskReader {
  const lines: (string | null)[] = []
  let waiting: ((line: string | null) => void) | undefined
  const take = (line: string | null): void => {
    lines.push(line)
    if (waiting) waiting(nextLine())
    waiting = undefined
  }
  /** The end stays the end, for every question that follows. */
  const nextLine = (): string | null => (lines[0] === null ? null : (lines.shift() ?? null))
  const editor = createInterface({ input, output, terminal: 'isTTY' in input && input.isTTY === true })
  editor
    .on('line', take)
    .on('close', () => take(null))
    .on('SIGINT', interrupted)
  signal.addEventListener('abort', () => take(null), { once: true })
  return {
    ask: async (question) => {
      if (signal.aborted) return null
      output.write(question)
      const line = lines.length > 0 ? nextLine() : await new Promise<string | null>((resolve) => (waiting = resolve))
      if (!('isTTY' in input)) output.write('\n')
      return line === null || line.trim().toLowerCase() === 'q' ? null : line
    },
    close: () => editor.close(),
  }
}
