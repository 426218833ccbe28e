import { expect, it } from 'vitest'
import { formatWalPosition } from '@relais/shared/store/position.ts'
import { insertPosition } from './insert-position.ts'

it.each([
  ['0/5000028', '1:0/5000000'],
  ['3/FF000028', '1:3/FF000000'],
  ['0/5000000', '1:0/5000000'],
  ['0/5000030', '1:0/5000030'],
  // A later page: its header is shorter.
  ['0/5002018', '1:0/5002000'],
  ['3/FFFFE018', '1:3/FFFFE000'],
  ['0/5002000', '1:0/5002000'],
  ['0/5002020', '1:0/5002020'],
  // The end of a record, 40 bytes into its page or not.
  ['0/5002028', '1:0/5002028'],
  ['0/5001018', '1:0/5001018'],
])('with the next record at %s all that is visible ends at %s', (lsn, position) => {
  expect(formatWalPosition(insertPosition(1, lsn))).toBe(position)
})
