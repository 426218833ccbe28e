import { describe, expect, it } from 'vitest'
import { arrayLiteral } from './statements.ts'

describe('an array literal', () => {
  it.each([
    [['a', 'b'], '{"a","b"}'],
    [['quote " and \\ backslash'], '{"quote \\" and \\\\ backslash"}'],
    [[null, 'NULL', ''], '{NULL,"NULL",""}'],
    [['{braces}, commas'], '{"{braces}, commas"}'],
  ])('of %j is %s', (values, literal) => {
    expect(arrayLiteral(values)).toBe(literal)
  })
})
