/** What the engine's interface answers, from a server that plays the engine. */
import { createServer } from 'node:http'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EngineApi, parseUse } from './engine-api.ts'

const MIB = 1024 * 1024
const statistics = (memory: object): string =>
  JSON.stringify({ cpu_stats: { cpu_usage: { total_usage: 2_500_000_000 } }, memory_stats: memory })

describe('the counters of a container', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'relais-engine-'))
  const socket = path.join(directory, 'docker.sock')
  const tooOld = '{"message":"client version 1.41 is too old. Minimum supported API version is 1.44"}'
  const answers = new Map<string, readonly [number, string]>([
    ['/v1.44/containers/running/stats?stream=false&one-shot=true', [200, statistics({ usage: 30 * MIB })]],
    ['/v1.44/containers/ended/stats?stream=false&one-shot=true', [200, statistics({})]],
    ['/v1.44/containers/gone/stats?stream=false&one-shot=true', [404, '{"message":"No such container: gone"}']],
    ['/v1.44/containers/unwell/stats?stream=false&one-shot=true', [500, '{"message":"out of order"}']],
  ])
  const engine = createServer(({ url }, response) => {
    const [status, body] = answers.get(url ?? '') ?? [400, tooOld]
    response.writeHead(status).end(body)
  })
  beforeAll(() => new Promise<void>((resolve) => void engine.listen(socket, resolve)))
  afterAll(async () => {
    await new Promise((resolve) => void engine.close(resolve))
    rmSync(directory, { recursive: true })
  })

  const use = (id: string, version = '1.44'): ReturnType<EngineApi['use']> => new EngineApi(`unix://${socket}`, version).use(id)

  test('are asked for in the engine’s own version', async () => {
    expect(await use('running')).toEqual({ cpuS: 2.5, memoryMiB: 30 })
  })

  test.each(['ended', 'gone'])('are none of one that is %s', async (id) => {
    expect(await use(id)).toBeUndefined()
  })

  test('are not taken for nothing by an engine that refuses: its words are told', async () => {
    await expect(use('unwell')).rejects.toThrow('got 500 ({"message":"out of order"}), expected 200')
    await expect(use('running', '1.41')).rejects.toThrow('client version 1.41 is too old')
  })
})

describe('the engine’s statistics of a container', () => {
  test.each([
    ['cgroup v1', { usage: 30 * MIB, stats: { total_inactive_file: 10 * MIB, inactive_file: 1 } }],
    ['cgroup v2', { usage: 30 * MIB, stats: { inactive_file: 10 * MIB } }],
  ])('are read as `docker stats` does, from %s', (_, memory) => {
    expect(parseUse(statistics(memory))).toEqual({ cpuS: 2.5, memoryMiB: 20 })
  })

  test('of one that has ended are none', () => {
    expect(parseUse(statistics({}))).toBeUndefined()
  })
})
