/** What the clients of one repetition wrote and what they were told: see `check-writes.ts` and `read-check.ts` for who compares. */
export class WriteLedger {
  /** Records up to this id were there before and belong to nobody here. */
  readonly newestIdBefore: number

  constructor(newestIdBefore = 0) {
    this.newestIdBefore = newestIdBefore
  }
}
