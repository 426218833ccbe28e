/**
 * An error that the person at the keyboard can act on, as opposed to a defect.
 *
 * It carries the exit code and one or two lines that say what failed, what was found, what was expected and what to do; the
 * entry prints the message without a stack. Anything else that is thrown is a defect and is printed with its stack.
 */
export class Failure extends Error {
  /** 1: it failed. 2: wrong usage or a missing prerequisite. */
  readonly exitCode: 1 | 2

  constructor(exitCode: 1 | 2, message: string) {
    super(message)
    this.name = 'Failure'
    this.exitCode = exitCode
  }
}

/** It was asked for rightly and did not work. */
export function failed(message: string): Failure {
  return new Failure(1, message)
}

/** It was asked for wrongly, or something that it needs is missing. */
export function misused(message: string): Failure {
  return new Failure(2, message)
}
