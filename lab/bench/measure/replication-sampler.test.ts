import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { caughtUpAfterMs, isLevel, ReplicationSampler, worstOf, type Look } from './replication-sampler.ts'

const close: (() => void)[] = []
afterEach(() => {
  for (const each of close.splice(0)) each()
})

/** A primary that tells this, one answer after the other, the last one for ever. */
async function primaryThatTells(...answers: readonly object[]): Promise<{ url: string; asked: () => number; askedTwice: Promise<void> }> {
  let asked = 0
  const second = Promise.withResolvers<void>()
  const server = createServer((_, outgoing) => {
    outgoing.end(JSON.stringify(answers[Math.min(asked++, answers.length - 1)]))
    if (asked === 2) second.resolve()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  close.push(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => asked, askedTwice: second.promise }
}

function status(position: string, ...replicas: readonly [position: string | null, lagRecords: number | null, lagMs: number | null][]) {
  return {
    position,
    replicas: replicas.map(([at, lagRecords, lagMs], index) => ({ name: `db${index + 2}`, position: at, lagRecords, lagMs })),
  }
}

describe('replication over a run', () => {
  it('is as late as its worst replica', () => {
    expect(worstOf(status('1:9', ['1:7', 2, 5], ['1:4', 5, 1]))).toEqual({ lagRecords: 5, lagMs: 5 })
    expect(worstOf(status('1:0/9', ['1:0/7', null, 5], [null, null, null]))).toEqual({ lagRecords: null, lagMs: 5 })
  })

  it('is level when every replica has come as far, in either form of a position', () => {
    expect(isLevel(status('1:9', ['1:9', 0, 0], ['1:8', 1, 0]), { epoch: 1, lsn: 9 })).toBe(false)
    expect(isLevel(status('1:9', ['1:9', 0, 0], ['1:9', 0, 0]), { epoch: 1, lsn: 9 })).toBe(true)
    expect(isLevel(status('1:0/A', ['1:0/A', null, 0]), { epoch: 1, lsn: 10 })).toBe(true)
    expect(isLevel(status('1:0/A', [null, null, 0]), { epoch: 1, lsn: 10 })).toBe(false)
  })

  it('waits for the position that the primary had, even when that moves on', async () => {
    const primary = await primaryThatTells(
      status('1:5', ['1:1', 4, 30]),
      status('1:5', ['1:1', 4, 30]),
      status('1:5', ['1:2', 3, 40]),
      status('1:6', ['1:4', 2, 20]),
      status('1:9', ['1:5', 4, 10]),
    )
    const sampler = new ReplicationSampler(primary.url)
    // By then the first answer has been noted.
    await primary.askedTwice
    const use = await sampler.stop(performance.now())
    expect(use).toMatchObject({ lagRecordsMax: 4, lagMsMax: 30 })
    expect(use.caughtUpAfterMs).not.toBeNull()
    // The last of all is that they were level: a line of these comes down again.
    expect(use.samples.at(-1)).toMatchObject({ lagRecords: 4, lagMs: 10 })
    expect(primary.asked()).toBe(5)
  })

  it('was caught up when a sample of the run showed it, however long the run’s last read took', () => {
    const look = (askedAtMs: number, position: string, replica: string): Look => ({
      askedAtMs,
      answeredAtMs: askedAtMs + 2,
      status: status(position, [replica, null, null]),
    })
    const looks = [look(0, '1:4', '1:4'), look(100, '1:5', '1:4'), look(200, '1:5', '1:5'), look(900, '1:6', '1:6')]
    expect(caughtUpAfterMs(looks, 50)).toBe(152)
    expect(caughtUpAfterMs(looks.slice(0, 2), 50)).toBeNull()
    expect(caughtUpAfterMs(looks, 950)).toBeNull()
  })

  it('says that it does not know when it is told to wait no longer', async () => {
    const primary = await primaryThatTells(status('1:5', ['1:1', 4, 30]))
    const sampler = new ReplicationSampler(primary.url)
    expect(await sampler.stop(performance.now(), AbortSignal.abort())).toMatchObject({ caughtUpAfterMs: null })
  })
})
