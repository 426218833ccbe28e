/**
 * The System V segment that a killed postmaster leaves; its pid file notes it by key and id.
 *
 * (!) The id alone proves nothing: after the machine was started again it may be another program's. And the kernel does not
 * refuse: a segment that is in use is marked, nobody can attach to it any more, and it goes with its last user. So a segment is removed only when
 * the system's own table has this id with this key, and nobody attached.
 */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

export interface Segment {
  /** 32 bits with a sign, as the kernel has it. */
  readonly key: number
  readonly id: number
}

interface ListedSegment extends Segment {
  /** How many processes have it. */
  readonly attached: number
}

const execute = promisify(execFile)

/** Removes the segment when it is still what was noted, and forsaken; otherwise leaves it. */
export async function removeForsaken(noted: Segment): Promise<void> {
  const listed = segmentsIn(await readTable().catch(() => ''))
  if (!listed.some(({ key, id, attached }) => key === noted.key && id === noted.id && attached === 0)) return
  // One that is gone in the meantime is what we want.
  await execute('ipcrm', ['-m', String(noted.id)]).catch(() => {})
}

/** The table of /proc/sysvipc/shm (Linux), or of `ipcs -m -o` (macOS). */
export function segmentsIn(table: string): ListedSegment[] {
  const rows = table.split('\n').map((line) => line.trim().split(/\s+/))
  const header = rows.map((row) => row.map((column) => column.toLowerCase())).find((row) => row.includes('key') && row.includes('nattch'))
  if (!header) return []
  const column = (row: readonly string[], ...names: string[]): string => row[header.findIndex((name) => names.includes(name))] || 'none'
  return rows.flatMap((row) => {
    const key = parseKey(column(row, 'key'))
    const [id, attached] = [Number(column(row, 'shmid', 'id')), Number(column(row, 'nattch'))]
    return key !== undefined && Number.isSafeInteger(id) && Number.isSafeInteger(attached) ? [{ key, id, attached }] : []
  })
}

/** Signed in /proc, hexadecimal of `ipcs`, and in a pid file a `long` without a sign. */
export function parseKey(text: string): number | undefined {
  return /^(-?\d+|0x[0-9a-f]+)$/i.test(text) ? Number(BigInt.asIntN(32, BigInt(text))) : undefined
}

async function readTable(): Promise<string> {
  if (process.platform === 'linux') return readFile('/proc/sysvipc/shm', 'utf8')
  return (await execute('ipcs', ['-m', '-o'])).stdout
}
