import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AccessLogs, parseLine } from './access-logs.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'relais-access-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

function line(requestId: string, upstreamAddress = '127.0.0.1:18007', upstreamStatus = '200', status = 200): string {
  return `${JSON.stringify({ requestId, status, upstreamAddress, upstreamStatus })}\n`
}

function append(kind: 'read' | 'write', text: string): void {
  appendFileSync(path.join(directory, `access-${kind}.json`), text)
}

describe('the lines of a run', () => {
  it('are those with its request ids, written since it began', async () => {
    append('read', line('run-1-before'))
    const logs = new AccessLogs(['db-lb'], () => directory)
    append('read', line('run-1-0') + line('other-0') + line('run-1-1'))
    append('write', line('run-1-2'))
    const lines = (await logs.linesOf('run-1-', 3)).get('db-lb')!
    expect(lines.map(({ requestId, isRead }) => [requestId, isRead])).toEqual([
      ['run-1-0', true],
      ['run-1-1', true],
      ['run-1-2', false],
    ])
  })

  it('are waited for, also for the second half of one', async () => {
    const logs = new AccessLogs(['db-lb'], () => directory)
    const whole = line('run-1-0')
    append('read', whole.slice(0, 20))
    const lines = logs.linesOf('run-1-', 1)
    append('read', whole.slice(20))
    expect((await lines).get('db-lb')).toHaveLength(1)
  })

  it('of tries that were given up are waited for behind the last answer, as there are more lines than answers then', async () => {
    const logs = new AccessLogs(['db-lb'], () => directory)
    append('read', line('run-1-0', '127.0.0.1:18007, 127.0.0.1:18008', '504, 200'))
    const lines = logs.linesOf('run-1-', 1)
    await new Promise((resolve) => setTimeout(resolve, 200))
    append('read', line('run-1-1', '127.0.0.1:18009', '-', 499))
    expect((await lines).get('db-lb')).toHaveLength(2)
  })

  it('are told as far as there are any when some never come', async () => {
    const logs = new AccessLogs(['db-lb'], () => directory)
    append('read', line('run-1-0'))
    expect((await logs.linesOf('run-1-', 2)).get('db-lb')).toHaveLength(1)
  })
})

describe('a line', () => {
  it('has a try for each upstream that was asked, whether by retry or by redirect', () => {
    const text = line('a', '127.0.0.1:18008, 127.0.0.1:18009 : 127.0.0.1:18007', '502, 503 : 200')
    expect(parseLine(text, true)?.tries).toEqual([
      { address: '127.0.0.1:18008', status: 502 },
      { address: '127.0.0.1:18009', status: 503 },
      { address: '127.0.0.1:18007', status: 200 },
    ])
  })

  it('has none when the balancer answered itself, or had nobody to ask', () => {
    expect(parseLine(line('a', '', '', 413), true)?.tries).toEqual([])
    expect(parseLine(line('a', 'db_read', '502', 502), true)?.tries).toEqual([])
  })

  it('keeps a try without a status', () => {
    expect(parseLine(line('a', '127.0.0.1:18007', '-', 499), false)?.tries).toEqual([{ address: '127.0.0.1:18007', status: undefined }])
  })

  it('that is none is passed over', () => {
    expect(parseLine('{"half', true)).toBeUndefined()
  })
})
