import { describe, expect, it } from 'vitest'
import { messageFromForm, submitForm } from './submit-form.ts'

const ENGLISH = { language: 'en', explicit: false } as const

describe('submitForm', () => {
  it('keeps a first line break, which HTML would drop from a textarea', () => {
    const form = String(submitForm({ message: '\nsecond line', idempotencyKey: 'k' }, ENGLISH))
    expect(form).toContain('>\n\nsecond line</textarea>')
  })

  it('cannot be left by what was typed', () => {
    const form = String(submitForm({ message: '</textarea><script>alert(1)</script>', idempotencyKey: '"><b>' }, ENGLISH))
    expect(form).toContain('&lt;/textarea&gt;&lt;script&gt;')
    expect(form).toContain('value="&quot;&gt;&lt;b&gt;"')
    expect(form.match(/<\/textarea>/g)).toHaveLength(1)
  })

  it('names the notice that says what is wrong with the message', () => {
    expect(String(submitForm({ message: '', idempotencyKey: 'k' }, ENGLISH))).not.toContain('aria-invalid')
    const form = String(submitForm({ message: '', idempotencyKey: 'k' }, ENGLISH, 'problem'))
    expect(form).toMatch(/aria-describedby="message-hint problem"\s+aria-invalid="true"/)
  })

  it('posts to the language that was chosen by hand', () => {
    const form = String(submitForm({ message: '', idempotencyKey: 'k' }, { language: 'fr', explicit: true }))
    expect(form).toContain('method="post" action="/submit?lang=fr"')
  })
})

describe('messageFromForm', () => {
  it('turns the line breaks of a form into those that were typed', () => {
    expect(messageFromForm('a\r\nb\rc\nd\r\n\r\n')).toBe('a\nb\nc\nd\n\n')
  })
})
