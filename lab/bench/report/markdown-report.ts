/** The report as text. */
import type { BenchRecord } from '../results/bench-record.ts'

export function markdownReport(record: BenchRecord): string {
  return `# Benchmark of ${record.startedAt}\n`
}
