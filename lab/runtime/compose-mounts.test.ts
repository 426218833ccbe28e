/** Files that containers mount: each of the compose files' is covered, and a clone of a careful owner is opened. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readCompose } from '../test/support/compose-model.ts'
import { MOUNTED, openMountedFiles } from './compose-mounts.ts'

const root = mkdtempSync(path.join(tmpdir(), 'relais-mounts-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const modeOf = (name: string): string => (statSync(path.join(root, name)).mode & 0o777).toString(8)

test('a clone made with umask 077 becomes readable for everybody, once, and nothing becomes writable or a program', () => {
  for (const name of MOUNTED) {
    mkdirSync(path.join(root, name, 'deep'), { recursive: true })
    writeFileSync(path.join(root, name, 'deep', 'file.conf'), '')
    for (const [closed, mode] of [
      ['deep/file.conf', 0o600],
      ['deep', 0o700],
      ['', 0o700],
    ] as const)
      chmodSync(path.join(root, name, closed), mode)
  }
  expect(openMountedFiles(root)).toBe(`Made readable for the users of containers (chmod go+rX): ${MOUNTED.join(', ')}.`)
  expect(MOUNTED.map((name) => [modeOf(name), modeOf(`${name}/deep`), modeOf(`${name}/deep/file.conf`)].join())).toEqual(
    MOUNTED.map(() => '755,755,644'),
  )
  expect(openMountedFiles(root)).toBe('')
})

test('whatever the compose files mount of the repository is below one of them', () => {
  const sources = [...readCompose('compose/compose.yaml').services].flatMap(([name, { volumes = [] }]) => {
    const directory = name === 'prometheus' || name === 'grafana' || name.endsWith('-exporter') ? 'compose/monitoring' : 'compose'
    return volumes
      .map((volume) => (typeof volume === 'string' ? volume : (volume.source ?? '')).replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1').split(':')[0]!)
      .filter((source) => source.startsWith('.') && source !== './results')
      .map((source) => path.posix.join(directory, source))
  })
  expect(sources.length).toBeGreaterThan(50)
  expect(sources.filter((source) => !MOUNTED.some((name) => source.startsWith(`${name}/`)))).toEqual([])
})
