/**
 * A bounded number of links to one server, and a bounded queue before them.
 *
 *   submit ─▶ a link with room? ─▶ sent ─▶ answered
 *                  └ no ─▶ queue ─▶ … │ full: overloaded │ server away: unavailable
 *
 * PostgreSQL refuses the connection after `max_connections` at once (53300) and queues nothing; so the queue is here,
 * and the server never sees more connections than the pool has. A link that breaks is replaced; as long as the server
 * is away, work waits for a moment (a restart takes less) and is then refused without being sent.
 */
import { Job, type Submitted, type Work } from './job.ts'
import { Link, type LinkOptions, type ServerFacts } from './link.ts'
import { WaitingLine } from './waiting-line.ts'

export interface PoolOptions {
  readonly link: Omit<LinkOptions, 'onGone'>
  readonly linksMax: number
  /** Statements on their way on one link; more than one are pipelined. */
  readonly perLinkMax: number
  readonly waitingMax: number
  /** A link that owes an answer for this long is given up, however healthy its socket looks. */
  readonly silenceMsMax: number
  readonly onOpened?: (facts: ServerFacts) => void
  readonly onGone?: (reason: string) => void
}

const REOPEN_MS = 100
/** How long work waits for a server that is away. */
const GRACE_MS = 300

export class Pool {
  readonly #options: PoolOptions
  #linksMax: number
  #links: Link[] = []
  readonly #waiting = new WaitingLine()
  #isOpening = false
  #isClosed = false
  #reopenTimer: NodeJS.Timeout | undefined
  /** Since when there is no link, by `performance.now()`; `undefined` while there is one. */
  #awaySinceMs: number | undefined = performance.now()
  #awayBecause = 'not connected yet'
  readonly #watch: NodeJS.Timeout

  constructor(options: PoolOptions) {
    this.#options = options
    this.#linksMax = options.linksMax
    this.#watch = setInterval(() => this.#retireSilent(), 100)
    this.#watch.unref()
    void this.#open()
  }

  /** Why nothing can be sent now; `undefined` when something can. */
  get awayBecause(): string | undefined {
    return this.#awaySinceMs === undefined ? undefined : this.#awayBecause
  }

  get waiting(): number {
    return this.#waiting.size
  }

  get connections(): number {
    return this.#links.length
  }

  resize(linksMax: number): void {
    this.#linksMax = linksMax
  }

  submit<T>(work: (link: Link) => Promise<T>): Submitted<T> {
    return this.#begin(work)
  }

  #begin<T>(work: (link: Link) => Promise<T>): Job<T> {
    const job = new Job(work)
    const link = this.#linkWithRoom()
    if (link) this.#send(job, link)
    else this.#enqueue(job)
    return job
  }

  /** Like `submit`, for work that may simply be forgotten: rejects with `NotSent` or `LinkLost` after `timeoutMs`. */
  run<T>(work: (link: Link) => Promise<T>, timeoutMs: number): Promise<T> {
    const job = this.#begin(work)
    if (job.isDropped) return job.outcome
    const timer = setTimeout(() => job.expire(timeoutMs), timeoutMs)
    job.onSettled = () => clearTimeout(timer)
    return job.outcome
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#watch)
    clearTimeout(this.#reopenTimer)
    this.#refuseWaiting('the service is stopping')
    for (const link of this.#links) link.retire('the service is stopping')
    this.#links = []
  }

  #linkWithRoom(): Link | undefined {
    let best: Link | undefined
    for (const link of this.#links) if (!best || link.inFlight < best.inFlight) best = link
    if ((!best || best.inFlight > 0) && this.#links.length < this.#linksMax) void this.#open()
    return best && best.inFlight < this.#options.perLinkMax ? best : undefined
  }

  #enqueue(job: Work): void {
    if (this.#isClosed) return job.refuse('unavailable', 'the service is stopping')
    if (this.#isAway()) return job.refuse('unavailable', this.#awayBecause)
    if (this.#waiting.size >= this.#options.waitingMax) return job.refuse('overloaded', `${this.#waiting.size} others wait already`)
    this.#waiting.add(job)
  }

  #send(job: Work, link: Link): void {
    link.inFlight++
    if (link.inFlight === 1) link.lastAnswerAtMs = performance.now()
    void job.send(link).finally(() => {
      link.inFlight--
      if (!link.isGone) this.#feed(link)
    })
  }

  /** Gives a link the work that waits. */
  #feed(link: Link): void {
    while (!link.isGone && link.inFlight < this.#options.perLinkMax) {
      const job = this.#waiting.next()
      if (!job) return
      this.#send(job, link)
    }
  }

  /** Opens one link, one at a time: a burst must not make the server fork a process for each of its requests. */
  async #open(): Promise<void> {
    if (this.#isOpening || this.#isClosed || this.#reopenTimer) return
    this.#isOpening = true
    const link = new Link({ ...this.#options.link, onGone: (gone, reason) => this.#lose(gone, reason) })
    try {
      const facts = await link.open()
      if (this.#isClosed) return link.retire('the service is stopping')
      this.#links.push(link)
      this.#awaySinceMs = undefined
      this.#options.onOpened?.(facts)
      this.#feed(link)
    } catch (error) {
      this.#failedToOpen(error)
    } finally {
      this.#isOpening = false
    }
    if (this.#waiting.size > 0 && this.#links.length < this.#linksMax) void this.#open()
  }

  #failedToOpen(error: unknown): void {
    this.#reopenTimer = setTimeout(() => {
      this.#reopenTimer = undefined
      if (this.#links.length === 0) void this.#open()
    }, REOPEN_MS)
    if (this.#links.length > 0) return
    this.#awayBecause = error instanceof Error ? error.message : String(error)
    if (this.#isAway()) this.#refuseWaiting(this.#awayBecause)
  }

  #lose(link: Link, reason: string): void {
    const index = this.#links.indexOf(link)
    if (index === -1 || this.#isClosed) return
    this.#links.splice(index, 1)
    this.#options.onGone?.(reason)
    if (this.#links.length > 0) return
    this.#awaySinceMs = performance.now()
    this.#awayBecause = reason
    void this.#open()
  }

  #isAway(): boolean {
    return this.#awaySinceMs !== undefined && performance.now() - this.#awaySinceMs > GRACE_MS
  }

  #refuseWaiting(reason: string): void {
    for (let job = this.#waiting.next(); job; job = this.#waiting.next()) job.refuse('unavailable', reason)
  }

  /** A stopped server (SIGSTOP, a cut cable) keeps its sockets open and says nothing. */
  #retireSilent(): void {
    const nowMs = performance.now()
    const silent = this.#links.filter((link) => link.inFlight > 0 && nowMs - link.lastAnswerAtMs > this.#options.silenceMsMax)
    for (const link of silent) link.retire('the server fell silent')
    if (this.#isAway()) this.#refuseWaiting(this.#awayBecause)
  }
}
