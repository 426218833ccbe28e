/** Logs are bounded under the feet of whoever writes them, and their last lines can be told. */
import { appendFileSync, closeSync, existsSync, mkdtempSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { boundLogs, lastLines, openLog, sizeOf } from './log-files.ts'

let directory: string
let file: string
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'relais-logs-'))
  file = path.join(directory, 'db1.log')
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

test('moves what is above the bound aside while the writer goes on', () => {
  const descriptor = openLog(file)
  writeSync(descriptor, 'before\n'.repeat(100))
  boundLogs([directory, path.join(directory, 'absent')], 100)
  writeSync(descriptor, 'after\n')
  closeSync(descriptor)
  expect(readFileSync(file, 'utf8')).toBe('after\n')
  expect(sizeOf(`${file}.1`)).toBe(700)
})

test('leaves a small log alone', () => {
  appendFileSync(file, 'short\n')
  boundLogs([directory], 100)
  expect(readFileSync(file, 'utf8')).toBe('short\n')
  expect(existsSync(`${file}.1`)).toBe(false)
})

test('tells the last lines, and only those of this start', () => {
  appendFileSync(file, 'old\n')
  const size = sizeOf(file)
  expect(lastLines(file, 3, size)).toEqual([])
  appendFileSync(file, 'one\ntwo\nthree\nfour\n')
  expect(lastLines(file, 3, size)).toEqual(['two', 'three', 'four'])
  expect(lastLines(file, 9, size)).toEqual(['one', 'two', 'three', 'four'])
  expect(lastLines(path.join(directory, 'absent.log'), 3)).toEqual([])
})
