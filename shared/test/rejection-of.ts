/** For tests: what a promise rejects with, caught from now on, so that a test may move the clock before it looks. */
export function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('Failed to be refused: got a value, expected a rejection')
    },
    (error: unknown) => error,
  )
}
