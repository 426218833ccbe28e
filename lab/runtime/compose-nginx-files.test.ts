/** What is committed for plain `docker compose` is what lab/topology.ts says today. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { STAGE_NAMES, portsIn, topologyOf } from '../topology.ts'
import { composeNginxFiles, writeComposeNginxFiles } from './compose-nginx-files.ts'
import { portVariable } from './compose-project.ts'
import { REPOSITORY } from './stage-directory.ts'

const COMPOSE = path.join(REPOSITORY, 'compose')

test.each(STAGE_NAMES)('the committed Nginx files of %s are current, and no other is beside them', (stage) => {
  const committed = readdirSync(path.join(COMPOSE, 'generated', stage), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
  const found = new Map(committed.map((file) => [path.relative(path.join(COMPOSE, 'generated'), file), readFileSync(file, 'utf8')]))
  const hint = 'run node_modules/.bin/node lab/write-compose-files.ts'
  expect(Object.fromEntries(found), hint).toEqual(Object.fromEntries(composeNginxFiles(stage, null)))
})

test.each(STAGE_NAMES)('the published ports of %s are those of the topology, and so are the ports inside', (stage) => {
  const text = readFileSync(path.join(COMPOSE, `${stage}.yaml`), 'utf8')
  const published = [...text.matchAll(/127\.0\.0\.1:\$\{(\w+):-(\d+)\}:(\d+)/g)].map(([, variable, outside, inside]) => [
    variable,
    outside,
    inside,
  ])
  // A single variant beside its stage is 20 ports higher.
  const expected = [false, true].flatMap((single) =>
    [...portsIn(topologyOf(stage, { single }))]
      .filter(([name]) => !name.startsWith('postgres'))
      .map(([name, port]) => [portVariable(stage, name, single), String(single ? port + 20 : port), String(port)]),
  )
  expect(new Set(published.map(String))).toEqual(new Set(expected.map(String)))
})

test('written under umask 077 they can be read by a container’s user, and so can those that are there already', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'relais-nginx-files-'))
  const umask = process.umask(0o077)
  onTestFinished(() => {
    process.umask(umask)
    rmSync(directory, { recursive: true })
  })
  const file = path.join(directory, 'stage1/db-lb/listen.conf')
  const modes = (): string[] => [path.dirname(file), file].map((name) => (statSync(name).mode & 0o777).toString(8))
  writeComposeNginxFiles(directory)
  expect(modes()).toEqual(['755', '644'])
  chmodSync(file, 0o600)
  writeComposeNginxFiles(directory)
  expect(modes()).toEqual(['755', '644'])
})
