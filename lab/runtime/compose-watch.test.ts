/** Watching containers through an engine that does not always answer. */
import { expect, test } from 'vitest'
import { watchContainers } from './compose-watch.ts'

test('goes on watching when the engine once does not answer', async () => {
  const nothing = (): void => {}
  const events = { died: nothing, stopped: nothing, paused: nothing, back: nothing }
  let looks = 0
  const find = (): Promise<[]> => (++looks === 1 ? Promise.reject(new Error('context deadline exceeded')) : Promise.resolve([]))
  expect(await watchContainers(find, events, new AbortController().signal)).toBe('down')
  expect(looks).toBe(2)
})
