/** A run's report, in the order in which it is read: the result, the claims, each load, the experiments, and why to believe it. */
import type { BenchRecord } from '../results/bench-record.ts'
import { experimentSections } from './experiment-sections.ts'
import { loadSections } from './load-sections.ts'
import type { ReportDocument } from './report-document.ts'
import { accountSection, claimsSection, machineSection, summarySection } from './trust-sections.ts'

export function benchReport(record: BenchRecord): ReportDocument {
  const { machine, options, startedAt } = record
  return {
    title: `Benchmark of ${new Date(startedAt).toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    lead: `Load balancing and replication, measured on ${machine.cpuModel} with ${machine.cores} cores${options.runtime === 'compose' ? ', in containers' : ''}: ${options.stages.join(' and ')}, ${options.runs} ${options.runs === 1 ? 'run' : 'runs'} of each test. CPU: ${machine.cpuLimit}`,
    sections: [
      summarySection(record),
      claimsSection(record),
      ...loadSections(record),
      ...experimentSections(record),
      accountSection(record),
      machineSection(record),
    ],
  }
}
