/** `up` in the foreground, without a stage: what it does with what it started when it cannot go on. */
import { expect, test } from 'vitest'
import { parseArguments } from '../command-line/parse-arguments.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { UP_OPTIONS } from './up-options.ts'
import { command } from './up.ts'

test('stops what it started when watching it fails', async () => {
  const stopped: string[] = []
  const runtime = {
    startStage: () => Promise.resolve({ afterMs: 1, cpuLimit: null, notes: [] }),
    watch: () => Promise.reject(new Error('context deadline exceeded')),
    stopStage(stage: string) {
      stopped.push(stage)
      return Promise.resolve(null)
    },
  } as unknown as Runtime
  const context = { runtime, stateDirectory: '/nowhere', print: () => {} }
  await expect(command.run(parseArguments('up', [], UP_OPTIONS, 1), context)).rejects.toThrow('context deadline exceeded')
  expect(stopped).toEqual(['stage1', 'stage2'])
})
