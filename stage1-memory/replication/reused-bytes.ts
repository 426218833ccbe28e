/**
 * A message as bytes, in the memory of the one before.
 *
 * Batches of a hundred kilobytes, ten a second for each replica, would each take new memory from the system, and spoil the caches for
 * the next requests: a primary took 5 % fewer writes so (docs/decisions/0049).
 */
export class ReusedBytes {
  #memory = Buffer.alloc(0)

  /** The parts, one after another, in UTF-8; valid until the next call. No surrogate pair may stand across two parts. */
  of(parts: readonly string[]): Uint8Array {
    const needed = parts.reduce((total, part) => total + Buffer.byteLength(part), 0)
    // To twice the need, so that batches that grow a little each time do not take new memory each time.
    if (needed > this.#memory.length) this.#memory = Buffer.allocUnsafeSlow(2 * needed)
    let end = 0
    for (const part of parts) end += this.#memory.write(part, end)
    return this.#memory.subarray(0, end)
  }
}
