import { describe, expect, it } from 'vitest'
import { chooseLanguage, pageLink } from './language.ts'

describe('chooseLanguage', () => {
  it.each([
    [undefined, 'en'],
    ['', 'en'],
    ['fr', 'fr'],
    ['FR-ca', 'fr'],
    ['fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5', 'fr'],
    ['en-GB,en;q=0.9,fr;q=0.8', 'en'],
    ['de, fr;q=0.9, en;q=0.2', 'fr'],
    ['en;q=0.2, fr;q=0.9', 'fr'],
    ['fr, en', 'fr'],
    ['en, fr', 'en'],
    ['*', 'en'],
    ['en;q=0, *', 'fr'],
    ['fr;q=0', 'en'],
    ['fr;q=0, en;q=0', 'en'],
    ['fr;q=0.001, en;q=0', 'fr'],
    ['de, es;q=0.9', 'en'],
    ['*;q=0.9, fr;q=0.1', 'en'],
    ['fr ; q=1.000', 'fr'],
    ['fr;q=2', 'en'],
    ['fr;q=banana', 'en'],
    ['french', 'en'],
    [',,;q=1,fr', 'fr'],
    [`${'x-'.repeat(4000)},fr`, 'fr'],
  ])('takes %j for a wish for %s', (header, language) => {
    expect(chooseLanguage(header)).toEqual({ language, explicit: false })
  })

  it('lets ?lang= win over the header', () => {
    expect(chooseLanguage('en', 'fr')).toEqual({ language: 'fr', explicit: true })
  })

  it.each(['de', '', 'FR', 'fr"><script>', '__proto__'])('ignores ?lang=%j', (parameter) => {
    expect(chooseLanguage('fr', parameter)).toEqual({ language: 'fr', explicit: false })
  })
})

describe('pageLink', () => {
  it('repeats a language that was chosen by hand, and no other', () => {
    expect(pageLink('/records', { before: 7 }, { language: 'fr', explicit: true })).toBe('/records?before=7&lang=fr')
    expect(pageLink('/records', { before: 7 }, { language: 'fr', explicit: false })).toBe('/records?before=7')
    expect(pageLink('/', {}, { language: 'en', explicit: false })).toBe('/')
  })
})
