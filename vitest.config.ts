/** All tests of the workspace in one run; integration tests share two cores, so files run one after the other there. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{shared,stage1-memory,stage2-postgres,lab}/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
})
