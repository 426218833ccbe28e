/**
 * Inserts, committed together: one statement for all that arrived while the last one was on its way.
 *
 *   insert ─▶ waiting ─┐
 *   insert ─▶ waiting ─┼─▶ one INSERT … SELECT FROM unnest(…), one commit, one position ─▶ each its own answer
 *   insert ─▶ waiting ─┘
 *
 * A commit costs a flush of the disk, or a round trip to a standby, whether it holds one row or five hundred. And with one
 * batch at a time ids ascend in the order of the commits, which two writers side by side cannot promise. A batch that
 * fails for the sake of one row is repeated row by row: a bad neighbour costs time, never an answer. One that waited for a
 * key which another session then committed (see changes.ts) is sent again as it is, and finds the key; where that session
 * keeps the key, its row alone is refused.
 */
import type { StoredRecord } from '@relais/shared/store/store.ts'
import { confirmedWrite } from './confirmed-write.ts'
import { isContentFault, isKeyConflict, isLockTimeout } from './failure.ts'
import type { Link } from './link.ts'
import { keyReused } from './once.ts'
import { NotSent, type Submitted } from './job.ts'
import type { Pool } from './pool.ts'
import { arrayLiteral, insertBatch, insertKeyedBatch, waitBrieflyForLocks, waitForLocksAsBefore } from './statements.ts'

export interface InsertLaneOptions {
  /** One link, one piece of work at a time. */
  readonly pool: Pool
  readonly origin: string
  readonly waitingMax?: number
}

export interface Inserted {
  readonly record: StoredRecord
  /** At or after the commit, as PostgreSQL prints it. */
  readonly lsn: string
}

const BATCH_ROWS_MAX = 500
const BATCH_CHARACTERS_MAX = 1024 * 1024

export class InsertLane {
  readonly #pool: Pool
  readonly #origin: string
  readonly #waitingMax: number
  #waiting: Insert[] = []
  #isRunning = false

  constructor({ pool, origin, waitingMax = 4096 }: InsertLaneOptions) {
    this.#pool = pool
    this.#origin = origin
    this.#waitingMax = waitingMax
  }

  get waiting(): number {
    return this.#waiting.length
  }

  submit(message: string, key: string | null, fingerprint: string): Submitted<Inserted> {
    const insert = new Insert(message, key, fingerprint)
    if (this.#waiting.length >= this.#waitingMax) insert.reject(new NotSent('overloaded', `${this.#waitingMax} writes wait already`))
    else {
      this.#waiting.push(insert)
      if (!this.#isRunning) void this.#run()
    }
    return insert
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    while (this.#waiting.length > 0) {
      let drawn: readonly Insert[] = []
      const commitDrawn = (link: Link): Promise<void> => {
        drawn = this.#draw()
        return this.#commit(link, drawn)
      }
      try {
        // The batch is drawn when the link is there, not before: what arrives until then goes along.
        await this.#pool.submit(commitDrawn).outcome
      } catch (error) {
        // Not sent, or a defect. Nobody else answers who was drawn; and who still waits, when nobody was, would be tried for ever.
        for (const insert of drawn.length > 0 ? drawn : this.#waiting.splice(0)) insert.reject(error)
      }
    }
    this.#isRunning = false
  }

  #draw(): Insert[] {
    const batch: Insert[] = []
    let characters = 0
    let taken = 0
    for (const insert of this.#waiting) {
      if (batch.length === BATCH_ROWS_MAX || characters > BATCH_CHARACTERS_MAX) break
      taken++
      if (insert.isDropped) continue
      insert.isSent = true
      characters += insert.message.length
      batch.push(insert)
    }
    this.#waiting = this.#waiting.slice(taken)
    return batch
  }

  async #commit(link: Link, batch: readonly Insert[], isSecond = false): Promise<void> {
    if (batch.length === 0) return
    try {
      await this.#send(link, batch)
    } catch (error) {
      if (!isSecond && isKeyConflict(error)) await this.#commit(link, batch, true)
      else if (batch.length > 1 && (isContentFault(error) || isLockTimeout(error))) await this.#commitApart(link, batch, error)
      else for (const insert of batch) insert.reject(error)
    }
  }

  /**
   * Row by row, as nothing of the batch was made. A row that waits for a lock now holds up all behind it, and a lock that ended the
   * batch was waited for already: so nobody waits long.
   */
  async #commitApart(link: Link, batch: readonly Insert[], error: unknown): Promise<void> {
    for (const insert of batch) insert.putBack(isLockTimeout(error) ? error : undefined)
    await link.query(waitBrieflyForLocks).catch(() => {})
    for (const insert of batch) {
      if (insert.isDropped) continue
      insert.isSent = true
      await this.#commit(link, [insert])
    }
    await link.query(waitForLocksAsBefore).catch(() => link.retire('its time to wait for locks could not be set'))
  }

