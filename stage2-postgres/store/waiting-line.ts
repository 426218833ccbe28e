/** The work that waits for a link. */
import type { Work } from './job.ts'

/** First in, first out; what was dropped while it waited is stepped over. */
export class WaitingLine {
  #jobs: Work[] = []
  #head = 0

  get size(): number {
    return this.#jobs.length - this.#head
  }

  add(job: Work): void {
    this.#jobs.push(job)
  }

  next(): Work | undefined {
    while (this.#head < this.#jobs.length) {
      const job = this.#jobs[this.#head++]!
      if (this.#head > 1024 && this.#head * 2 > this.#jobs.length) this.#compact()
      if (!job.isDropped) return job
    }
    this.#compact()
    return undefined
  }

  #compact(): void {
    this.#jobs = this.#jobs.slice(this.#head)
    this.#head = 0
  }
}
