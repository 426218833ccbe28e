/** Watching containers through an engine that does not always answer. */
import { expect, test } from 'vitest'
import type { Container } from './compose-containers.ts'
import { watchContainers } from './compose-watch.ts'

const nothing = (): void => {}
const events = { died: nothing, stopped: nothing, paused: nothing, back: nothing }

test('goes on watching when the engine once does not answer', async () => {
  let looks = 0
  const find = (): Promise<[]> => (++looks === 1 ? Promise.reject(new Error('context deadline exceeded')) : Promise.resolve([]))
  expect(await watchContainers(find, events, new AbortController().signal, 1)).toBe('down')
  expect(looks).toBe(2)
})

test('counts only looks that fail one after another', async () => {
  let looks = 0
  const running = { instance: 'db1', process: 'service', status: 'running' } as Container
  const find = (): Promise<Container[]> => {
    looks++
    if (looks === 20) return Promise.resolve([])
    return looks === 10 ? Promise.resolve([running]) : Promise.reject(new Error('no answer'))
  }
  expect(await watchContainers(find, events, new AbortController().signal, 1)).toBe('down')
})

test('ends with the error of an engine that answers no more', async () => {
  const find = (): Promise<[]> => Promise.reject(new Error('no engine'))
  await expect(watchContainers(find, events, new AbortController().signal, 1)).rejects.toThrow('no engine')
})
