/** All tests of the workspace in one run; integration tests share two cores, so files run one after the other there. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{shared,stage1-memory,stage2-postgres,lab}/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // A wait that is long enough costs nothing, and one second is not: a look may be a whole command.
    expect: { poll: { timeout: 10_000 } },
    maxWorkers: 2,
  },
})
