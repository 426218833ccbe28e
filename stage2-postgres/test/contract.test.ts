/** Stage 2 holds the store contract, over a real cluster with streaming replication. */
import { afterAll, beforeAll } from 'vitest'
import { describeStoreContract } from '@relais/shared/store/store.contract.ts'
import { PostgresCluster } from './postgres-cluster.ts'

let cluster: PostgresCluster

beforeAll(async () => {
  cluster = await PostgresCluster.start()
})
afterAll(() => cluster.close())

// One cluster for all of it, emptied before each test: making one takes seconds.
describeStoreContract('PostgreSQL', async () => {
  await cluster.empty()
  return {
    primary: cluster.service('db1').store,
    replicas: [cluster.service('db2').store, cluster.service('db3').store],
    close: async () => {},
  }
})
