import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keepDiscarded } from './discarded-writes.ts'

describe('discarded writes', () => {
  let dataDir: string
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'relais-discarded-'))
  })
  afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

  const keep = (epoch: number, nowMs: number): ReturnType<typeof keepDiscarded> =>
    keepDiscarded({ operations: 0, entries: [] }, { dataDir, epoch, nowMs })

  it('of the last ten incidents are kept, the oldest go and are named', () => {
    // The tenth incident has one more digit than the ninth: the order is that of time, not of names.
    for (let n = 1; n <= 10; n++) expect(keep(n, 990 + n).removed).toEqual([])
    expect(keep(11, 1_001).removed).toEqual([join(dataDir, 'discarded-1-991.ndjson')])
    expect(keep(12, 1_002).removed).toEqual([join(dataDir, 'discarded-2-992.ndjson')])
    expect(readdirSync(dataDir)).toHaveLength(10)
    expect(readdirSync(dataDir)).toContain('discarded-12-1002.ndjson')
  })

  it('leave everything else in the directory alone', () => {
    writeFileSync(join(dataDir, 'epoch'), '7')
    for (let n = 1; n <= 12; n++) keep(n, n)
    expect(readFileSync(join(dataDir, 'epoch'), 'utf8')).toBe('7')
    expect(readdirSync(dataDir)).toHaveLength(11)
  })
})
