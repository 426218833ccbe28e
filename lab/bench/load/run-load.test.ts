import { afterEach, describe, expect, it } from 'vitest'
import { OUTCOMES, type Outcome } from '../results/bench-record.ts'
import { checkWrites } from './check-writes.ts'
import type { LoadOptions, LoadRun } from './load-run.ts'
import { playSystem, type Behaviour, type PlayedSystem } from './played-system.ts'
import { runLoad } from './run-load.ts'
import { WriteLedger } from './write-ledger.ts'

let system: PlayedSystem | undefined

afterEach(async () => {
  await system?.close()
  system = undefined
})

const REQUESTS = 200
/** Every tenth request meets it. */
const BAD = REQUESTS / 10

async function run(behaviour: Behaviour, options: Partial<LoadOptions>): Promise<{ load: LoadRun; ledger: WriteLedger }> {
  system = await playSystem((index) => (index % 10 === 5 ? behaviour : 'right'))
  const ledger = new WriteLedger()
  return { ledger, load: await runLoad(optionsFor(system.url, ledger, options)) }
}

function optionsFor(entryUrl: string, ledger: WriteLedger, options: Partial<LoadOptions>): LoadOptions {
  return {
    entryUrl,
    ledger,
    requests: REQUESTS,
    connections: 10,
    loop: 'closed',
    ratePerSecond: null,
    seed: 1,
    timeoutMs: 5_000,
    ...options,
  }
}

function sumOf(outcomes: Readonly<Record<Outcome, number>>): number {
  return OUTCOMES.reduce((sum, outcome) => sum + outcomes[outcome], 0)
}

const LOOPS: { readonly name: string; readonly loop: Partial<LoadOptions> }[] = [
  { name: 'a closed loop', loop: { loop: 'closed' } },
  { name: 'an open loop', loop: { loop: 'open', ratePerSecond: 1_000, connections: REQUESTS } },
]

const CLASSES: { readonly behaviour: Behaviour; readonly does: string; readonly outcome: Outcome }[] = [
  { behaviour: 'refuse', does: 'answers 503', outcome: 'refused' },
  { behaviour: 'lie', does: 'answers with what nobody wrote', outcome: 'wrong' },
  { behaviour: 'cut-json', does: 'answers with half a document', outcome: 'wrong' },
  { behaviour: 'empty', does: 'answers 2xx without a body', outcome: 'wrong' },
  { behaviour: 'drop', does: 'ends the connection (FIN) instead of answering', outcome: 'lost' },
  { behaviour: 'drop-unapplied', does: 'ends the connection before it did anything', outcome: 'lost' },
  { behaviour: 'reset', does: 'resets the connection', outcome: 'lost' },
  { behaviour: 'truncate', does: 'ends the connection in the middle of a body', outcome: 'lost' },
  { behaviour: 'no-http', does: 'does not speak HTTP', outcome: 'lost' },
]

