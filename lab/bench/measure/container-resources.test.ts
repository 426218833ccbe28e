import { describe, expect, test } from 'vitest'
import { parseUse, type ContainerUse } from '../../runtime/engine-api.ts'
import { ContainerResources } from './container-resources.ts'

describe('the resources of instances that are containers', () => {
  const looks = (
    ...each: readonly Record<string, ContainerUse>[]
  ): { use: (id: string) => Promise<ContainerUse | undefined>; next: () => void } => {
    let look = 0
    return { use: (id) => Promise.resolve(each[look]![id]), next: () => void look++ }
  }

  test('are the difference between two moments, service and server together, in the order of the containers', async () => {
    const counters = looks(
      { f: { cpuS: 5, memoryMiB: 10 }, s: { cpuS: 1, memoryMiB: 50 }, p: { cpuS: 2, memoryMiB: 100 } },
      { f: { cpuS: 5.5, memoryMiB: 9 }, s: { cpuS: 1.25, memoryMiB: 60 }, p: { cpuS: 3, memoryMiB: 80 } },
    )
    const containers = [
      { id: 'f', instance: 'frontend1' },
      { id: 's', instance: 'db1' },
      { id: 'job', instance: '' },
      { id: 'p', instance: 'db1' },
    ]
    const meter = new ContainerResources({ containers: () => Promise.resolve(containers), use: counters.use })
    await meter.start()
    counters.next()
    expect(await meter.stop()).toEqual([
      { name: 'frontend1', cpuS: 0.5, memoryMiB: 10 },
      { name: 'db1', cpuS: 1.25, memoryMiB: 150 },
    ])
  })

  test('count nothing of a container that was started anew, rather than less than nothing', async () => {
    const counters = looks({ a: { cpuS: 5, memoryMiB: 10 } }, { a: { cpuS: 0.5, memoryMiB: 10 } })
    const meter = new ContainerResources({ containers: () => Promise.resolve([{ id: 'a', instance: 'db1' }]), use: counters.use })
    await meter.start()
    counters.next()
    expect(await meter.stop()).toEqual([{ name: 'db1', cpuS: 0, memoryMiB: 10 }])
  })

  test('are refused where nothing runs', async () => {
    const meter = new ContainerResources({ containers: () => Promise.resolve([]), use: () => Promise.resolve(undefined) })
    await expect(meter.start()).rejects.toThrow('no container')
  })
})

describe('the engine’s statistics of a container', () => {
  const statistics = (memory: object): string =>
    JSON.stringify({ cpu_stats: { cpu_usage: { total_usage: 2_500_000_000 } }, memory_stats: memory })

  test.each([
    ['cgroup v1', { usage: 30 * 1024 * 1024, stats: { total_inactive_file: 10 * 1024 * 1024, inactive_file: 1 } }],
    ['cgroup v2', { usage: 30 * 1024 * 1024, stats: { inactive_file: 10 * 1024 * 1024 } }],
  ])('are read as `docker stats` does, from %s', (_, memory) => {
    expect(parseUse(statistics(memory))).toEqual({ cpuS: 2.5, memoryMiB: 20 })
  })

  test('of one that has ended are none', () => {
    expect(parseUse(statistics({}))).toBeUndefined()
  })
})
