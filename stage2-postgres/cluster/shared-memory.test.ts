import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseKey, removeForsaken, segmentsIn } from './shared-memory.ts'

const LINUX = `       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap
  13107266         5   600                    56  4711  4811      6   999   999   999   999 1764100000 1764100010 1764100000                  4096                     0
-559038737     32771   600                    56  4712  4712      0   999   999   999   999 1764100000 1764100010 1764100000                  4096                     0
         0         7  1600               4194304   812   812      2  1000  1000  1000  1000 1764100000 1764100010 1764100000               4194304                     0
`
const MACOS = `IPC status from <running system> as of Thu Nov 26 05:50:00 UTC 2026
T     ID     KEY        MODE       OWNER    GROUP NATTCH
Shared Memory:
m  65536 0x00c80042 --rw-------       me    staff      6
m 131073 0xdeadbeef --rw-------       me    staff      0

`

describe('the table of segments', () => {
  it.each([
    ['Linux', LINUX, 5, 32771],
    ['macOS', MACOS, 65536, 131073],
  ])('of %s is read: key, id, and how many have it', (_, table, used, forsaken) => {
    expect(segmentsIn(table).slice(0, 2)).toEqual([
      { key: 13107266, id: used, attached: 6 },
      { key: -559038737, id: forsaken, attached: 0 },
    ])
  })

  it.each(['', 'ipcs: not permitted\n', 'key shmid cpid nattch\n1 2 3\nx 3 0 0\n'])('of another form has none: %j', (table) => {
    expect(segmentsIn(table)).toEqual([])
  })

  it('has the key that a pid file notes without its sign', () => {
    expect(parseKey('18446744073150512879')).toBe(-559038737)
  })
})

describe.runIf(process.platform === 'linux')('a forsaken segment', () => {
  it('is removed, but not when its id has another key', async () => {
    const id = Number(/\d+/.exec(execFileSync('ipcmk', ['-M', '4096'], { encoding: 'utf8' }))?.[0])
    const find = (): { key: number } | undefined =>
      segmentsIn(readFileSync('/proc/sysvipc/shm', 'utf8')).find((segment) => segment.id === id)
    onTestFinished(() => {
      if (find()) execFileSync('ipcrm', ['-m', String(id)])
    })
    const { key } = find()!
    await removeForsaken({ key: key ^ 1, id })
    expect(find()).toBeDefined()
    await removeForsaken({ key, id })
    expect(find()).toBeUndefined()
  })
})
