/** All tests of the workspace in one run, two files beside each other; but for those that bring a crowd or hold to a clock. */
import { defineConfig } from 'vitest/config'

const ALL = '{shared,stage1-memory,stage2-postgres,lab}/**/*.test.ts'
/** On two cores a neighbour of theirs would be measured, too. */
const ALONE = [
  'lab/test/{bench-quick,monitoring-live,stage2-consistency}.test.ts',
  'stage2-postgres/test/{crash,durability,overload}.test.ts',
]

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // A wait that is long enough costs nothing, and one second is not: a look may be a whole command.
    expect: { poll: { timeout: 10_000 } },
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: 'side by side', include: [ALL], exclude: ['**/node_modules/**', ...ALONE] } },
      { extends: true, test: { name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
})
