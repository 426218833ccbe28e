/** Bytes in memory that is used again: always those of the last message, and no new memory while they fit. */
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { ReusedBytes } from './reused-bytes.ts'

const text = fc.array(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constant('\uD800 alone')))

it('writes what the parts are together, whatever was written before', () => {
  fc.assert(
    fc.property(fc.array(text, { minLength: 1 }), (messages) => {
      const bytes = new ReusedBytes()
      for (const parts of messages)
        expect(Buffer.from(bytes.of(parts)).toString()).toBe(Buffer.concat(parts.map((part) => Buffer.from(part))).toString())
    }),
  )
})

it('takes new memory only for what does not fit', () => {
  const bytes = new ReusedBytes()
  const { buffer } = bytes.of(['x'.repeat(100)])
  expect(bytes.of(['short']).buffer).toBe(buffer)
  expect(bytes.of(['y'.repeat(150), 'é'.repeat(25)]).buffer).toBe(buffer)
  const larger = bytes.of(['y'.repeat(150), 'é'.repeat(26)])
  expect(larger.buffer).not.toBe(buffer)
  expect(larger).toHaveLength(202)
})
