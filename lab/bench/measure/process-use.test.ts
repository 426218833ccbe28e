import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseLinuxUse, parsePsUse, useOf } from './process-use.ts'

const STAT =
  '4711 (post) gres (x)) S 1 4711 4711 0 -1 4194560 900 0 5 0 120 30 40 10 20 0 1 0 12345 226 500 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17'
const STATUS = 'Name:\tpostgres\nVmRSS:\t   9000 kB\nRssAnon:\t    2048 kB\nRssFile:\t    1024 kB\nRssShmem:\t    4096 kB\n'

describe('what processes use', () => {
  it('is CPU of a process and of what it has reaped, whatever its name holds', () => {
    expect(parseLinuxUse(STAT, STATUS)).toEqual({ program: 'post) gres (x)', cpuS: 2, privateKiB: 2048, sharedKiB: 5120 })
  })

  it('is nothing for a process that has ended', () => {
    expect(useOf([2 ** 22 + 1])).toEqual({ cpuS: 0, memoryMiB: 0 })
  })

  it('grows with the work of a process', () => {
    const before = useOf([process.pid])
    expect(before.memoryMiB).toBeGreaterThan(5)
    const cpu = process.cpuUsage()
    while (process.cpuUsage(cpu).user < 200_000) Math.sqrt(Math.random())
    expect(useOf([process.pid]).cpuS - before.cpuS).toBeGreaterThan(0.1)
  })

  it.runIf(process.platform === 'linux')('counts private memory for each process, and what a program shares once', () => {
    const { privateKiB, sharedKiB } = parseLinuxUse(STAT, readFileSync(`/proc/${process.pid}/status`, 'utf8'))
    const { memoryMiB } = useOf([process.pid, process.pid, process.pid])
    // It is another moment: a few percent. All counted three times, or once, would be tens of percent off.
    expect(Math.abs(memoryMiB / ((3 * privateKiB + sharedKiB) / 1024) - 1)).toBeLessThan(0.15)
  })

  it('is read from ps where there is no /proc', () => {
    expect(parsePsUse('  0:01.50  2048\n 1:02:03.25 1024\n')).toEqual({ cpuS: 3_724.75, memoryMiB: 3 })
  })
})
