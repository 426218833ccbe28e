/**
 * The pictures of the lessons, each drawn by a function from a real run or from the real code, never by hand: `walk --pictures`.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { REPOSITORY } from '../runtime/stage-directory.ts'
import { WALKTHROUGH } from './lesson-files.ts'

export interface Picture {
  /** "backoff-and-jitter.svg". */
  readonly file: string
  /** Resolves to the SVG. */
  readonly draw: () => Promise<string>
}

/** A new picture is a file in pictures/ and a line here. */
const PICTURES: readonly (() => Promise<{ readonly picture: Picture }>)[] = [
  () => import('./pictures/backoff-and-jitter.ts'),
  () => import('./pictures/retry-storm.ts'),
]

/** Resolves to the files that it wrote, from the root of the repository. */
export async function drawPictures(): Promise<string[]> {
  const folder = `${WALKTHROUGH}/pictures`
  mkdirSync(path.join(REPOSITORY, folder), { recursive: true })
  const written: string[] = []
  for (const load of PICTURES) {
    const { picture } = await load()
    const file = `${folder}/${picture.file}`
    writeFileSync(path.join(REPOSITORY, file), await picture.draw())
    written.push(file)
  }
  return written
}
