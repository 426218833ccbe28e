/**
 * Where a reader left off, in `.relais/walk.json`: the lesson, the section, and the stages that the walk started, so that the next walk
 * knows them as its own even if this one was killed.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { STAGE_NAMES } from '../topology.ts'
import { LANGUAGES } from './lesson.ts'

const PROGRESS = z.object({
  language: z.enum(LANGUAGES),
  /** The lesson to go on with; `null` when every lesson has been read. */
  lesson: z.int().min(1).nullable(),
  /** Index of the section to go on with. */
  section: z.int().min(0),
  started: z.array(z.enum(STAGE_NAMES)),
})

export type Progress = z.infer<typeof PROGRESS>

const NOTHING: Progress = { language: 'en', lesson: 1, section: 0, started: [] }

function fileIn(stateDirectory: string): string {
  return path.join(stateDirectory, 'walk.json')
}

/** A file that is missing or no longer understood is a reader at the beginning: nothing of value is in it. */
export function readProgress(stateDirectory: string): Progress {
  try {
    return PROGRESS.parse(JSON.parse(readFileSync(fileIn(stateDirectory), 'utf8')))
  } catch {
    return NOTHING
  }
}

export function writeProgress(stateDirectory: string, progress: Progress): void {
  mkdirSync(stateDirectory, { recursive: true })
  const file = fileIn(stateDirectory)
  const partial = `${file}.${process.pid}`
  writeFileSync(partial, `${JSON.stringify(progress, null, 1)}\n`)
  renameSync(partial, file)
}
