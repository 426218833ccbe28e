/** Watching a running stage's containers: who ended, was paused or came back, whoever did it. Compare watch-stage.ts, for processes. */
import { setTimeout as sleep } from 'node:timers/promises'
import { lifeOf, type Container } from './compose-containers.ts'
import { wordsOf } from './compose-start.ts'
import type { StageEvents } from './runtime.ts'

/** Each look is two calls to the engine. */
const POLL_MS = 1_000
const KILLED = 137

/** Resolves when no container of the stage is left, or when the signal says so. */
export async function watchContainers(
  find: () => Promise<Container[]>,
  events: StageEvents,
  signal: AbortSignal,
): Promise<'down' | 'aborted'> {
  const before = new Map<string, ReturnType<typeof lifeOf>>()
  while (!signal.aborted) {
    // A look that failed says nothing about the stage; the next one will.
    const containers = (await find().catch(() => undefined))?.filter(({ instance }) => instance !== '')
    if (containers?.length === 0) return 'down'
    for (const container of containers ?? []) {
      const life = lifeOf(container)
      const key = `${container.instance}/${container.process}`
      if (life !== (before.get(key) ?? 'running')) await tell(container, life, events)
      before.set(key, life)
    }
    await sleep(POLL_MS, undefined, { signal }).catch(() => {})
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
