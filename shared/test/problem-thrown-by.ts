/** For tests: the `Problem` that a call throws; anything else that comes of it fails the test. */
import { Problem } from '../http/problem.ts'

export function problemThrownBy(call: () => unknown): Problem {
  try {
    call()
  } catch (error) {
    if (error instanceof Problem) return error
    throw error
  }
  throw new Error('Failed to be refused: got an answer, expected a Problem')
}
