/** Watching a running stage's containers: who ended, was paused or came back, whoever did it. Compare watch-stage.ts, for processes. */
import { setTimeout as sleep } from 'node:timers/promises'
import { lifeOf, type Container } from './compose-containers.ts'
import { wordsOf } from './compose-start.ts'
import type { StageEvents } from './runtime.ts'

/** Each look is two calls to the engine. */
const POLL_MS = 1_000
const KILLED = 137
/** A busy engine misses some; one that is gone is worth an end. */
const FAILED_LOOKS_MAX = 10

/** Resolves when no container of the stage is left, or when the signal says so; rejects when the engine does not answer any more. */
export async function watchContainers(
  find: () => Promise<Container[]>,
  events: StageEvents,
  signal: AbortSignal,
  pollMs = POLL_MS,
): Promise<'down' | 'aborted'> {
  const before = new Map<string, ReturnType<typeof lifeOf>>()
  let failedLooks = 0
  while (!signal.aborted) {
    // A look that failed says nothing about the stage; the next one will.
    const found = await find().catch((error: unknown) => {
      if (++failedLooks === FAILED_LOOKS_MAX) throw error
    })
    if (found) failedLooks = 0
    const containers = found?.filter(({ instance }) => instance !== '')
    if (containers?.length === 0) return 'down'
    for (const container of containers ?? []) {
      const life = lifeOf(container)
      const key = `${container.instance}/${container.process}`
      if (life !== (before.get(key) ?? 'running')) await tell(container, life, events)
      before.set(key, life)
    }
    await sleep(pollMs, undefined, { signal }).catch(() => {})
  }
  return 'aborted'
}

async function tell(container: Container, life: ReturnType<typeof lifeOf>, events: StageEvents): Promise<void> {
  const name = container.process === 'postgres' ? `${container.instance}/postgres` : container.instance
  if (life === 'running') events.back(name)
  else if (life === 'paused') events.paused(name)
  else if (life === 'stopped') events.stopped(name)
  else events.died(name, container.pid, container.exitCode === KILLED ? null : await wordsOf(container.id))
}
