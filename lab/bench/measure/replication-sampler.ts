/**
 * Replication lag over a run, as the primary sees it, and how long the replicas took to have everything.
 *
 *   run ─── a sample each 100 ms: the worst replica counts ─── last write ─── wait, bounded, until each replica is level
 *
 * A primary that has much to do answers the question late, as it answers everything. So the next question does not wait for the last
 * answer, and a sample stands where its answer came: a sampler that waits would leave out the moments when lag is greatest.
 *
 * "Level" is a comparison of positions and not a lag of 0: the primary's target is taken once, from the first question after the last
 * write, because PostgreSQL's own housekeeping moves the end of the WAL on. The last write may be long over when the run ends (its last
 * read was slow), so the samples of the run are looked through as well.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { comparePositions, parsePosition, type Position } from '@relais/shared/store/position.ts'
import { z } from 'zod'
import { askOnce } from '../../runtime/ask-once.ts'
import type { ReplicationUse } from '../results/bench-record.ts'

const SAMPLE_EVERY_MS = 100
const ASK_MS_MAX = 5_000
const ASKED_AT_ONCE_MAX = 50
const CATCH_UP_MS_MAX = 30_000
const CATCH_UP_LOOK_MS = 10
const LOOKS_PER_SAMPLE = SAMPLE_EVERY_MS / CATCH_UP_LOOK_MS

const statusShape = z.object({
  position: z.string(),
  replicas: z.array(
    z.object({
      name: z.string(),
      position: z.string().nullable(),
      lagRecords: z.number().nullable(),
      lagMs: z.number().nullable(),
    }),
  ),
})
type Status = z.infer<typeof statusShape>
type Sample = ReplicationUse['samples'][number]

/** A question that was answered; times are of `performance.now()`. */
export interface Look {
  readonly askedAtMs: number
  readonly answeredAtMs: number
  readonly status: Status
}

export class ReplicationSampler {
  readonly #url: string
  readonly #startedAtMs = performance.now()
  readonly #samples: Sample[] = []
  /** In the order of the answers. */
  readonly #looks: Look[] = []
  readonly #loop: Promise<void>
  #isOver = false

  /** Begins at once. */
  constructor(primaryUrl: string) {
    this.#url = primaryUrl
    this.#loop = this.#run()
  }

  /** Ends the samples and waits for the replicas; `lastWriteAtMs` is of `performance.now()`, `null` when nothing was written. */
  async stop(lastWriteAtMs: number | null, signal?: AbortSignal): Promise<ReplicationUse> {
    this.#isOver = true
    const endedAtMs = performance.now() - this.#startedAtMs
    await Promise.all([this.#waitUntilLevel(signal), this.#loop])
    // Those of catching up show that the lag ends, and are not the run's.
    const ofRun = this.#samples.filter(({ atMs }) => atMs <= endedAtMs)
    const lagsMs = ofRun.flatMap(({ lagMs }) => lagMs ?? []).toSorted((a, b) => a - b)
    return {
      lagRecordsMax: maxOf(ofRun.map(({ lagRecords }) => lagRecords)),
      lagMsP50: lagsMs[Math.max(0, Math.ceil(lagsMs.length / 2) - 1)] ?? null,
      lagMsMax: lagsMs.at(-1) ?? null,
      caughtUpAfterMs: lastWriteAtMs === null ? null : caughtUpAfterMs(this.#looks, lastWriteAtMs),
      samples: this.#samples,
    }
  }

  /** Ends the samples; nothing is waited for. */
  cancel(): void {
    this.#isOver = true
  }

  async #run(): Promise<void> {
    const samples = new Set<Promise<void>>()
    while (!this.#isOver) {
      if (samples.size < ASKED_AT_ONCE_MAX) {
        const sample = this.#sample().finally(() => samples.delete(sample))
        samples.add(sample)
      }
      await sleep(SAMPLE_EVERY_MS)
    }
    await Promise.all(samples)
  }

  async #sample(): Promise<void> {
    const status = await this.#look()
    if (status) this.#note(status)
  }

  async #look(): Promise<Status | undefined> {
    const askedAtMs = performance.now()
    const status = await askStatus(this.#url)
    if (status) this.#looks.push({ askedAtMs, answeredAtMs: performance.now(), status })
    return status
  }

  #note(status: Status): void {
    this.#samples.push({ atMs: performance.now() - this.#startedAtMs, ...worstOf(status) })
  }

  /** Or until it is given up. */
  async #waitUntilLevel(signal: AbortSignal | undefined): Promise<void> {
    const giveUpAtMs = performance.now() + CATCH_UP_MS_MAX
    let target: Position | undefined
    let looks = 0
    const isOver = (): boolean => performance.now() > giveUpAtMs || signal?.aborted === true
    while (!isOver()) {
      const status = await this.#look()
      target ??= status && parsePosition(status.position)
      // Each of these would be a sample every few milliseconds; one in ten is as many as before.
      if (status && (looks++ % LOOKS_PER_SAMPLE === 0 || (target && isLevel(status, target)))) this.#note(status)
      if (status && target && isLevel(status, target)) return
      await sleep(CATCH_UP_LOOK_MS)
    }
  }
}

/** The worst of all replicas; `null` when one of them is not known. */
export function worstOf({ replicas }: Status): { lagRecords: number | null; lagMs: number | null } {
  return { lagRecords: maxOf(replicas.map(({ lagRecords }) => lagRecords)), lagMs: maxOf(replicas.map(({ lagMs }) => lagMs)) }
}

/** From the last write until all replicas were seen to have what the primary then had; `null` when they were not. */
export function caughtUpAfterMs(looks: readonly Look[], lastWriteAtMs: number): number | null {
  const after = looks.filter(({ askedAtMs }) => askedAtMs >= lastWriteAtMs)
  const [first] = after.toSorted((a, b) => a.askedAtMs - b.askedAtMs)
  const target = first && parsePosition(first.status.position)
  const level = target && after.find(({ status }) => isLevel(status, target))
  return level ? level.answeredAtMs - lastWriteAtMs : null
}

/** Every replica has the history up to `target`. */
export function isLevel({ replicas }: Status, target: Position): boolean {
  return replicas.every(({ position }) => {
    const reached = position === null ? undefined : parsePosition(position)
    return reached !== undefined && comparePositions(reached, target) >= 0
  })
}

async function askStatus(url: string): Promise<Status | undefined> {
  try {
    const { status, text } = await askOnce(`${url}/api/replication`, ASK_MS_MAX)
    return status === 200 ? statusShape.parse(JSON.parse(text)) : undefined
  } catch {
    // The primary is away or busy: a sample is missing, which the samples show.
    return undefined
  }
}

function maxOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : Math.max(...known)
}
