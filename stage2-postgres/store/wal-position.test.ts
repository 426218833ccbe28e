import { describe, expect, it } from 'vitest'
import { parseLsn, Timeline, walPosition } from './wal-position.ts'

describe('an LSN', () => {
  it('is read in bytes, as PostgreSQL prints it', () => {
    expect(parseLsn('0/3000148')).toBe(0x3000148)
    expect(walPosition(2, '1/A')).toEqual({ epoch: 2, lsn: 0x1_0000_000a })
  })

  it.each(['', 'null', '0/', '/0', 'x/0', '0/3000148 '])('is not %j, which does not pass for a position', (text) => {
    expect(() => parseLsn(text)).toThrow('Failed to read a WAL location')
  })
})

it('a server’s timeline never goes back, whichever look is answered last', () => {
  const timeline = new Timeline()
  expect(timeline.current).toBe(1)
  for (const seen of [3, 2]) timeline.see(seen)
  expect(timeline.current).toBe(3)
})
