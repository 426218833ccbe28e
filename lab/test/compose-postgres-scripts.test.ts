/** What the start scripts of PostgreSQL's containers do with data that is there, by programs that only say what a test wants them to say. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { REPOSITORY } from '../runtime/stage-directory.ts'

const SCRIPTS = path.join(REPOSITORY, 'compose/postgres')
const PROGRAMS = {
  // Replication commands succeed when the primary can be asked at all.
  psql: 'cat "$TEST_DIR/primary" >"$TEST_DIR/answer" || exit 2; case $* in *replication=true*) ;; *) cat "$TEST_DIR/answer" ;; esac',
  pg_controldata: 'cat "$TEST_DIR/control"',
  // base-backup.sh is run by it.
  sh: 'mkdir -p "$DATA_DIR/global"; cd "$DATA_DIR"; touch PG_VERSION global/pg_control standby.signal postgresql.auto.conf',
  // Nothing is tried a second time, and the slot is not watched.
  sleep: 'exit 1',
  postgres: 'echo "postgres serves"',
  'docker-entrypoint.sh': 'echo "the entrypoint goes on"',
}

let directory: string
let volume: string
let data: string
let copies: string

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'relais-scripts-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const at = (name: string): string => path.join(directory, name)
  volume = at('volume')
  data = at('volume/pgdata')
  copies = at('copies')
  for (const name of ['programs', 'secrets', 'volume', 'copies']) mkdirSync(at(name))
  for (const [name, text] of Object.entries(PROGRAMS)) writeFileSync(at(`programs/${name}`), `#!/bin/bash\n${text}\n`, { mode: 0o755 })
  for (const name of ['monitor', 'replicator']) writeFileSync(at(`secrets/${name}`), 'x')
})

function start(script: string, name: string): { code: number | null; said: string } {
  const env = {
    PATH: `${directory}/programs:/usr/local/bin:/usr/bin:/bin`,
    TEST_DIR: directory,
    PGDATA: data,
    PRIMARY_HOST: 'primary',
    RELAIS_NAME: name,
    RELAIS_SECRETS_DIR: path.join(directory, 'secrets'),
    RELAIS_COPIES_DIR: copies,
  }
  const { status, stdout, stderr } = spawnSync('bash', [path.join(SCRIPTS, script)], { env, encoding: 'utf8', timeout: 10_000 })
  return { code: status, said: stdout + stderr }
}

/** A data directory that a server could start from, with a mark to know it by. */
function putData({ isComplete = true, isStandby = true, hasControlFile = true } = {}): void {
  mkdirSync(path.join(data, 'global'), { recursive: true })
  for (const name of ['PG_VERSION', 'postgresql.auto.conf', 'mark']) writeFileSync(path.join(data, name), '')
  if (hasControlFile) writeFileSync(path.join(data, 'global/pg_control'), '')
  if (isStandby) writeFileSync(path.join(data, 'standby.signal'), '')
  if (isComplete) writeFileSync(path.join(volume, 'complete'), '')
}

/** Where the data with the mark is now. */
function whereIsTheOld(): 'in place' | 'kept' | 'gone' {
  if (existsSync(path.join(data, 'mark'))) return 'in place'
  return kept().some((name) => existsSync(path.join(volume, name, 'mark'))) ? 'kept' : 'gone'
}

const kept = (): string[] => readdirSync(volume).filter((name) => name.startsWith('data.before-'))

const SAYS = { system: '4711', timeline: '00000001', lsn: '0/3000000', slot: 'reserved' }
const HAS = { system: '4711', timeline: '1', checkpoint: '0/2000000', replayed: '0/2FFFFFF' }

function primarySays(change: Partial<typeof SAYS> = {}): void {
  writeFileSync(path.join(directory, 'primary'), `${Object.values({ ...SAYS, ...change }).join('|')}\n`)
}

function controlFileHas(change: Partial<typeof HAS> = {}): void {
  const { system, timeline, checkpoint, replayed } = { ...HAS, ...change }
  const lines = [
    `Database system identifier:           ${system}`,
    `Latest checkpoint location:           ${checkpoint}`,
    `Latest checkpoint's TimeLineID:       ${timeline}`,
    `Minimum recovery ending location:     ${replayed}`,
  ]
  writeFileSync(path.join(directory, 'control'), `${lines.join('\n')}\n`)
}

