/** Stage 1 holds the store contract, with real replication over HTTP. */
import { describeStoreContract } from '@relais/shared/store/store.contract.ts'
import { MemoryCluster } from './memory-cluster.ts'

describeStoreContract('lists in memory', async () => {
  const cluster = await MemoryCluster.start()
  return {
    primary: cluster.node('db1').store,
    replicas: [cluster.node('db2').store, cluster.node('db3').store],
    close: () => cluster.close(),
  }
})
