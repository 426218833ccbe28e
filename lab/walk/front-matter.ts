/**
 * The head of a lesson's page: what it needs and what it belongs to. Strict, so that a misspelt key is found when it is written.
 */
import { parse } from 'yaml'
import { z } from 'zod'

const FRONT_MATTER = z.strictObject({
  title: z.string().min(1),
  /** Sections of the report that it answers, "4.1.1, 7.2". */
  chapter: z.string().min(1),
  minutes: z.int().min(5).max(60),
  /** Numbers of the lessons before it that it builds on. */
  prerequisites: z.array(z.int().min(1)),
  stage: z.enum(['stage1', 'stage2', 'both', 'none']),
  /** Options of `up`. */
  settings: z.string(),
  /** Needs a stage that no other lesson used. */
  fresh: z.boolean().default(false),
  /** `changed`: what it did to the stage cannot be undone, so the next lesson gets another one. */
  leaves: z.enum(['as-found', 'changed']).default('as-found'),
})

export type FrontMatter = z.infer<typeof FRONT_MATTER>

/** The text between the two `---`; throws a message that names each key that is wrong. */
export function parseFrontMatter(text: string): FrontMatter {
  // "4.1" without quotes is a number to YAML, and means the section 4.1 here: the core schema reads it, the failsafe one does not.
  const found: unknown = parse(text)
  const chapter = /^chapter:\s*(.*?)\s*$/m.exec(text)?.[1]?.replace(/^(["'])(.*)\1$/, '$2')
  const result = FRONT_MATTER.safeParse(typeof found === 'object' && found !== null ? { ...found, chapter } : found)
  if (result.success) return result.data
  throw new Error(`front matter: ${result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`)
}

/** What the page's `## Set up` has to be, to the byte; `null` for a lesson without a stage. */
export function setUpCommandOf({ stage, settings }: FrontMatter): string | null {
  return stage === 'none' ? null : `npm run lab -- up ${stage} --detach ${settings}`.trim()
}
