import { describe, expect, test } from 'vitest'
import { parseArguments } from '../../command-line/parse-arguments.ts'
import type { CpuShares } from '../../runtime/cpu-share.ts'
import { BENCH_OPTIONS, readBenchRequest, type BenchRequest } from './bench-options.ts'
import { withPossibleShares } from './possible-shares.ts'

const asked = (...args: string[]): BenchRequest => readBenchRequest(parseArguments('bench', args, BENCH_OPTIONS, 0), {})
const shares =
  (isHeld: boolean) =>
  (cores: number): CpuShares => ({
    isHeld,
    description: isHeld ? `held to ${cores}` : 'NOT limited: no cgroup.',
    groupFor: () => null,
    wrap: (command, args) => ({ command, args }),
  })

describe('a bench that asks for shares', () => {
  test('gets what it asked for where the host can hold a process to it', () => {
    const request = asked()
    expect(withPossibleShares(request, shares(true))).toEqual({ request, warning: null })
  })

  test('is one without shares where the host cannot, and says so: no figure carries a share that was not held', () => {
    const { request, warning } = withPossibleShares(asked(), shares(false))
    expect(request.options.cpuPerInstance).toBeNull()
    expect(request.hasSaturatedMatrix).toBe(false)
    expect(warning).toContain('NOT limited')
  })

  test('is not asked twice: with --saturate there is nothing to hold', () => {
    const request = asked('--saturate')
    expect(withPossibleShares(request, () => expect.unreachable())).toEqual({ request, warning: null })
  })
})
