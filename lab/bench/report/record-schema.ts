/**
 * The shape of a record once more, as zod checks it: a file is parsed at the edge, and everything behind trusts the type.
 *
 * `satisfies` holds the two together: a field that is added to the one and not to the other does not compile.
 */
import { z } from 'zod'
import { STAGE_NAMES } from '../../topology.ts'
import { AGGREGATE_WAYS, CONFIGURATIONS, LOADS, type BenchRecord } from '../results/bench-record.ts'

const amount = z.number().nonnegative()
const count = z.int().nonnegative()
const text = z.string().max(10_000)
const rates = z.array(amount).max(10_000)
const counted = z.record(text, count)
const stage = z.enum(STAGE_NAMES)

const outcomes = z.object({ served: count, wrong: count, refused: count, timedOut: count, lost: count })

const latency = z.object({
  meanMs: amount.nullable(),
  p50Ms: amount.nullable(),
  p90Ms: amount.nullable(),
  p95Ms: amount.nullable(),
  p99Ms: amount.nullable(),
  maxMs: amount.nullable(),
})

const paired = z
  .object({ a: text, b: text, ratesA: rates, ratesB: rates })
  .refine(({ ratesA, ratesB }) => ratesA.length === ratesB.length, 'expected as many rates of A as of B')

const options = z.object({
  stages: z.array(stage),
  configurations: z.array(z.enum(CONFIGURATIONS)),
  loads: z.array(z.enum(LOADS)),
  runs: count,
  cpuPerInstance: amount.nullable(),
  ratePerSecond: amount.nullable(),
  runtime: z.enum(['native', 'compose']),
  seed: z.number(),
  isQuick: z.boolean(),
})

const machine = z.object({
  cpuModel: text,
  cores: amount,
  memoryMiB: amount,
  kernel: text,
  versions: z.record(text, text),
  cpuLimit: text,
})

const replication = z.object({
  lagRecordsMax: amount.nullable(),
  lagMsP50: amount.nullable(),
  lagMsMax: amount.nullable(),
  caughtUpAfterMs: amount.nullable(),
  samples: z.array(z.object({ atMs: amount, lagRecords: amount.nullable(), lagMs: amount.nullable() })).max(100_000),
})

const repetition = z.object({
  stage,
  configuration: z.enum(CONFIGURATIONS),
  load: z.enum(LOADS),
  run: count,
  cpuPerInstance: amount.nullable(),
  connections: count,
  loop: z.enum(['closed', 'open']),
  ratePerSecond: amount.nullable(),
  brokenBecause: text.nullable(),
  requested: count,
  outcomes,
  failures: counted,
  durationS: amount,
  goodputPerSecond: amount,
  throughputPerSecond: amount,
  transferKiBPerSecond: amount,
  latency,
  readLatency: latency,
  writeLatency: latency,
  instances: z.array(z.object({ name: text, cpuS: amount, memoryMiB: amount })),
  generatorCpuS: amount,
  isGeneratorBottleneck: z.boolean(),
  distribution: z.object({ reads: counted, writes: counted, moved: count }),
  replication: replication.nullable(),
  reads: z.object({ checked: count, stale: count, staleByMax: count }),
  writes: z.object({ acknowledged: count, missing: count, repeated: count, unacknowledgedPresent: count }),
  reconciliation: z.object({ counts: counted, differences: z.array(text) }),
})

const capacity = z.object({
  stage,
  cpuPerDatabase: amount.nullable(),
  connections: count,
  readsThreeAgainstOne: paired,
  writesThreeAgainstOne: paired,
  mixThreeAgainstOne: paired,
  byDatabases: z.array(z.object({ databases: count, rates })),
  byConcurrency: z.array(z.object({ connections: count, rates })),
  costs: z
    .object({
      readCpuMs: amount,
      readAloneCpuMs: amount,
      writeAloneCpuMs: amount,
      writeOnPrimaryCpuMs: amount,
      applyOnReplicaCpuMs: amount,
    })
    .nullable(),
  mixReadsOnPrimary: amount.max(1).nullable(),
})

const timeline = z.array(z.object({ atMs: amount, maxMs: amount, p50Ms: amount, served: count })).max(100_000)
const pausedRun = z.object({ latency, outcomes, timeline })

const aggregate = z.object({
  way: z.enum(AGGREGATE_WAYS),
  parallel: count,
  run: count,
  durationMs: amount,
  served: count,
  tooManyClients: count,
  otherErrors: count,
  latency,
  servedBy: counted,
})

export const recordSchema = z.object({
  format: z.literal(1),
  startedAt: z.iso.datetime({ offset: true }),
  endedAt: z.iso.datetime({ offset: true }),
  isComplete: z.boolean(),
  options,
  machine,
  generator: z.object({ closedLoopPerSecond: amount, openLoopPerSecond: amount }).nullable(),
  noiseFloor: paired.nullable(),
  repetitions: z.array(repetition),
  capacity: capacity.nullable(),
  pause: z.object({ stage, pausedInstance: text, pauseMs: amount, ratePerSecond: amount, open: pausedRun, closed: pausedRun }).nullable(),
  aggregates: z.array(aggregate),
  remarks: z.array(text),
  notes: z.array(text),
}) satisfies z.ZodType<BenchRecord>
