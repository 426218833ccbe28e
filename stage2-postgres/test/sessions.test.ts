/** What the sessions of a service are set to, and that every lookup goes by an index for it. */
import type { Fragment, Sql } from 'postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Connections } from '../store/connections.ts'
import { forgetKeys, insertKeyedBatch, PRIMARY_READS, removeRecord, replaceRecord } from '../store/statements.ts'
import { PostgresCluster } from './postgres-cluster.ts'

let cluster: PostgresCluster
let connections: Connections

beforeAll(async () => {
  cluster = await PostgresCluster.start({ nodes: ['db1'] })
  connections = cluster.connectionsTo('db1')
})
afterAll(async () => {
  await connections.close()
  await cluster.close()
})

type Kind = Parameters<Connections['pool']>[0]
const ask = (kind: Kind, statement: (sql: Sql) => PromiseLike<readonly object[]>): Promise<readonly object[]> =>
  connections.pool(kind).run((link) => link.query(statement), 5_000)

const WRITES = { enable_seqscan: 'off', enable_hashjoin: 'off', enable_mergejoin: 'off', lock_timeout: '1s', statement_timeout: '5s' }

it.each<[Kind, Record<string, string>]>([
  ['reads', { enable_seqscan: 'off', statement_timeout: '2s' }],
  ['inserts', WRITES],
  ['changes', WRITES],
  ['monitor', { statement_timeout: '1s' }],
])('a session for %s has its settings in force', async (kind, settings) => {
  for (const [name, value] of Object.entries(settings)) {
    expect(await ask(kind, (sql) => sql`SELECT current_setting(${name}) AS value`), name).toEqual([{ value }])
  }
})

it.each<[string, Kind, (sql: Sql) => Fragment]>([
  ['the newest page', 'reads', (sql) => PRIMARY_READS.newest(sql, 50)],
  ['an older page', 'reads', (sql) => PRIMARY_READS.before(sql, 50, 1_000)],
  ['a record', 'reads', (sql) => PRIMARY_READS.get(sql, 7)],
  ['keyed inserts', 'inserts', (sql) => insertKeyedBatch(sql, '{a,b}', '{k1,k2}', '{f,f}', 'DB1')],
  ['a replacement', 'changes', (sql) => replaceRecord(sql, 7, 'message', 'key', 'f')],
  ['a removal', 'changes', (sql) => removeRecord(sql, 7, 'key', 'f')],
  ['old keys', 'changes', (sql) => forgetKeys(sql, 900_000, 20_000)],
])('%s: looked up by index, even in an empty table', async (_, kind, statement) => {
  const plan = await ask(kind, (sql) => sql`EXPLAIN ${statement(sql)}`)
  const text = plan.map((row) => Object.values(row)[0] as string).join('\n')
  expect(text).toMatch(/Index/)
  expect(text).not.toMatch(/Seq Scan|Hash Join|Merge Join/)
})
