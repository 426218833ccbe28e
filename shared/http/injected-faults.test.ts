/** Faults by file: what is there is taken over, what is no faults is not, and a service holds its answers back accordingly. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pino from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SILENT_LOG } from '../observe/log.ts'
import { testService } from '../test/test-service.ts'
import { InjectedFaults } from './injected-faults.ts'

let directory: string
let faults: InjectedFaults | undefined
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'relais-faults-'))
})
afterEach(() => {
  faults?.close()
  rmSync(directory, { recursive: true, force: true })
})

const file = (): string => path.join(directory, 'backend1.json')

function write(value: unknown): void {
  writeFileSync(`${file()}.new`, JSON.stringify(value))
  renameSync(`${file()}.new`, file())
}

test('injects nothing without a file', () => {
  faults = new InjectedFaults(undefined, SILENT_LOG)
  expect(faults.answerDelayMs).toBe(0)
  faults = new InjectedFaults(file(), SILENT_LOG)
  expect(faults.answerDelayMs).toBe(0)
})

test('follows the file while the service runs, and keeps what it had when the file is nonsense', async () => {
  const refused: unknown[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => line.includes('this is no file of faults') && refused.push(line) })
  /** Resolves when it has been read: the next write would hide it. */
  const writeNonsense = async (value: unknown): Promise<void> => {
    const before = refused.length
    write(value)
    await vi.waitFor(() => expect(refused).toHaveLength(before + 1), { timeout: 5_000 })
  }
  write({ answerDelayMs: 20 })
  faults = new InjectedFaults(file(), log)
  expect(faults.answerDelayMs).toBe(20)
  await writeNonsense({ answerDelayMs: -1 })
  expect(faults.answerDelayMs).toBe(20)
  write({ answerDelayMs: 30, replicationDelayMs: 400 })
  await vi.waitFor(() => expect(faults).toMatchObject({ answerDelayMs: 30, replicationDelayMs: 400 }), { timeout: 5_000 })
  for (const nonsense of [{ answerDelayMs: 70_000 }, { surprise: 1 }]) {
    await writeNonsense(nonsense)
    expect(faults).toMatchObject({ answerDelayMs: 30, replicationDelayMs: 400 })
  }
  rmSync(file())
  await vi.waitFor(() => expect(faults!.answerDelayMs).toBe(0), { timeout: 5_000 })
})

test('holds a request back and lets health pass', async () => {
  write({ answerDelayMs: 60_000 })
  faults = new InjectedFaults(file(), SILENT_LOG)
  const service = testService('backend1', { faults })
  service.app.get('/work', (c) => c.env.exchange.json(200, {}))
  vi.useFakeTimers()
  try {
    expect((await service.request('/livez')).status).toBe(200)
    let status: number | undefined
    void service.request('/work').then((response) => (status = response.status))
    await vi.advanceTimersByTimeAsync(59_000)
    expect([status, service.inFlight]).toEqual([undefined, 1])
    await vi.advanceTimersByTimeAsync(1_001)
    expect([status, service.inFlight]).toEqual([200, 0])
  } finally {
    vi.useRealTimers()
  }
})
