/**
 * One lesson with a reader: text, a guess, the command when they say so, its output, what it means.
 *
 *   section ─▶ text ─▶ [Enter] ─▶ next        a step ─▶ command ─▶ [Enter] ─▶ output ─▶ "You should see", with ticks
 *
 * Who leaves in between comes back to the section where they were: the steps before it are run again without being shown, because later ones use
 * their variables and the records that they made.
 */
import path from 'node:path'
import { paint } from '../command-line/paint.ts'
import type { Kept } from './claim.ts'
import { stepsOf, type Lesson, type Option, type Part, type Section, type Step } from './lesson.ts'
import type { Shell } from './lesson-shell.ts'
import { runStep } from './run-step.ts'
import { terminalText } from './terminal-text.ts'
import { WORDS, type Words } from './words.ts'

/** Asks and waits for Enter; resolves to what was typed, or `null` when the reader leaves. */
export type Ask = (question: string) => Promise<string | null>

export interface Reading {
  readonly shell: Shell
  /** `null`: nobody is asked (`--all`). */
  readonly ask: Ask | null
  readonly print: (line?: string) => void
  /** Called before each section is shown. */
  readonly reached: (section: number) => void
  readonly signal: AbortSignal
}

/** 'left' when the reader stopped before the end. Claims that do not hold are counted and shown, and the lesson goes on. */
export async function readAloud(lesson: Lesson, from: number, reading: Reading): Promise<{ end: 'finished' | 'left'; broken: number }> {
  const reader = new Reader(lesson, reading)
  await reader.catchUp(from)
  for (const [index, section] of lesson.sections.entries()) {
    if (index < from) continue
    reading.reached(index)
    if (!(await reader.section(section))) return { end: 'left', broken: reader.broken }
  }
  return { end: 'finished', broken: reader.broken }
}

class Reader {
  readonly #lesson: Lesson
  readonly #reading: Reading
  readonly #words: Words
  readonly #kept: Kept = new Map()
  broken = 0
  #guess: { readonly mine: string | null; readonly answer: string } | undefined

  constructor(lesson: Lesson, reading: Reading) {
    this.#lesson = lesson
    this.#reading = reading
    this.#words = WORDS[lesson.language]
  }

  async catchUp(from: number): Promise<void> {
    const before = stepsOf({ ...this.#lesson, sections: this.#lesson.sections.slice(0, from) })
    if (before.length === 0) return
    this.#reading.print(paint.faint(this.#words.again(before.length)))
    for (const step of before) await runStep(step, this.#reading.shell, this.#kept, this.#reading.signal)
  }

  #text(markdown: string): string {
    return terminalText(markdown, path.posix.dirname(this.#lesson.file))
  }

  /** `false` when the reader leaves. */
  async section(section: Section): Promise<boolean> {
    this.#reading.print(`\n${paint.strong(`── ${section.heading} ──`)}\n`)
    if (section.kind === 'reading') this.#tellGuess()
    for (const part of section.parts) if (!(await this.#part(part, section))) return false
    const isAnswered = section.kind === 'prediction' || section.kind === 'questions'
    return isAnswered || (await this.#next())
  }

  async #part(part: Part, { kind }: Section): Promise<boolean> {
    if (this.#reading.signal.aborted) return false
    if (part.kind === 'step') return this.#step(part.step)
    if (part.kind === 'options') return this.#predict(part.options, part.answer)
    if (part.kind === 'folded') return this.#question(part.question, part.answer)
    if (part.kind === 'text') this.#say(this.#text(part.markdown))
    else this.#say(indented(part.text))
    if (part.kind === 'code' && (kind === 'set-up' || kind === 'clean-up')) this.#say(paint.faint(this.#words.byItself))
    return true
  }

  async #step(step: Step): Promise<boolean> {
    const { print, ask, shell, signal } = this.#reading
    this.#say(paint.link(indented(step.command, '$ ')))
    if (ask && (await ask(this.#words.run)) === null) return false
    const { outcome, broken } = await runStep(step, shell, this.#kept, signal)
    if (signal.aborted) return false
    this.#say(indented(outcome.output))
    if (step.lead !== '') print(this.#text(step.lead))
    for (const { text, rules } of step.expectations) {
      const wrong = broken.filter(({ claim }) => rules.some(({ kind, source }) => claim === (kind === 'keep' ? `keep ${source}` : source)))
      print(`  ${wrong.length === 0 ? paint.good('✓') : paint.bad('✗')} ${this.#text(text).replaceAll('\n', '\n    ')}`)
    }
    for (const { claim, found } of broken) print(paint.warn(`  ${this.#words.differs} ${claim}: ${found}`))
    print()
    this.broken += broken.length
    return true
  }

  async #predict(options: readonly Option[], answer: string): Promise<boolean> {
    for (const { letter, text } of options) this.#reading.print(this.#text(`- **${letter}.** ${text}`))
    this.#reading.print()
    const { ask } = this.#reading
    if (!ask) return true
    const typed = await ask(this.#words.guess(options.map(({ letter }) => letter).join('/')))
    if (typed === null) return false
    const mine = options.find(({ letter }) => letter === typed.trim().toUpperCase())?.letter ?? null
    this.#guess = { mine, answer }
    return true
  }

  #tellGuess(): void {
    if (!this.#guess) return
    const { mine, answer } = this.#guess
    this.#guess = undefined
    this.#say(mine === answer ? paint.good(this.#words.right(answer)) : paint.warn(this.#words.wrong(mine, answer)))
  }

  async #question(question: string, answer: string): Promise<boolean> {
    this.#say(paint.strong(this.#text(question)))
    const { ask } = this.#reading
    if (ask && (await ask(this.#words.reveal)) === null) return false
    this.#say(this.#text(answer))
    return true
  }

  async #next(): Promise<boolean> {
    const { ask, signal } = this.#reading
    if (signal.aborted) return false
    return ask === null || (await ask(this.#words.next)) !== null
  }

  #say(text: string): void {
    this.#reading.print(`${text}\n`)
  }
}

function indented(text: string, first = ''): string {
  return text
    .split('\n')
    .map((line, index) => `    ${index === 0 ? first : ' '.repeat(first.length)}${line}`)
    .join('\n')
}
