import { describe, expect, test } from 'vitest'
import { parseArguments } from '../../command-line/parse-arguments.ts'
import { CONTAINER_OPTIONS, readContainerRequest, type ContainerRequest } from './container-options.ts'

function read(args: readonly string[], environment: NodeJS.ProcessEnv = {}): ContainerRequest {
  return readContainerRequest(parseArguments('bench', args, CONTAINER_OPTIONS, 0), environment)
}

describe('the options of the bench in a container', () => {
  test('say that the containers have the share that Compose gave them', () => {
    expect(read([], { RELAIS_CPUS: '0.1' }).bench.options).toMatchObject({ cpuPerInstance: 0.1, runtime: 'compose' })
    expect(read([], { RELAIS_CPUS: '0' }).bench.options.cpuPerInstance).toBeNull()
    expect(read([]).bench.options.cpuPerInstance).toBeNull()
  })

  test('never ask for the matrix without shares: a container cannot take them away', () => {
    expect(read([], { RELAIS_CPUS: '0.1' }).bench.hasSaturatedMatrix).toBe(false)
  })

  test('are those that need no engine', () => {
    for (const option of ['--runtime=compose', '--cpu-per-instance=1', '--saturate', '--port-offset=1'])
      expect(() => read([option])).toThrow(option)
  })

  test('measure every stage that runs unless one is named, and empty nothing unless told so', () => {
    expect(read([])).toMatchObject({ isAnyStage: true, mayEmpty: false })
    expect(read(['--stage', 'stage2', '--empty'])).toMatchObject({ isAnyStage: false, mayEmpty: true })
  })
})