// It edits a file in place as GNU sed does; in its container that is there.
describe.runIf(process.platform === 'linux')('start-standby.sh', () => {
  const run = (): ReturnType<typeof start> => start('start-standby.sh', 'db2')

  test('goes on with a standby that can follow, and notes that there is a copy', () => {
    putData()
    primarySays()
    controlFileHas()
    expect(run()).toEqual({ code: 0, said: 'postgres serves\n' })
    expect(whereIsTheOld()).toBe('in place')
    expect(readdirSync(copies)).toEqual(['db2'])
  })

  test('goes on with what is there when the primary cannot be asked', () => {
    putData()
    controlFileHas()
    expect(run()).toEqual({ code: 0, said: 'postgres serves\n' })
    expect(whereIsTheOld()).toBe('in place')
  })

  /** What the primary says from the second look on; `sleeps` is how many waits there are before nothing is tried any more, `first` what comes before the last of them. */
  function primaryAnswersAfter(sleeps: number, first = ':'): void {
    primarySays()
    renameSync(path.join(directory, 'primary'), path.join(directory, 'later'))
    const sleep = `echo >>"$TEST_DIR/sleeps"; count=$(wc -l <"$TEST_DIR/sleeps")
      if [ "$count" -eq ${sleeps} ]; then ${first}; cp "$TEST_DIR/later" "$TEST_DIR/primary"; else exit 1; fi`
    writeFileSync(path.join(directory, 'programs/sleep'), `#!/bin/bash\n${sleep}\n`)
  }

  test('asks a primary that is a moment from listening again, before it starts', () => {
    putData({ isStandby: false })
    controlFileHas()
    primaryAnswersAfter(1)
    expect(run().said).toContain('db2: rebuilding this standby, because it was promoted')
    expect(whereIsTheOld()).toBe('kept')
  })

  test('that started without its primary is ended once that one says it cannot follow, and what it had is kept', () => {
    putData()
    controlFileHas({ replayed: '0/3000001' })
    // Its watcher is there before the server itself can hear a signal.
    primaryAnswersAfter(2, 'for i in {1..500}; do [ -e "$TEST_DIR/serving" ] && break; /bin/sleep 0.02; done')
    const serves = 'trap "echo postgres ends; exit 0" INT; touch "$TEST_DIR/serving"; for i in {1..200}; do /bin/sleep 0.02; done'
    writeFileSync(path.join(directory, 'programs/postgres'), `#!/bin/bash\n${serves}\n`)
    expect(run().said).toBe('db2: it is ahead of the primary, which lost what it has; it is copied anew\npostgres ends\n')
    expect(whereIsTheOld()).toBe('in place')
    writeFileSync(path.join(directory, 'programs/postgres'), '#!/bin/bash\n')
    // The primary has moved on, as it does by being copied.
    primarySays({ lsn: '0/4000000' })
    expect(run().said).toContain('db2: rebuilding this standby, because it is ahead of the primary, which lost what it has')
    expect(whereIsTheOld()).toBe('kept')
    expect(run().said).toBe('')
  })

  test('copies the primary where there is nothing', () => {
    primarySays()
    const { code, said } = run()
    expect(code).toBe(0)
    expect(said).toMatch(
      /^db2: rebuilding this standby, because it was not made to its end\ndb2: copying the primary.*\npostgres serves\n$/,
    )
    expect(readdirSync(volume)).toEqual(expect.arrayContaining(['complete', 'pgdata']))
    expect(kept()).toEqual([])
    expect(readdirSync(copies)).toEqual(['db2'])
  })

  test.each<[string, Partial<typeof SAYS>, Partial<typeof HAS>, 'kept' | 'gone']>([
    ['its slot "db2" was lost', { slot: 'lost' }, {}, 'gone'],
    ['its slot "db2" is missing on the primary', { slot: 'missing' }, {}, 'kept'],
    ['it belongs to another cluster than the primary', { system: '815', slot: 'missing' }, {}, 'kept'],
    ['it is ahead of the primary, which lost what it has', {}, { replayed: '0/3000001' }, 'kept'],
    ['it is ahead of the primary, which lost what it has', { slot: 'lost' }, { checkpoint: '1/0' }, 'kept'],
    ['it is on timeline 2, the primary on 1', {}, { timeline: '2' }, 'kept'],
    ['its slot "db2" was lost', { slot: 'lost', timeline: '00000002' }, {}, 'kept'],
  ])('copies anew because %s (%j, %j): what it had is %s', (why, says, has, where) => {
    putData()
    primarySays(says)
    controlFileHas(has)
    const { code, said } = run()
    expect(code).toBe(0)
    expect(said).toContain(`db2: rebuilding this standby, because ${why}`)
    expect(whereIsTheOld()).toBe(where)
    const lines = kept().map((name) => `db2: what it had is kept in ${path.join(volume, name)}`)
    expect(said.split('\n').filter((line) => line.includes('kept'))).toEqual(lines)
    expect(existsSync(path.join(data, 'PG_VERSION'))).toBe(true)
  })

  test('keeps what was promoted, and of all that was kept the newest two', () => {
    for (const day of ['01', '02']) mkdirSync(path.join(volume, `data.before-2020-01-${day}T00-00-00Z`))
    putData({ isStandby: false })
    primarySays()
    controlFileHas()
    expect(run().said).toContain('because it was promoted and has a history of its own')
    expect(whereIsTheOld()).toBe('kept')
    expect(kept()).toHaveLength(2)
    expect(kept()).toContain('data.before-2020-01-02T00-00-00Z')
  })

  test.each([
    ['says nothing', ''],
    ['lacks a value', "Database system identifier: 4711\nLatest checkpoint's TimeLineID: 1\nLatest checkpoint location: 0/1\n"],
    ['cannot be read', undefined],
  ])('leaves everything as it is when the control file %s, with its note and without', (_, control) => {
    primarySays({ system: '815' })
    if (control !== undefined) writeFileSync(path.join(directory, 'control'), control)
    for (const isComplete of [true, false]) {
      putData()
      if (!isComplete) rmSync(path.join(volume, 'complete'))
      const { code, said } = run()
      expect(code).toBe(1)
      expect(said).toMatch(/Failed to start db2: found "" in the control file of .*Its data stays as it is\./)
      expect(whereIsTheOld()).toBe('in place')
    }
  })

  test('removes nothing of a copy without its note before the primary can be asked', () => {
    putData({ isComplete: false })
    controlFileHas()
    const failed = run()
    expect(failed.code).not.toBe(0)
    expect(failed.said).toContain('db2: the primary could not be copied; trying again')
    expect(whereIsTheOld()).toBe('in place')
    primarySays()
    expect(run().code).toBe(0)
    expect(whereIsTheOld()).toBe('gone')
  })

  test('removes a copy that was cut off', () => {
    putData({ isComplete: false, hasControlFile: false })
    primarySays()
    expect(run().code).toBe(0)
    expect(whereIsTheOld()).toBe('gone')
  })

  const program = (name: string, text: string): void =>
    writeFileSync(path.join(directory, 'programs', name), `#!/bin/bash\n${text}\n`, { mode: 0o755 })

  test('that was found ahead is so also when its primary goes away before the copy, and has moved on when it is back', () => {
    putData()
    primarySays()
    controlFileHas({ replayed: '0/3000001' })
    program('psql', `${PROGRAMS.psql}; rm -f "$TEST_DIR/primary"`)
    expect(run().said).toContain('db2: the primary could not be copied; trying again')
    expect(whereIsTheOld()).toBe('in place')
    program('psql', PROGRAMS.psql)
    primarySays({ lsn: '0/4000000' })
    expect(run().said).toContain('db2: rebuilding this standby, because it is ahead of the primary, which lost what it has')
    expect(whereIsTheOld()).toBe('kept')
    expect(readdirSync(volume)).not.toContain('rebuild')
  })

  test('keeps what it had also where a full disk left the note without its words', () => {
    putData()
    writeFileSync(path.join(volume, 'rebuild'), '')
    primarySays()
    controlFileHas()
    expect(run().said).toContain("db2: rebuilding this standby, because it was found to be no part of the primary's history")
    expect(whereIsTheOld()).toBe('kept')
  })

  test('does not take new copies that are cut off at their end for what it had, however often, and keeps that', () => {
    putData()
    writeFileSync(path.join(volume, 'rebuild'), 'it is ahead of the primary, which lost what it has\n')
    primarySays()
    controlFileHas()
    program('date', 'echo >>"$TEST_DIR/dates"; echo "2026-01-0$(($(wc -l <"$TEST_DIR/dates")))T00-00-00Z"')
    program('sh', `${PROGRAMS.sh}; kill -KILL $PPID`)
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(run().code).not.toBe(0)
      expect(existsSync(path.join(data, 'global/pg_control'))).toBe(true)
    }
    expect(whereIsTheOld()).toBe('kept')
    expect(kept()).toEqual(['data.before-2026-01-01T00-00-00Z'])
  })

  test.each([
    ['stays where what it had is kept', {}, ['db2']],
    ['goes with it where that is removed', { isComplete: false, hasControlFile: false }, []],
  ])('whose new copy fails, and fails again: the note that there is a copy %s', (_, options, notes) => {
    putData({ isStandby: false, ...options })
    writeFileSync(path.join(copies, 'db2'), '')
    primarySays()
    controlFileHas()
    program('sh', 'exit 1')
    for (let attempt = 0; attempt < 2; attempt++) expect(run().said).toContain('db2: the primary could not be copied')
    expect(readdirSync(copies)).toEqual(notes)
  })
})

