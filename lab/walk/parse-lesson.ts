/**
 * From the blocks of a page to a lesson: sections in their order, steps with what has to be seen, claims parsed.
 *
 * Strict on purpose. A comment that nobody reads is a claim that nobody checks, so each comment has to stand where it means something, and everything else
 * is a mistake with its line.
 */
import { parseClaim, parseKeep, type Claim, type Keep } from './claim.ts'
import { parseFrontMatter, setUpCommandOf, type FrontMatter } from './front-matter.ts'
import type { Expectation, Language, Lesson, Part, Section, Step } from './lesson.ts'
import { PageError, readBlocks, type Block, type Item } from './read-blocks.ts'
import { isInOrder, kindOfHeading, SECTION_NAMES } from './section-names.ts'

const TAKE_DOWN = 'npm run lab -- down'
const DEADLINE_MS = 60_000
const DURATION = /^(?:repeat for (\d+) s)?(?:, )?(?:deadline (\d+) s)?$/

/** `file` ends in NN-name.md. Throws an error that begins with the file and names the line. */
export function parseLesson(page: string, file: string, language: Language): Lesson {
  try {
    return parse(page, file, language)
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`, { cause: error })
  }
}

function parse(page: string, file: string, language: Language): Lesson {
  const number = Number(/(\d\d)-[a-z0-9-]+\.md$/.exec(file)?.[1] ?? Number.NaN)
  if (Number.isNaN(number)) throw new Error('expected a name of the form NN-name.md')
  const { frontMatter, blocks } = readBlocks(page)
  const about = parseFrontMatter(frontMatter)
  const [title, ...rest] = blocks
  if (title?.kind !== 'heading' || title.level !== 1 || title.text !== `${number}. ${about.title}`)
    throw new PageError(title?.line ?? 1, `expected the heading "# ${number}. ${about.title}"`)
  const sections = new SectionReader(language).read(rest)
  return {
    number,
    file,
    language,
    about,
    sections,
    setUp: checkedSetUp(sections, about),
    cleanUp: checkedCleanUp(sections, about),
    comments: [...page.matchAll(/<!--(.*?)-->/gs)].map(([, text]) => text!.trim()),
  }
}

/** Walks over the blocks once; what a step needs comes behind it. */
class SectionReader {
  readonly #language: Language
  #steps = 0

  constructor(language: Language) {
    this.#language = language
  }

  read(blocks: readonly Block[]): Section[] {
    const starts = blocks.flatMap((block, index) => (block.kind === 'heading' && block.level === 2 ? [index] : []))
    if (starts[0] !== 0)
      throw new PageError(blocks[0]?.line ?? 1, `expected "## ${SECTION_NAMES[this.#language].question}" behind the title`)
    const sections = starts.map((start, index) => this.#section(blocks.slice(start, starts[index + 1] ?? blocks.length)))
    const kinds = sections.map(({ kind }) => kind)
    if (isInOrder(kinds)) return sections
    throw new Error(`found the sections ${kinds.join(', ')}; FORMAT.md has their order`)
  }

  #section([head, ...blocks]: readonly Block[]): Section {
    if (head?.kind !== 'heading') throw new Error('a section begins with a heading')
    const kind = kindOfHeading(head.text, this.#language)
    if (!kind) {
      const names = Object.values(SECTION_NAMES[this.#language]).join(', ')
      throw new PageError(head.line, `found the section "${head.text}", expected one of ${names}`)
    }
    const section = { kind, heading: head.text, line: head.line }
    if (kind === 'run') return { ...section, parts: this.#runParts(blocks, head.line) }
    if (kind === 'prediction') return { ...section, parts: predictionParts(blocks, head.line) }
    return { ...section, parts: blocks.map(plainPart) }
  }

  #runParts(blocks: readonly Block[], line: number): Part[] {
    const starts = blocks.flatMap((block, index) => (block.kind === 'code' && block.language === 'sh' ? [index] : []))
    if (starts.length === 0) throw new PageError(line, 'found no command, expected a block of sh')
    const bounds = starts.map((start) => (directiveOf(blocks[start - 1]) === undefined ? start : start - 1))
    const before = blocks.slice(0, bounds[0]).map(plainPart)
    return [...before, ...starts.flatMap((start, index) => this.#stepParts(blocks, bounds[index]!, start, bounds[index + 1]))]
  }

  /** The command, its example, its expectations; other prose stays where it is. */
  #stepParts(blocks: readonly Block[], from: number, start: number, end = blocks.length): Part[] {
    const command = blocks[start] as Extract<Block, { kind: 'code' }>
    const [example, ...rest] = blocks.slice(start + 1, end)
    if (example?.kind !== 'code' || example.language !== 'text')
      throw new PageError(command.line, 'found a command without its output, expected a block of text behind it')
    const items = rest.flatMap((block) => (block.kind === 'list' ? block.items : []))
    const shared = rest.flatMap((block) => (block.kind === 'comment' ? [withoutOf(block)] : []))
    if (shared.length > 1) throw new PageError(command.line, 'found two `without` for all claims of one step')
    const expectations = items.map((item) => readExpectation(item, shared[0] ?? null))
    if (!expectations.some(({ rules }) => rules.some(({ kind }) => kind !== 'keep')))
      throw new PageError(command.line, 'found a step that claims nothing, expected a list with a `check`')
    const durations = from === start ? {} : readDurations(blocks[from]!)
    const lead = rest[0]?.kind === 'prose' && rest[1]?.kind === 'list' ? rest[0] : undefined
    const step: Step = {
      number: ++this.#steps,
      line: command.line,
      command: command.text,
      repeatMs: 0,
      deadlineMs: DEADLINE_MS,
      ...durations,
      lead: lead?.markdown ?? '',
      example: example.text,
      expectations,
    }
    const prose = rest.filter((block) => block.kind !== 'list' && block.kind !== 'comment' && block !== lead).map(plainPart)
    return [{ kind: 'step', step }, ...prose]
  }
}

function plainPart(block: Block): Part {
  if (block.kind === 'code') return { kind: 'code', language: block.language, text: block.text }
  if (block.kind === 'folded') return { kind: 'folded', question: block.question, answer: block.answer }
  if (block.kind === 'heading') return { kind: 'text', markdown: `${'#'.repeat(block.level)} ${block.text}` }
  if (block.kind === 'comment') throw new PageError(block.line, `found the comment "${block.text}" where it means nothing`)
  const stray = block.kind === 'list' ? block.items.find(({ comments }) => comments.length > 0) : undefined
  if (stray) throw new PageError(stray.line, `found the comment "${stray.comments[0]!}" where it means nothing`)
  return { kind: 'text', markdown: block.markdown }
}

function predictionParts(blocks: readonly Block[], line: number): Part[] {
  const answer = blocks.flatMap((block) => (block.kind === 'comment' ? [/^answer: ([A-Z])$/.exec(block.text)?.[1]] : []))
  const list = blocks.find((block) => block.kind === 'list')
  const options = list?.items.map((item) => {
    const match = /^\*\*([A-Z])\.\*\* (.+)$/.exec(item.text)
    if (!match || item.comments.length > 0)
      throw new PageError(item.line, 'expected an option of the form "- **A.** text", without a comment')
    return { letter: match[1]!, text: match[2]! }
  })
  if (!options || answer.length !== 1 || !options.some(({ letter }) => letter === answer[0]))
    throw new PageError(line, 'expected one list of options and one comment "answer: A" that names one of them')
  return blocks.flatMap((block): Part[] => {
    if (block.kind === 'comment') return []
    return [block === list ? { kind: 'options', options, answer: answer[0]! } : plainPart(block)]
  })
}

function directiveOf(block: Block | undefined): string | undefined {
  return block?.kind === 'comment' && block.text.startsWith('step: ') ? block.text.slice('step: '.length) : undefined
}

function readDurations(block: Block): { repeatMs?: number; deadlineMs?: number } {
  const match = DURATION.exec(directiveOf(block)!)
  if (!match || (match[1] ?? match[2]) === undefined)
    throw new PageError(block.line, 'expected "step: repeat for N s", "step: deadline N s", or both with a comma between')
  return {
    ...(match[1] === undefined ? {} : { repeatMs: Number(match[1]) * 1000 }),
    ...(match[2] === undefined ? {} : { deadlineMs: Number(match[2]) * 1000 }),
  }
}

function withoutOf(block: Extract<Block, { kind: 'comment' }>): string {
  if (!block.text.startsWith('without:')) throw new PageError(block.line, `found the comment "${block.text}", expected "without: COMMAND"`)
  return block.text.slice('without:'.length).trim()
}

function readExpectation(item: Item, shared: string | null): Expectation {
  const rules: (Claim | Keep)[] = []
  let without: string | null = null
  for (const comment of item.comments) {
    const [, word, text] = /^(\w+):\s*(.*)$/s.exec(comment) ?? []
    try {
      if (word === 'check') rules.push(parseClaim(text!))
      else if (word === 'keep') rules.push(parseKeep(text!))
      else if (word === 'without') without = text!
      else throw new Error(`found the comment "${comment}", expected check, keep or without`)
    } catch (error) {
      throw new PageError(item.line, (error as Error).message)
    }
  }
  const hasClaim = rules.some(({ kind }) => kind !== 'keep')
  return { text: item.text, rules, without: hasClaim ? (without ?? shared) : null }
}

function codeOf(sections: readonly Section[], kind: Section['kind']): { line: number; commands: string[] } {
  const section = sections.find((one) => one.kind === kind)!
  const commands = section.parts.flatMap((part) => (part.kind === 'code' && part.language === 'sh' ? [part.text] : []))
  return { line: section.line, commands }
}

function checkedSetUp(sections: readonly Section[], about: FrontMatter): string | null {
  const expected = setUpCommandOf(about)
  const { line, commands } = codeOf(sections, 'set-up')
  if (commands.join('\n') === (expected ?? '')) return expected
  throw new PageError(
    line,
    `found "${commands.join('; ')}", expected ${expected === null ? 'no command' : `"${expected}"`} as the front matter says`,
  )
}

function checkedCleanUp(sections: readonly Section[], about: FrontMatter): string {
  const { line, commands } = codeOf(sections, 'clean-up')
  const lines = commands.join('\n').split('\n')
  if (about.stage === 'none') return commands.join('\n')
  if (lines.at(-1) !== TAKE_DOWN) throw new PageError(line, `found "${lines.at(-1) ?? ''}", expected "${TAKE_DOWN}" as the last line`)
  return lines.slice(0, -1).join('\n')
}
