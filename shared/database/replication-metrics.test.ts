import { describe, expect, it } from 'vitest'
import { Metrics } from '../observe/metrics.ts'
import type { ReplicaStatus, ReplicationStatus } from '../store/store.ts'
import { countReplication } from './replication-metrics.ts'

const LEVEL: ReplicaStatus = { name: 'db2', state: 'streaming', position: '1:7', lagRecords: 0, lagBytes: null, lagMs: 0 }
const LATE: ReplicaStatus = { name: 'db3', state: 'unreachable', position: null, lagRecords: 5, lagBytes: null, lagMs: 1_500 }
const PRIMARY: ReplicationStatus = {
  name: 'db1',
  role: 'primary',
  mechanism: 'log',
  durability: 'async',
  position: '1:7',
  upstream: null,
  replicas: [LEVEL, LATE],
}

describe('the metrics of replication', () => {
  it('tell of each replica on the primary', async () => {
    const values = await valuesOf('primary', async () => PRIMARY)
    expect(values).toEqual({
      relais_primary: 1,
      'relais_replication_streaming db2': 1,
      'relais_replication_streaming db3': 0,
      'relais_replication_lag_records db2': 0,
      'relais_replication_lag_records db3': 5,
      'relais_replication_lag_seconds db2': 0,
      'relais_replication_lag_seconds db3': 1.5,
    })
  })

  it('tell of a replica on itself, under its own name', async () => {
    const upstream: ReplicaStatus = { ...LEVEL, name: 'db1', lagRecords: null, lagBytes: 4_096, lagMs: 20 }
    const values = await valuesOf('replica', async () => ({ ...PRIMARY, name: 'db2', role: 'replica', upstream, replicas: [] }))
    expect(values).toEqual({
      relais_primary: 0,
      'relais_replication_streaming db2': 1,
      'relais_replication_lag_bytes db2': 4_096,
      'relais_replication_lag_seconds db2': 0.02,
    })
  })

  it('leave out what the store cannot tell, and do not fail the scrape', async () => {
    const values = await valuesOf('replica', async () => Promise.reject(new Error('PostgreSQL is away')))
    expect(values).toEqual({ relais_primary: 0 })
  })

  it('ask the store once a scrape', async () => {
    let asked = 0
    await valuesOf('primary', async () => (asked++, PRIMARY))
    expect(asked).toBe(1)
  })
})

/** Each sample by its name and its replica. */
async function valuesOf(role: 'primary' | 'replica', replication: () => Promise<ReplicationStatus>): Promise<Record<string, number>> {
  const metrics = new Metrics('stage1', 'db1', () => 0)
  countReplication(metrics, { role, replication })
  const samples = [...(await metrics.text()).matchAll(/^(relais_(?:primary|replication)\w*)\{(.*)\} (\S+)$/gm)]
  return Object.fromEntries(
    samples.map(([, name, labels, value]) => [[name, ...(/replica="(\w+)"/.exec(labels!)?.slice(1) ?? [])].join(' '), Number(value)]),
  )
}
