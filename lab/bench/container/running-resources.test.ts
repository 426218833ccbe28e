import { describe, expect, test } from 'vitest'
import { parseCgroupUse, parseProcessUse, type CgroupTexts } from './running-resources.ts'

const NONE: CgroupTexts = { cpu2: null, memory2: null, stat2: null, cpu1: null, memory1: null, stat1: null }

describe('a server’s cgroup', () => {
  test('of version 2 is read', () => {
    const texts = { ...NONE, cpu2: 'usage_usec 1500000\nuser_usec 1\n', memory2: '31457280\n', stat2: 'anon 1\ninactive_file 10485760\n' }
    expect(parseCgroupUse(texts)).toEqual({ cpuS: 1.5, memoryMiB: 20 })
  })

  test('of version 1 is read', () => {
    const stat1 = 'inactive_file 1\ntotal_inactive_file 10485760\n'
    expect(parseCgroupUse({ ...NONE, cpu1: '1500000000\n', memory1: '31457280\n', stat1 })).toEqual({ cpuS: 1.5, memoryMiB: 20 })
  })

  test('that is not there is unknown, and not nothing', () => {
    expect(parseCgroupUse(NONE)).toBeUndefined()
  })
})

describe('a service’s own word', () => {
  test('is its process’s CPU and memory', () => {
    const text = 'process_cpu_seconds_total{stage="stage1"} 0.25\nprocess_resident_memory_bytes{stage="stage1"} 52428800\n'
    expect(parseProcessUse(text)).toEqual({ cpuS: 0.25, memoryMiB: 50 })
  })

  test('is unknown where it says nothing', () => {
    expect(parseProcessUse('# nothing\n')).toBeUndefined()
  })
})
