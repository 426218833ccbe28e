import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { ContainerUse } from '../../runtime/engine-api.ts'
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
      { f: { cpuS: 5, memoryMiB: 10 }, s: { cpuS: 1, memoryMiB: 50 }, p: { cpuS: 2, memoryMiB: 100 }, job: { cpuS: 1, memoryMiB: 1 } },
      { f: { cpuS: 5.5, memoryMiB: 9 }, s: { cpuS: 1.25, memoryMiB: 60 }, p: { cpuS: 3, memoryMiB: 80 }, job: { cpuS: 2, memoryMiB: 1 } },
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

  test('leave out an instance that a container of gave no counters twice: unknown is not nothing', async () => {
    const use = { cpuS: 1, memoryMiB: 10 }
    const counters = looks({ f: use, s: use, late: use }, { f: use, s: use, p: use })
    const containers = [
      { id: 'f', instance: 'frontend1' },
      { id: 'never', instance: 'frontend2' },
      { id: 's', instance: 'db1' },
      { id: 'p', instance: 'db1' },
      { id: 'late', instance: 'db2' },
    ]
    const meter = new ContainerResources({ containers: () => Promise.resolve(containers), use: counters.use })
    await meter.start()
    counters.next()
    expect(await meter.stop()).toEqual([{ name: 'frontend1', cpuS: 0, memoryMiB: 10 }])
  })

  test('keep what an instance used until a container of it ended', async () => {
    const counters = looks({ a: { cpuS: 1, memoryMiB: 10 } }, { a: { cpuS: 3, memoryMiB: 20 } }, {})
    const meter = new ContainerResources({ containers: () => Promise.resolve([{ id: 'a', instance: 'db1' }]), use: counters.use })
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    await meter.start()
    counters.next()
    await vi.advanceTimersByTimeAsync(2_000)
    counters.next()
    expect(await meter.stop()).toEqual([{ name: 'db1', cpuS: 2, memoryMiB: 20 }])
  })

  test('begin anew with each run: neither what was used between two nor an earlier peak is the next one’s', async () => {
    const counters = looks(
      { a: { cpuS: 1, memoryMiB: 90 } },
      { a: { cpuS: 2, memoryMiB: 80 } },
      { a: { cpuS: 7, memoryMiB: 20 } },
      { a: { cpuS: 7.5, memoryMiB: 30 } },
    )
    const meter = new ContainerResources({ containers: () => Promise.resolve([{ id: 'a', instance: 'db1' }]), use: counters.use })
    await meter.start()
    counters.next()
    expect(await meter.stop()).toEqual([{ name: 'db1', cpuS: 1, memoryMiB: 90 }])
    counters.next()
    await meter.start()
    counters.next()
    expect(await meter.stop()).toEqual([{ name: 'db1', cpuS: 0.5, memoryMiB: 30 }])
  })

  test('are refused where nothing runs', async () => {
    const meter = new ContainerResources({ containers: () => Promise.resolve([]), use: () => Promise.resolve(undefined) })
    await expect(meter.start()).rejects.toThrow('no container')
  })
})
