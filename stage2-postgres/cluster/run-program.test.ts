import { describe, expect, it } from 'vitest'
import { runProgram } from './run-program.ts'

describe('a program', () => {
  it('that ends badly is told with its last words', async () => {
    await expect(runProgram('/bin/sh', ['-c', 'echo why >&2; exit 3'])).rejects.toThrow(
      'Failed to run /bin/sh: ended with exit code 3, expected 0.\nwhy',
    )
  })

  it('that takes too long is ended, and the error says so', async () => {
    await expect(runProgram('sleep', ['600'], { timeoutMs: 50 })).rejects.toThrow(
      'Failed to run sleep: it did not end within 50 ms and was sent SIGTERM.',
    )
  })

  it('that may take any time is ended by its signal alone', async () => {
    expect(await runProgram('/bin/sh', ['-c', 'echo done'], { timeoutMs: Infinity })).toBe('done\n')
    const end = new AbortController()
    const running = runProgram('sleep', ['600'], { timeoutMs: Infinity, signal: end.signal })
    setImmediate(() => end.abort())
    await expect(running).rejects.toThrow('Failed to run sleep: it was ended, as asked.')
    await expect(runProgram('sleep', ['600'], { signal: end.signal })).rejects.toThrow(/aborted/)
  })
})
