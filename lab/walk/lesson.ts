/**
 * What a lesson of the walkthrough is, once its page has been read: `docs/walkthrough/FORMAT.md` says how it is written.
 *
 *   page (Markdown) ─▶ read-blocks.ts ─▶ parse-lesson.ts ─▶ Lesson ─▶ read-aloud.ts (a reader), check-lessons.ts (nobody), proofread.ts
 */
import type { Claim, Keep } from './claim.ts'
import type { FrontMatter } from './front-matter.ts'

export const LANGUAGES = ['en', 'fr'] as const
export type Language = (typeof LANGUAGES)[number]

const SECTION_KINDS = ['question', 'set-up', 'prediction', 'run', 'reading', 'try', 'code', 'wild', 'clean-up', 'questions'] as const
export type SectionKind = (typeof SECTION_KINDS)[number]

export interface Lesson {
  readonly number: number
  /** From the root of the repository. */
  readonly file: string
  readonly language: Language
  readonly about: FrontMatter
  readonly sections: readonly Section[]
  /** What `## Set up` runs; `null` for a lesson without a stage. */
  readonly setUp: string | null
  /** What `## Clean up` runs before its last line, `npm run lab -- down`; may be empty. */
  readonly cleanUp: string
  /** Every comment in the order of the page, for comparing translations. */
  readonly comments: readonly string[]
}

export interface Section {
  readonly kind: SectionKind
  /** As it stands on the page, subtitle included. */
  readonly heading: string
  readonly line: number
  readonly parts: readonly Part[]
}

export type Part =
  | { readonly kind: 'text'; readonly markdown: string }
  | { readonly kind: 'code'; readonly language: string; readonly text: string }
  | { readonly kind: 'step'; readonly step: Step }
  | { readonly kind: 'options'; readonly options: readonly Option[]; readonly answer: string }
  | { readonly kind: 'folded'; readonly question: string; readonly answer: string }

export interface Option {
  /** "A". */
  readonly letter: string
  readonly text: string
}

export interface Step {
  /** From 1 within the lesson. */
  readonly number: number
  readonly line: number
  readonly command: string
  /** How long it may be run again until its claims hold, milliseconds; 0 for once. */
  readonly repeatMs: number
  readonly deadlineMs: number
  /** The words between the output and what has to be seen in it: "You should see:". */
  readonly lead: string
  /** The output that the page shows. */
  readonly example: string
  readonly expectations: readonly Expectation[]
}

/** One "You should see". */
export interface Expectation {
  readonly text: string
  /** Checked, and kept, in this order. */
  readonly rules: readonly (Claim | Keep)[]
  /** The command on whose output every claim of this expectation must fail; `null` when the page names none. */
  readonly without: string | null
}

/** Every step of the lesson, in order. */
export function stepsOf(lesson: Lesson): readonly Step[] {
  return lesson.sections.flatMap(({ parts }) => parts.flatMap((part) => (part.kind === 'step' ? [part.step] : [])))
}
