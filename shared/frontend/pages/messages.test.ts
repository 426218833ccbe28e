import { describe, expect, it } from 'vitest'
import { ERRORS } from '../../http/errors.ts'
import { MESSAGES } from './messages.ts'

/** Every text with its place in the table; functions are called with a sample. */
function textsOf(table: object, place = ''): Map<string, string> {
  const texts = new Map<string, string>()
  for (const [name, value] of Object.entries(table) as [string, unknown][]) {
    const here = `${place}${name}`
    if (typeof value === 'string') texts.set(here, value)
    else if (typeof value === 'function') texts.set(here, String(value('7')))
    else for (const entry of textsOf(value as object, `${here}.`)) texts.set(...entry)
  }
  return texts
}

describe('MESSAGES', () => {
  const english = textsOf(MESSAGES.en)
  const french = textsOf(MESSAGES.fr)

  it('have the same texts in both languages, none of them empty', () => {
    expect([...french.keys()]).toEqual([...english.keys()])
    for (const [place, text] of [...english, ...french]) expect(text.trim(), place).not.toBe('')
  })

  it('have no English sentence left in French', () => {
    const same = [...french].filter(([place, text]) => text === english.get(place)).map(([place]) => place)
    expect(same).toEqual(['messageLabel'])
  })

  it('have French for every row of the error table', () => {
    expect(Object.keys(MESSAGES.fr.problems).sort()).toEqual(Object.keys(ERRORS).sort())
  })

  it('set French punctuation with the spaces it has, and no straight apostrophe', () => {
    for (const [place, text] of french) {
      expect(text, place).not.toMatch(/[^\u202f][;:?!»]|«[^\u202f]|'/)
      expect(text, place).not.toMatch(/\d \d/)
    }
  })
})
