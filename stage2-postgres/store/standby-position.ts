/**
 * What a read on a standby may claim to have seen.
 *
 * Replay makes a commit visible first and moves `pg_last_wal_replay_lsn()` past it afterwards. A read in between sees
 * the commit and finds the position before it: as a token, that would let the next read, on another standby, go back in
 * time. Records have no position of their own that we could ask for; but a token one byte further is enough, because
 * replay positions stand only between records: whoever has passed that byte has replayed the whole next record.
 *
 * The extra byte must be reachable. When nothing more was received there is no next record, and when replay has stood still
 * for long (paused, or the primary died in the middle of a record) nothing is half visible: then the position is exact.
 *
 * And a standby goes back: after a crash it serves from where its pages were last known to be consistent, which is before
 * what it had shown. No connection outlives a crash, so what was seen is forgotten with each one that is lost.
 */

/** Longer than any commit takes to be replayed, shorter than anybody would want to be sent to the primary for nothing. */
const STANDSTILL_MS = 1_000

export class StandbyPosition {
  readonly #nowMs: () => number
  /** The furthest replay position seen, in bytes; 0: none since a connection was lost. */
  #replayed = 0
  /** Since when more was received than `#replayed`. */
  #behindSinceMs: number | undefined

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  get replayed(): number {
    return this.#replayed
  }

  /** A connection to the server was lost: it may have crashed, and replay again what was seen replayed. */
  forget(): void {
    this.#replayed = 0
    this.#behindSinceMs = undefined
  }

  /** `lsn` and `isBehind` as one statement returned them; returns the LSN that an answer may claim, in bytes. */
  claim(lsn: number, isBehind: boolean): number {
    const nowMs = this.#nowMs()
    if (lsn > this.#replayed) {
      this.#replayed = lsn
      this.#behindSinceMs = undefined
    }
    if (!isBehind) {
      if (lsn === this.#replayed) this.#behindSinceMs = undefined
      return lsn
    }
    this.#behindSinceMs ??= nowMs
    const isStandingStill = lsn === this.#replayed && nowMs - this.#behindSinceMs > STANDSTILL_MS
    return isStandingStill ? lsn : lsn + 1
  }
}
