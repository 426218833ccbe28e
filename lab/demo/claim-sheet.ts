/**
 * The demo's paper: what was sent and answered, and under it each claim with a tick or a cross.
 */
import { paint } from '../command-line/paint.ts'

export class ClaimSheet {
  readonly #print: (line?: string) => void
  checked = 0
  broken = 0

  constructor(print: (line?: string) => void) {
    this.#print = print
  }

  title(text: string): void {
    this.#print()
    this.#print(paint.strong(text))
  }

  line(text: string): void {
    this.#print(`  ${text}`)
  }

  /** `found` is printed when the claim does not hold. */
  claim(text: string, holds: boolean, found: string): void {
    this.checked++
    if (!holds) this.broken++
    this.#print(holds ? `  ${paint.good('✓')} ${text}` : `  ${paint.bad('✗')} ${text}: found ${found}`)
  }
}
