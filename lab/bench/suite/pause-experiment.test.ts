/** A pause that falls outside of the load says nothing, and a database is never left paused. */
import { describe, expect, it } from 'vitest'
import { topologyOf } from '../../topology.ts'
import type { LoadRun } from '../load/load-run.ts'
import { withPause } from './pause-experiment.ts'

const signal = new AbortController().signal
const loadThatLasted = (durationS: number): LoadRun => ({ durationS }) as LoadRun

function environment() {
  const resumed = Promise.withResolvers<void>()
  const done: string[] = []
  const note = (what: string) => async (name: string) => void done.push(`${what} ${name}`)
  return {
    done,
    resumed: resumed.promise,
    topology: topologyOf('stage1'),
    pause: note('pause'),
    resume: async (name: string) => (await note('resume')(name), resumed.resolve()),
  }
}

describe.concurrent('a pause', () => {
  it('is measured by a load that goes on behind it', async () => {
    const one = environment()
    const load = loadThatLasted(4)
    expect(await withPause(one, signal, () => one.resumed.then(() => load))).toBe(load)
    expect(one.done).toEqual(['pause db1', 'resume db1'])
  })

  it('is none for a load that was over before it', async () => {
    const one = environment()
    await expect(withPause(one, signal, async () => loadThatLasted(0.5))).rejects.toThrow('ended after 500 ms, before the pause did')
    expect(one.done).toEqual(['pause db1', 'resume db1'])
  })

  it('ends also when the load fails, with what that says', async () => {
    const one = environment()
    await expect(withPause(one, signal, () => Promise.reject(new Error('no connection')))).rejects.toThrow('no connection')
    expect(one.done).toEqual(['pause db1', 'resume db1'])
  })
})
