/** One read over a pool: its answer in time, or what a client may be told of the failure. */
import { readProblem } from './failure.ts'
import type { Link } from './link.ts'
import type { Pool } from './pool.ts'

/** Rejects with a `Problem` after `timeoutMs`, or as soon as the server is away; anything else that it throws is a defect. */
export async function readWithin<T>(pool: Pool, work: (link: Link) => Promise<T>, timeoutMs: number): Promise<T> {
  try {
    return await pool.run(work, timeoutMs)
  } catch (error) {
    throw readProblem(error)
  }
}
