/** Watching containers through an engine that does not always answer. */
import { expect, test } from 'vitest'
import { watchContainers } from './compose-watch.ts'

const nothing = (): void => {}
const events = { died: nothing, stopped: nothing, paused: nothing, back: nothing }

test('goes on watching when the engine once does not answer', async () => {
  let looks = 0
  const find = (): Promise<[]> => (++looks === 1 ? Promise.reject(new Error('context deadline exceeded')) : Promise.resolve([]))
  expect(await watchContainers(find, events, new AbortController().signal)).toBe('down')
  expect(looks).toBe(2)
})

test('ends with the error of an engine that answers no more', async () => {
  const find = (): Promise<[]> => Promise.reject(new Error('no engine'))
  await expect(watchContainers(find, events, new AbortController().signal, 1)).rejects.toThrow('no engine')
})
