/** A test's steps on a running cluster: one ledger for warm-up and run, so that a read may show what the warm-up wrote. */
import { checkWrites } from '../load/check-writes.ts'
import { runLoad } from '../load/run-load.ts'
import { WriteLedger } from '../load/write-ledger.ts'
import { observeRun } from '../measure/observe-run.ts'
import { loopOf, type TestSteps } from './measure-test.ts'
import { LOAD_SHAPES, WARM_UP_CONNECTIONS, WARM_UP_REQUESTS, WRITE_SHARE } from './protocol.ts'
import type { TestEnvironment } from './test-environment.ts'
import type { PlannedTest } from './test-plan.ts'

export function liveTest(environment: TestEnvironment, test: PlannedTest, signal: AbortSignal): TestSteps {
  const ledger = new WriteLedger()
  const { entryUrl, topology, databaseUrls } = environment
  const common = { entryUrl, ledger, signal, writeShare: WRITE_SHARE, seed: test.seed }
  return {
    reset: () => environment.reset(signal),
    async warmUp() {
      const shape = { requests: WARM_UP_REQUESTS, connections: WARM_UP_CONNECTIONS }
      await runLoad({ ...common, ...shape, loop: 'closed', ratePerSecond: null, isWarmUp: true })
    },
    run() {
      const { ratePerSecond } = test
      const load = { ...common, ...LOAD_SHAPES[test.load], loop: loopOf(ratePerSecond), ratePerSecond }
      const stage = { topology, resources: environment.resources(), logs: () => environment.logs(), signal }
      return observeRun(stage, (whenOpened) => runLoad({ ...load, whenOpened }))
    },
    checkWrites: () => checkWrites(ledger, databaseUrls, signal),
  }
}
