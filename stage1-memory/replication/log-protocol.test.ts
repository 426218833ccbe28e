/**
 * The log protocol under every order, repetition and loss of messages, and under crashes of every node: what must hold
 * after each step, and that equal lists are where it ends. A failure prints its seed and the shortest run that shows it;
 * to see that run again: `RELAIS_SEED=N vitest run stage1-memory/replication/log-protocol.test.ts`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { comparePositions, formatPosition, type Position } from '@relais/shared/store/position.ts'
import type { StoredRecord } from '@relais/shared/store/store.ts'
import { SimulatedCluster, type SimulatedClusterOptions } from '../test/simulated-cluster.ts'
import type { LogEntry } from '../store/operation.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'relais-protocol-'))
afterAll(() => rmSync(dataDir, { recursive: true, force: true }))

const SEED = process.env['RELAIS_SEED']
const RUNS = 500

const replica = fc.nat({ max: 1 })
const pick = fc.nat({ max: 999 })
const write = fc.record({
  do: fc.constant('write' as const),
  kind: fc.constantFrom('insert' as const, 'insert' as const, 'replace' as const, 'remove' as const),
  pick,
  key: fc.option(fc.constantFrom('k1', 'k2', 'k3', 'k4'), { nil: undefined }),
})
const send = fc.record({ do: fc.constant('send' as const), replica })
const exchange = fc.record({ do: fc.constant('exchange' as const), replica })
const deliver = fc.record({ do: fc.constant('deliver' as const), pick, isRepeated: fc.boolean() })
const repeat = fc.record({ do: fc.constant('repeat' as const), replica, pick, count: fc.integer({ min: 1, max: 4 }) })
const lose = fc.record({ do: fc.constant('lose' as const), pick })
const giveUp = fc.record({ do: fc.constant('give up' as const), replica })
const crashReplica = fc.record({ do: fc.constant('crash replica' as const), replica })
const crashPrimary = fc.record({ do: fc.constant('crash primary' as const) })
const recover = fc.record({ do: fc.constant('recover' as const), heard: fc.constantFrom([0], [1], [0, 1]) })

const steps = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: write },
    { weight: 8, arbitrary: exchange },
    { weight: 4, arbitrary: send },
    { weight: 8, arbitrary: deliver },
    { weight: 4, arbitrary: repeat },
    { weight: 1, arbitrary: lose },
    { weight: 3, arbitrary: giveUp },
    { weight: 1, arbitrary: crashReplica },
    { weight: 1, arbitrary: crashPrimary },
    { weight: 4, arbitrary: recover },
  ),
  { maxLength: 120, size: 'max' },
)
type Step = typeof steps extends fc.Arbitrary<(infer One)[]> ? One : never

describe('the log protocol', () => {
  it('ends in equal lists after any order, repetition and loss of messages, and any crashes', () => {
    run((cluster, taken) => {
      for (const step of taken) take(cluster, step)
      expect(cluster.settle(), 'level in the end').toBe(true)
      const { list } = cluster.primary!
      for (const { node } of cluster.replicas) {
        expect(node.records.toArray()).toEqual(list.records.toArray())
        expect(node.list.keys.toArray()).toEqual(list.keys.toArray())
        expect(node.list.nextId).toBe(list.nextId)
        expect(node.list.log.epochs).toEqual(list.log.epochs)
        expect(node.notReadyBecause()).toBeUndefined()
      }
    })
  })

  it('leaves each replica, after each step, a prefix of one primary’s history: nothing skipped, nothing twice', () => {
    run((cluster, taken) => {
      for (const step of taken) {
        take(cluster, step)
        for (const { node } of cluster.replicas) {
          const { last } = node.holdings()
          const history = cluster.historyOf(last)
          expect(history).toHaveLength(last.lsn)
          expect(node.records.toArray()).toEqual(replay(history))
        }
      }
    })
  })

  it('never takes a replica back: not to an older epoch, and not within one', () => {
    run((cluster, taken) => {
      for (const step of taken) {
        const before = cluster.replicas.map(({ node, life }) => ({ node, life, position: node.holdings().position }))
        take(cluster, step)
        for (const { node, position } of before) {
          const { position: now } = node.holdings()
          expect(comparePositions(now, position), `${formatPosition(position)} → ${formatPosition(now)}`).toBeGreaterThanOrEqual(0)
        }
      }
    })
  })

  it('loses no confirmed write when a recovery hears all replicas and one that confirmed it has lived on', () => {
    run((cluster, taken) => {
      for (const step of taken) {
        const hearsAll = step.do === 'recover' && step.heard.length === 2 && !cluster.primary
        const held = [...cluster.confirmed.keys()].filter((entry) => cluster.isHeld(entry))
        take(cluster, step)
        const lost = hearsAll ? held.filter((entry) => !cluster.confirmed.has(entry)) : []
        expect(lost).toEqual([])
      }
    })
  })

  it('loses no write that all confirmed when a recovery hears one replica that was level since its start', () => {
    run(
      (cluster, taken) => {
        for (const step of taken) {
          const isEnough = step.do === 'recover' && step.heard.some((heard) => cluster.replicas[heard]!.node.holdings().wasLevel)
          const held = [...cluster.confirmed.keys()].filter((entry) => cluster.isConfirmedByAll(entry))
          take(cluster, step)
          const lost = isEnough ? held.filter((entry) => !cluster.confirmed.has(entry)) : []
          expect(lost).toEqual([])
        }
      },
      { reachesNextLife: false },
    )
  })

  it('brings a replica all at once to what a new epoch began with: its position, epoch first, never says more than it holds', () => {
    run((cluster, taken) => {
      for (const step of taken) {
        take(cluster, step)
        expect(cluster.replicas.map(({ node }) => node.holdings().isWhole)).toEqual([true, true])
      }
    })
  })

  it('shows at a replica that a session token lets through whatever the token’s client has seen, unless it was lost', () => {
    run((cluster, taken) => {
      const seen = new Map<string, { token: Position; last: Position }>()
      for (const step of taken) {
        take(cluster, step)
        for (const { node } of cluster.replicas) {
          const { position, last } = node.holdings()
          const shown = new Set(cluster.historyOf(last))
          const current = new Set(cluster.histories.get(position.epoch))
          for (const { token, last: lastSeen } of seen.values()) {
            if (comparePositions(node.position, token) < 0) continue
            const hidden = cluster.historyOf(lastSeen).filter((entry) => current.has(entry) && !shown.has(entry))
            expect(hidden, `${formatPosition(node.position)} for ${formatPosition(token)}`).toEqual([])
          }
        }
        // Whoever reads, anywhere, is told by a token how far what was shown goes.
        const answers = cluster.replicas.map(({ node }) => ({ token: node.position, last: node.holdings().last }))
        if (cluster.primary) answers.push({ token: cluster.primary.list.position, last: cluster.primary.list.last })
        for (const { token, last } of answers) seen.set(`${formatPosition(token)} ${formatPosition(last)}`, { token, last })
      }
    })
  })
})

function run(check: (cluster: SimulatedCluster, taken: Step[]) => void, options?: SimulatedClusterOptions): void {
  const parameters = { numRuns: RUNS, ...(SEED !== undefined && { seed: Number(SEED) }) }
  fc.assert(
    fc.property(steps, (taken) => check(new SimulatedCluster(dataDir, options), taken)),
    parameters,
  )
}

function take(cluster: SimulatedCluster, step: Step): void {
  if (step.do === 'write') cluster.write(step.kind, step.pick, step.key)
  else if (step.do === 'send') cluster.send(step.replica)
  else if (step.do === 'exchange') cluster.exchange(step.replica)
  else if (step.do === 'deliver') cluster.deliver(step.pick, step.isRepeated)
  else if (step.do === 'repeat') cluster.repeat(step.replica, step.pick, step.count)
  else if (step.do === 'lose') cluster.lose(step.pick)
  else if (step.do === 'give up') cluster.giveUpCall(step.replica)
  else if (step.do === 'crash replica') cluster.crashReplica(step.replica)
  else if (step.do === 'crash primary') cluster.crashPrimary()
  else cluster.recover(step.heard)
}

/** The list that a history makes, by the plainest means. */
function replay(history: readonly LogEntry[]): StoredRecord[] {
  const records = new Map<number, StoredRecord>()
  for (const { id, operation } of history) {
    const { atMs } = operation
    if (operation.type === 'remove') records.delete(id)
    else if (operation.type === 'replace') records.set(id, { ...records.get(id)!, message: operation.message, updatedAtMs: atMs })
    else records.set(id, { id, message: operation.message, origin: operation.origin, createdAtMs: atMs, updatedAtMs: atMs })
  }
  return [...records.values()]
}
