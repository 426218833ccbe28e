/** The environment is the whole configuration: half a configuration does not start, and says which half is missing. */
import { execFile } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { DATABASE_SETTINGS, FRONTEND_SETTINGS, UPSTREAM_SETTINGS, instanceNumber, readSettings } from './settings.ts'

const SETTINGS_URL = new URL('settings.ts', import.meta.url).href
const GOOD = { RELAIS_STAGE: 'stage1', RELAIS_NAME: 'backend2', RELAIS_PORT: '18005', RELAIS_UPSTREAM: 'http://127.0.0.1:8084/' }
const DATABASE = { ...GOOD, RELAIS_NAME: 'db1', RELAIS_ROLE: 'primary', RELAIS_DATA_DIR: '/tmp/x' }

describe('settings', () => {
  it('are parsed, with defaults for what need not be said', () => {
    expect(readSettings(UPSTREAM_SETTINGS, GOOD)).toEqual({
      RELAIS_STAGE: 'stage1',
      RELAIS_NAME: 'backend2',
      RELAIS_HOST: '127.0.0.1',
      RELAIS_PORT: 18_005,
      RELAIS_LOG_LEVEL: 'info',
      RELAIS_IN_FLIGHT_MAX: 4_096,
      RELAIS_UPSTREAM: 'http://127.0.0.1:8084',
    })
    expect(readSettings(DATABASE_SETTINGS, DATABASE)).toMatchObject({ RELAIS_PRIMARY: 'db1', RELAIS_PEERS: [], RELAIS_DURABILITY: 'async' })
  })

  it.each([
    [undefined, false],
    ['false', false],
    ['true', true],
  ])('say of a frontend that there is one instance a tier with RELAIS_SINGLE %j: %s', (text, single) => {
    expect(readSettings(FRONTEND_SETTINGS, { ...GOOD, RELAIS_SINGLE: text }).RELAIS_SINGLE).toBe(single)
  })

  it('read peers as names and base URLs, in order', () => {
    const peers = (text: string): unknown => readSettings(DATABASE_SETTINGS, { ...DATABASE, RELAIS_PEERS: text }).RELAIS_PEERS
    expect(peers('db2=http://127.0.0.1:18008,db3=http://127.0.0.1:18009/')).toEqual([
      { name: 'db2', url: 'http://127.0.0.1:18008' },
      { name: 'db3', url: 'http://127.0.0.1:18009' },
    ])
    expect(peers('db2=http://127.0.0.1:18008,')).toHaveLength(1)
    expect(peers('')).toEqual([])
  })

  it('number an instance by the end of its name', () => {
    expect(['backend2', 'db10', 'db'].map(instanceNumber)).toEqual([2, 10, 0])
  })

  it.each([
    ['a port that is no number', 'RELAIS_PORT', 'http', /^Failed to read the settings: RELAIS_PORT is "http": .+\n$/],
    ['a port out of range', 'RELAIS_PORT', '70000', /^Failed to read the settings: RELAIS_PORT is "70000": .*65535.*\n$/],
    ['a missing port', 'RELAIS_PORT', undefined, /^Failed to read the settings: RELAIS_PORT is not set: .+\n$/],
    [
      'a name without a number',
      'RELAIS_NAME',
      'backend',
      /^Failed to read the settings: RELAIS_NAME is "backend": expected a tier and a number, like "backend2"\n$/,
    ],
    ['an unknown stage', 'RELAIS_STAGE', 'stage9', /^Failed to read the settings: RELAIS_STAGE is "stage9": .*"stage1".*"stage2".*\n$/],
    ['an upstream that is no URL', 'RELAIS_UPSTREAM', 'db-lb', /^Failed to read the settings: RELAIS_UPSTREAM is "db-lb": .+\n$/],
    [
      'an upstream over HTTPS',
      'RELAIS_UPSTREAM',
      'https://db-lb',
      /^Failed to read the settings: RELAIS_UPSTREAM is "https:\/\/db-lb": .+\n$/,
    ],
  ])('with %s end the process with exit code 2 and one line', async (_, name, value, line) => {
    const { code, stderr, stdout } = await read('UPSTREAM_SETTINGS', { ...GOOD, [name]: value })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(line)
  })

  it('with several faults name each of them at once', async () => {
    const { code, stderr } = await read('UPSTREAM_SETTINGS', { ...GOOD, RELAIS_PORT: '0', RELAIS_NAME: undefined })
    expect(code).toBe(2)
    expect(
      stderr
        .trimEnd()
        .split('\n')
        .map((line) => /RELAIS_\w+/.exec(line)?.[0]),
    ).toEqual(['RELAIS_NAME', 'RELAIS_PORT'])
  })

  it.each([
    'db2',
    'db2=',
    '=http://127.0.0.1:1',
    'db2=not a url',
    'db2=ftp://127.0.0.1:1',
    'db2=http://127.0.0.1:1,db2=http://127.0.0.1:2',
  ])('refuse the peers %j', async (peers) => {
    const { code, stderr } = await read('DATABASE_SETTINGS', { ...DATABASE, RELAIS_PEERS: peers })
    expect(code).toBe(2)
    expect(stderr).toMatch(/^Failed to read the settings: RELAIS_PEERS is ".*": expected .+\n$/)
  })
})

interface Ended {
  readonly code: number | string | null | undefined
  readonly stdout: string
  readonly stderr: string
}

/** Reads the settings in a process of its own, under plain `node`. */
function read(shape: 'UPSTREAM_SETTINGS' | 'DATABASE_SETTINGS', env: Record<string, string | undefined>): Promise<Ended> {
  const script = `import { readSettings, ${shape} } from ${JSON.stringify(SETTINGS_URL)}; readSettings(${shape})`
  const defined = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined))
  return new Promise((resolve) => {
    execFile(process.execPath, ['--input-type=module', '--eval', script], { env: defined, timeout: 20_000 }, (error, stdout, stderr) => {
      resolve({ code: error ? error.code : 0, stdout, stderr })
    })
  })
}
