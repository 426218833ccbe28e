import { describe, expect, it } from 'vitest'
import { recordList, type RecordView } from './record-list.ts'

const WRITTEN = '2025-03-09T14:03:22.120Z'

function listOf(message: string, more: Partial<RecordView> = {}, language: 'en' | 'fr' = 'en'): string {
  return String(recordList([{ id: 42, message, origin: 'DB1', createdAt: WRITTEN, updatedAt: WRITTEN, ...more }], language, 42))
}

describe('recordList', () => {
  it('shows markup as the text that it is', () => {
    expect(listOf(`<script>alert("x")</script> & 'y'`)).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;y&#39;')
  })

  it('gives each message a direction of its own, whatever marks it leaves open', () => {
    expect(listOf('\u202eshalom \u2067')).toContain('<p class="message" dir="auto">\u202eshalom \u2067</p>')
  })

  it('keeps line breaks and spaces untouched', () => {
    expect(listOf('a\n  b\n\nc')).toContain('>a\n  b\n\nc</p>')
  })

  it('says the time in UTC, in the form of the language', () => {
    expect(listOf('x')).toContain(`<time datetime="${WRITTEN}">9 Mar 2025, 14:03:22 UTC</time>`)
    expect(listOf('x', {}, 'fr')).toMatch(/<time datetime="[^"]+">9 mars 2025[^<]+14:03:22 UTC<\/time>/)
    expect(listOf('x', { createdAt: 'yesterday"' })).toContain('<span>yesterday&quot;</span>')
  })

  it('says when a record was changed, only if it was', () => {
    expect(listOf('x')).not.toContain('changed')
    expect(listOf('x', { updatedAt: '2025-03-09T15:00:00.000Z' })).toContain('changed <time datetime="2025-03-09T15:00:00.000Z">')
  })

  it('marks the record that was just saved', () => {
    expect(listOf('x')).toContain('<li id="record-42" class="record is-new">')
    expect(listOf('x', { id: 41 })).toContain('<li id="record-41" class="record">')
  })

  it('folds a message of 10 000 characters and loses none of it', () => {
    const message = 'é'.repeat(10_000)
    const list = listOf(message)
    expect(list).toContain('<summary>Show all 10,000 characters</summary>')
    expect(list).toContain(`dir="auto">${message}</p>`)
    expect(list).toContain(`dir="auto">${'é'.repeat(480)}…</p>`)
  })

  it('folds a message of many lines', () => {
    expect(listOf('line\n'.repeat(100))).toContain(`${'line\n'.repeat(9)}line…</p>`)
  })

  it('never cuts through a character that a person sees as one', () => {
    const family = '👩‍👩‍👧‍👦'
    const excerpt = /class="message excerpt" dir="auto">(.*?)…</su.exec(listOf(family.repeat(200)))?.[1] ?? ''
    expect(excerpt.length).toBeGreaterThan(400)
    expect(excerpt.replaceAll(family, '')).toBe('')
  })

  it('cuts a character that never ends', () => {
    expect(listOf(`e${'\u0301'.repeat(9_999)}`)).toContain(`e${'\u0301'.repeat(479)}…</p>`)
  })
})