  async #send(link: Link, batch: readonly Insert[]): Promise<void> {
    const hasKeys = batch.some(({ key }) => key !== null)
    const { answers, lsn } = await (hasKeys ? this.#sendKeyed(link, batch) : this.#sendPlain(link, batch))
    batch.forEach((insert, index) => insert.answer(answers[index], lsn))
  }

  async #sendPlain(link: Link, batch: readonly Insert[]): Promise<Answers> {
    const messages = arrayLiteral(batch.map(({ message }) => message))
    const { rows, lsn } = await confirmedWrite(link, (sql) => insertBatch(sql, messages, this.#origin))
    const answers = rows.map(({ id, created_at: atMs }) => ({
      fingerprint: null,
      id,
      origin: this.#origin,
      createdAtMs: atMs,
      updatedAtMs: atMs,
    }))
    return { answers, lsn }
  }

  async #sendKeyed(link: Link, batch: readonly Insert[]): Promise<Answers> {
    const messages = arrayLiteral(batch.map(({ message }) => message))
    const keys = arrayLiteral(batch.map(({ key }) => key))
    const fingerprints = arrayLiteral(batch.map(({ fingerprint }) => fingerprint))
    const { rows, lsn } = await confirmedWrite(link, (sql) => insertKeyedBatch(sql, messages, keys, fingerprints, this.#origin))
    const answers: (Answer | undefined)[] = batch.map(() => undefined)
    for (const { place, fingerprint, id, origin, created_at, updated_at } of rows) {
      answers[place - 1] = { fingerprint, id, origin, createdAtMs: created_at, updatedAtMs: updated_at }
    }
    return { answers, lsn }
  }
}

interface Answers {
  /** In the order of the batch. */
  readonly answers: readonly (Answer | undefined)[]
  readonly lsn: string
}

/** Of one insert; with a fingerprint it is the answer that an earlier write under the same key got. */
interface Answer extends Omit<StoredRecord, 'message'> {
  readonly fingerprint: string | null
}

class Insert implements Submitted<Inserted> {
  readonly message: string
  readonly key: string | null
  readonly fingerprint: string
  readonly outcome: Promise<Inserted>
  isSent = false
  isDropped = false
  reject!: (error: unknown) => void
  #resolve!: (value: Inserted) => void
  #refusedWith: unknown

  constructor(message: string, key: string | null, fingerprint: string) {
    this.message = message
    this.key = key
    this.fingerprint = fingerprint
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.reject = reject
    })
  }

  drop(): void {
    if (this.isSent) return
    this.isDropped = true
    this.reject(this.#refusedWith ?? new NotSent('overloaded', 'the writes before it took until the deadline'))
  }

  /** It was sent, and is certainly not made. With an `error` that may have been about this very row, it is also what a drop says. */
  putBack(error: unknown): void {
    this.isSent = false
    this.#refusedWith = error
  }

  answer(answer: Answer | undefined, lsn: string): void {
    if (!answer) return this.reject(new Error('PostgreSQL returned no row for an insert'))
    const { fingerprint, ...record } = answer
    if (fingerprint !== null && fingerprint !== this.fingerprint) return this.reject(keyReused())
    this.#resolve({ record: { ...record, message: this.message }, lsn })
  }
}
