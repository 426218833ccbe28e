/**
 * The results page: what one full run says of the report's claims. Every conclusion is computed from the record by claims.ts and
 * contradictions.ts, none is written down; another record may turn it round.
 */
import type { BenchRecord } from '../results/bench-record.ts'
import { conclusionSentences } from './conclusions.ts'
import { contradictionsOf } from './contradictions.ts'
import { experimentSections } from './experiment-sections.ts'
import { loadSections } from './load-sections.ts'
import { markdownDocument } from './markdown-document.ts'
import { table, text, type Section } from './report-document.ts'
import { accountSection, claimsSection, machineSection, summarySection } from './trust-sections.ts'

export function resultsPage(record: BenchRecord): string {
  const { cpuModel, cores, memoryMiB } = record.machine
  return markdownDocument({
    title: 'Results',
    lead: `Made by \`npm run lab -- compare --results RUN\` from the run of ${record.startedAt} on ${cpuModel}, ${cores} cores, ${memoryMiB} MiB. Change nothing here by hand.`,
    sections: [
      { id: 'conclusions', title: 'What we conclude', blocks: [{ kind: 'list', items: conclusionSentences(record) }] },
      summarySection(record),
      claimsSection(record),
      contradictionSection(record),
      ...loadSections(record),
      ...experimentSections(record),
      accountSection(record),
      machineSection(record),
    ],
  })
}

function contradictionSection(record: BenchRecord): Section {
  const rows = contradictionsOf(record).map(({ objection, measured, standing }) => [objection, measured, `**${standing}**`])
  return {
    id: 'objections',
    title: 'Why the report’s figures cannot be taken as they stand',
    blocks: [
      text('Six objections to the report, and whether this run’s own measurements bear them out.'),
      table('Objection by objection', ['objection', 'measured here', 'standing'], rows),
    ],
  }
}
