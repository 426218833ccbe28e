import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { ClusterNode } from './cluster.ts'
import { keepData } from './kept-data.ts'

it('keeps data beside its place, says where, and lets the oldest go', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'relais-kept-'))
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => {
    vi.useRealTimers()
    rmSync(directory, { recursive: true })
  })
  const cluster = { socketDir: directory, programs: { bindir: '', major: 0 } }
  const node = { name: 'db2', port: 1, directory, dataDir: join(directory, 'data'), cluster } as unknown as ClusterNode
  const said: string[] = []
  for (const day of [1, 2, 3]) {
    vi.setSystemTime(Date.UTC(2026, 0, day))
    mkdirSync(node.dataDir)
    writeFileSync(join(node.dataDir, 'day'), String(day))
    writeFileSync(join(directory, 'complete.json'), '{}')
    await keepData(node, (message) => said.push(message))
  }
  const kept = ['data.before-2026-01-02T00-00-00.000Z', 'data.before-2026-01-03T00-00-00.000Z']
  expect(readdirSync(directory).toSorted()).toEqual(kept)
  expect(kept.map((name) => readFileSync(join(directory, name, 'day'), 'utf8'))).toEqual(['2', '3'])
  expect(said.at(-1)).toBe(`db2: what it had is kept in ${join(directory, kept[1]!)}`)
  expect(existsSync(node.dataDir)).toBe(false)
})
