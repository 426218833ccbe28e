// What a test run came to, in a few lines: every skipped test by name, then the counts. Exit 1 when nothing ran.
import { existsSync, readFileSync } from 'node:fs'

const file = process.argv[2]
if (!existsSync(file)) {
  console.error(`Failed to summarise the tests: ${file} is not there, so the run ended before its report.`)
  process.exit(1)
}
const report = JSON.parse(readFileSync(file, 'utf8'))
const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults)
const skipped = tests.filter(({ status }) => status === 'pending' || status === 'skipped' || status === 'todo')
for (const { fullName } of skipped) console.log(`skipped: ${fullName}`)
console.log(`${report.numPassedTests} passed, ${report.numFailedTests} failed, ${skipped.length} skipped`)
if (report.numPassedTests === 0) process.exit(1)
