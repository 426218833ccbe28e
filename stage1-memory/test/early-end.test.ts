/** A primary that still waits for its replicas is a process without a port: it ends as well as one that serves. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import getPort from 'get-port'
import { afterAll, beforeAll, expect, it } from 'vitest'

const ENTRY = fileURLToPath(import.meta.resolve('../main.ts'))

let dir: string

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'relais-early-end-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

it.each(['SIGTERM', 'SIGINT'] as const)('ends with 0 on %s, and its last log lines are there', async (signal) => {
  writeFileSync(join(dir, 'secret'), '5e'.repeat(32))
  const [port, nobody] = [await getPort(), await getPort()]
  const env = {
    RELAIS_STAGE: 'stage1',
    RELAIS_NAME: 'db1',
    RELAIS_PORT: String(port),
    RELAIS_ROLE: 'primary',
    RELAIS_PEERS: `db2=http://127.0.0.1:${nobody}`,
    RELAIS_DURABILITY: 'quorum',
    RELAIS_SECRET_FILE: join(dir, 'secret'),
    RELAIS_DATA_DIR: dir,
  }
  const primary = spawn(process.execPath, [ENTRY], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(primary, 'close')
  try {
    let lines = ''
    primary.stdout.setEncoding('utf8').on('data', (chunk: string) => (lines += chunk))
    await expect.poll(() => lines, { timeout: 15_000 }).toContain('an empty primary waits to hear what db2 holds')
    primary.kill(signal)
    expect(await ended).toEqual([0, null])
    expect(lines).toContain('"msg":"stopped"')
    expect(lines).not.toContain('"msg":"listening"')
  } finally {
    primary.kill('SIGKILL')
  }
})