describe.each(LOOPS)('$name', ({ loop }) => {
  it('counts every request of a right system as served, and every write as acknowledged', async () => {
    const { load, ledger } = await run('right', loop)
    expect(load.outcomes).toEqual({ served: REQUESTS, wrong: 0, refused: 0, timedOut: 0, lost: 0 })
    expect(load.failures).toEqual({})
    expect(load.outcomesOfWrites.served).toBe(REQUESTS / 5)
    expect(load.reads.checked).toBe((REQUESTS / 5) * 4)
    expect(system!.requests()).toBe(REQUESTS)
    expect(system!.records).toHaveLength(REQUESTS / 5)
    expect(load.timeline.reduce((sum, { served }) => sum + served, 0)).toBe(REQUESTS)
    expect(await checkWrites(ledger, [system!.url])).toEqual({ acknowledged: 40, missing: 0, repeated: 0, unacknowledgedPresent: 0 })
  })

  it.each(CLASSES)('a system that $does: $outcome, and the sum is exact', async ({ behaviour, outcome }) => {
    const { load } = await run(behaviour, loop)
    expect(load.requested).toBe(REQUESTS)
    expect(load.outcomes).toEqual({ wrong: 0, refused: 0, timedOut: 0, lost: 0, served: REQUESTS - BAD, [outcome]: BAD })
    expect(Object.values(load.failures).reduce((sum, count) => sum + count, 0)).toBe(BAD)
    expect(system!.requests()).toBe(REQUESTS)
  })

  it('a system that does not answer five: they time out, and the clients go on', async () => {
    system = await playSystem((index) => (index < 5 ? 'never' : 'right'))
    const load = await runLoad(optionsFor(system.url, new WriteLedger(), { ...loop, timeoutMs: 2_000 }))
    expect(load.outcomes.timedOut).toBeGreaterThanOrEqual(5)
    expect(load.outcomes.served).toBeGreaterThan(0)
    expect(load.failures).toEqual({ timeout: load.outcomes.timedOut })
    expect(sumOf(load.outcomes)).toBe(REQUESTS)
  })

  it('a system that closes after each tenth answer, as one that stops does: nothing is lost', async () => {
    const { load } = await run('close', loop)
    expect(load.outcomes.served).toBe(REQUESTS)
    expect(system!.requests()).toBe(REQUESTS)
  })

  it('a system that is not there: all are lost with the error that says so', async () => {
    system = await playSystem()
    await system.close()
    const load = await runLoad(optionsFor(system.url, new WriteLedger(), loop))
    expect(load.outcomes.lost).toBe(REQUESTS)
    expect(load.failures).toEqual({ ECONNREFUSED: REQUESTS })
  })

  it('a system that repeats a write: served, and found by whoever looks into the database', async () => {
    const { load, ledger } = await run('repeat', { ...loop, writeShare: 1 })
    expect(load.outcomes.served).toBe(REQUESTS)
    expect((await checkWrites(ledger, [system!.url])).repeated).toBe(BAD)
  })

  it('a repeated write makes the reads wrong that show it', async () => {
    const { load } = await run('repeat', loop)
    expect(load.failures).toHaveProperty('wrong: a record under another id than acknowledged')
  })

  it('stops when it is told to: what was in flight is lost, what was not begun is not asked for', async () => {
    const stop = new AbortController()
    system = await playSystem((index) => {
      if (index === 50) stop.abort()
      return index < 50 ? 'right' : 'never'
    })
    const requests = 50_000
    const load = await runLoad(optionsFor(system.url, new WriteLedger(), { ...loop, requests, signal: stop.signal }))
    expect(load.isAborted).toBe(true)
    expect(load.requested).toBeLessThan(requests)
    expect(load.requested).toBe(sumOf(load.outcomes))
    expect(load.outcomes.served).toBeGreaterThan(0)
  })

  it('does nothing when it was stopped before', async () => {
    system = await playSystem()
    const load = await runLoad(optionsFor(system.url, new WriteLedger(), { ...loop, signal: AbortSignal.abort() }))
    expect(load).toMatchObject({ requested: 0, isAborted: true, timeline: [] })
  })

  it('lets a warm-up write what the run may read', async () => {
    system = await playSystem()
    const ledger = new WriteLedger()
    await runLoad(optionsFor(system.url, ledger, { ...loop, isWarmUp: true, requests: 100 }))
    const load = await runLoad(optionsFor(system.url, ledger, loop))
    expect(load.outcomes.served).toBe(REQUESTS)
    expect((await checkWrites(ledger, [system.url])).acknowledged).toBe(40)
    const stranger = await runLoad(optionsFor(system.url, new WriteLedger(), { ...loop, writeShare: 0 }))
    expect(stranger.failures).toEqual({ 'wrong: a record that nobody wrote': REQUESTS })
  })
})

describe('a closed loop opens its connections', () => {
  it('before the first request and the clock, and keeps them', async () => {
    system = await playSystem()
    let requestsWhenOpened: number | undefined
    const whenOpened = async (): Promise<void> => {
      requestsWhenOpened = system!.requests()
    }
    const load = await runLoad(optionsFor(system.url, new WriteLedger(), { whenOpened }))
    expect(requestsWhenOpened).toBe(0)
    expect(system.openingsBeforeFirst()).toBe(10)
    expect(system.connections()).toBe(10)
    expect(system.requests()).toBe(REQUESTS)
    expect(load.outcomes.served).toBe(REQUESTS)
  })

  it('and gives them up when what was to follow fails', async () => {
    system = await playSystem()
    const whenOpened = (): Promise<void> => Promise.reject(new Error('no meter'))
    await expect(runLoad(optionsFor(system.url, new WriteLedger(), { whenOpened }))).rejects.toThrow('no meter')
    expect(system.requests()).toBe(0)
  })
})

describe('an open loop', () => {
  it('counts what it could not send for lack of a slot as lost, and says how many', async () => {
    system = await playSystem(() => 'right', { answerAfterMs: 100 })
    const options = { loop: 'open', ratePerSecond: 1_000, connections: 5 } as const
    const load = await runLoad(optionsFor(system.url, new WriteLedger(), options))
    expect(load.notSent).toBeGreaterThan(0)
    expect(load.failures).toEqual({ 'not sent: no free slot': load.notSent })
    expect(load.outcomes).toEqual({ served: REQUESTS - load.notSent, wrong: 0, refused: 0, timedOut: 0, lost: load.notSent })
    expect(system.requests()).toBe(REQUESTS - load.notSent)
  })

  it('measures from the intended start: a stall of the generator itself is in the latencies', async () => {
    system = await playSystem()
    const stallMs = 2_000
    setTimeout(() => blockFor(stallMs), 20)
    const load = await runLoad(
      optionsFor(system.url, new WriteLedger(), { loop: 'open', ratePerSecond: 100, connections: 200, writeShare: 0 }),
    )
    // All were due while nobody could send them, the middle one for half of the stall. Sent together afterwards they take much less.
    expect(load.latency.p50Ms).toBeGreaterThan(stallMs / 3)
  })
})

/** The played system lives in the same process; this holds up the sender. */
function blockFor(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs)
}
