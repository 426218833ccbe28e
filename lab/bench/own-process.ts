/** Processes that a measurement starts: what is measured has to be them, not whoever else answers there, and they end with it. */
import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { askOnce } from '../runtime/ask-once.ts'

const READY_MS_MAX = 120_000
const ANSWER_MS_MAX = 5_000
const PAUSE_MS = 10

/** Resolves when `isReady`, and rejects when one of `children`, by name, has ended, or after two minutes. */
export async function untilReady(children: ReadonlyMap<string, ChildProcess>, isReady: () => Promise<boolean>): Promise<void> {
  const names = [...children.keys()].join(', ')
  const untilMs = performance.now() + READY_MS_MAX
  for (;;) {
    const answered = await isReady()
    for (const [name, child] of children) if (hasEnded(child)) throw new Error(`Failed to start ${name}: it ended, ${howItEnded(child)}.`)
    if (answered) return
    if (performance.now() > untilMs) throw new Error(`Failed to start ${names}: not ready within ${READY_MS_MAX / 1000} s.`)
    await sleep(PAUSE_MS)
  }
}

export async function answers200(url: string): Promise<boolean> {
  const answer = await askOnce(url, ANSWER_MS_MAX).catch(() => undefined)
  return answer?.status === 200
}

/** Sends `signal`, and resolves when the process is gone. */
export async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (hasEnded(child)) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill(signal)
  await gone
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

function howItEnded({ exitCode, signalCode }: ChildProcess): string {
  return signalCode ? `by ${signalCode}` : `exit code ${exitCode}`
}
