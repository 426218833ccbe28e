import { describe, expect, it } from 'vitest'
import { parseSaved, savedLocation, type Saved } from './saved.ts'
import { parseWay, UNKNOWN_WAY } from './way.ts'

const FRENCH_BY_HAND = { language: 'fr', explicit: true } as const
const SAVED: Saved = { id: 42, origin: 'DB1', way: parseWay('frontend1, backend3, db1'), sessionToken: '1:42' }

function queryOf(location: string): URLSearchParams {
  return new URL(location, 'http://relais.test').searchParams
}

describe('savedLocation', () => {
  it('leads to the home page, in the language that was chosen by hand', () => {
    expect(savedLocation(SAVED, FRENCH_BY_HAND)).toBe('/?saved=42&by=DB1&via=frontend1+backend3+db1&at=1%3A42&lang=fr')
  })

  it.each([SAVED, { ...SAVED, sessionToken: '3:0/3000148' }, { id: 7, origin: undefined, way: UNKNOWN_WAY, sessionToken: undefined }])(
    'is read back as it was written: %j',
    (saved) => {
      expect(parseSaved(queryOf(savedLocation(saved, FRENCH_BY_HAND)))).toEqual(saved)
    },
  )
})

describe('parseSaved', () => {
  it.each(['', 'saved=', 'saved=0', 'saved=-1', 'saved=1.5', 'saved=1e3', 'saved=9999999999999999', 'saved=42x'])(
    'sees no record in %j',
    (query) => {
      expect(parseSaved(new URLSearchParams(query))).toBeUndefined()
    },
  )

  it('drops what is not a node, a way or a token', () => {
    const query = new URLSearchParams({ saved: '42', by: 'your bank', via: '<script>', at: 'x' })
    expect(parseSaved(query)).toEqual({ id: 42, origin: undefined, way: UNKNOWN_WAY, sessionToken: undefined })
  })
})