describe('start-primary.sh', () => {
  const run = (): ReturnType<typeof start> => start('start-primary.sh', 'db1')

  test('goes on with what was made to its end, and with an empty volume', () => {
    expect(run()).toEqual({ code: 0, said: 'the entrypoint goes on\n' })
    putData()
    writeFileSync(path.join(copies, 'db2'), '')
    expect(run()).toEqual({ code: 0, said: 'the entrypoint goes on\n' })
    expect(whereIsTheOld()).toBe('in place')
  })

  test.each([
    ['no data', undefined],
    ['data that was not made to its end', { isComplete: false }],
  ])('refuses to begin anew over %s while standbys have copies', (found, options) => {
    if (options) putData(options)
    for (const name of ['db2', 'db3']) writeFileSync(path.join(copies, name), '')
    const { code, said } = run()
    expect(code).toBe(1)
    expect(said).toContain(
      `Failed to start db1: found ${found} in ${data}, expected the primary's, because there are copies of it: db2 db3.`,
    )
    expect(said).toContain('Put the volume back as it was')
    expect(whereIsTheOld()).toBe(options ? 'in place' : 'gone')
  })

  test('removes what it was making when it was cut off, however often, and pushes nothing out that is kept', () => {
    mkdirSync(path.join(volume, 'data.before-2020-01-01T00-00-00Z'))
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(run().code).toBe(0)
      putData({ isComplete: false })
    }
    expect(run().said).not.toContain('is kept in')
    expect(kept()).toEqual(['data.before-2020-01-01T00-00-00Z'])
  })

  test('makes again what has no note, and keeps what may be whole', () => {
    putData({ isComplete: false })
    expect(run().said).toMatch(/^db1: making the data directory again, .*\ndb1: what it had is kept in .*\nthe entrypoint goes on\n$/)
    expect(whereIsTheOld()).toBe('kept')
    putData({ isComplete: false, hasControlFile: false })
    expect(run().code).toBe(0)
    expect(existsSync(data)).toBe(false)
    expect(kept()).toHaveLength(1)
  })

  test('does not take a note for one of the data that is made next', () => {
    writeFileSync(path.join(volume, 'complete'), '')
    expect(run().code).toBe(0)
    expect(readdirSync(volume)).toEqual(['making'])
  })
})

test('the scripts and the native code give the same reasons', () => {
  const native = readFileSync(path.join(REPOSITORY, 'stage2-postgres/cluster/standby.ts'), 'utf8')
  const script = readFileSync(path.join(SCRIPTS, 'start-standby.sh'), 'utf8')
  for (const reason of [
    'it was not made to its end',
    'it belongs to another cluster than',
    'it was promoted and has a history of its own',
    'which lost what it has',
  ]) {
    expect([native.includes(reason), script.includes(reason)]).toEqual([true, true])
  }
})
