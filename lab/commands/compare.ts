/**
 * `compare RUN_A RUN_B`: two runs side by side. `compare --results RUN`: the results page from one.
 */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { comparisonOf } from '../bench/report/comparison.ts'
import { markdownDocument } from '../bench/report/markdown-document.ts'
import { findRecordFile, readRecord } from '../bench/report/read-record.ts'
import { resultsPage } from '../bench/report/results-page.ts'
import type { Command } from '../command-line/command.ts'
import { misused } from '../failure.ts'
import { REPOSITORY } from '../runtime/stage-directory.ts'

export const command: Command = {
  summary: 'Compares two benchmark runs side by side, with intervals.',
  operands: 'RUN_A RUN_B',
  options: { results: { type: 'string' }, output: { type: 'string' } },
  help: `  RUN              a run's directory or its name below .relais/runs, \`latest\`, or a bench.json
  --results RUN    instead: write docs/RESULTS.md, what this run says about the report's claims
  --output FILE    with --results: write to FILE instead`,
  async run({ operands: [nameA, nameB], values }, { stateDirectory, print }) {
    const read = async (name: string) => readRecord(await findRecordFile(name, path.join(stateDirectory, 'runs')))
    const { results, output } = values
    if (typeof results === 'string') {
      if (nameA !== undefined) throw misused(`Failed to read \`compare\`: found ${nameA} beside --results, expected only one of the two.`)
      const file = path.resolve(typeof output === 'string' ? output : path.join(REPOSITORY, 'docs', 'RESULTS.md'))
      await writeFile(file, resultsPage(await read(results)))
      print(`Wrote ${file}.`)
      return 0
    }
    if (typeof output === 'string') throw misused('Failed to read `compare`: --output needs --results RUN.')
    if (nameA === undefined || nameB === undefined) {
      throw misused('Failed to read `compare`: expected two runs, for example `npm run lab -- compare RUN latest`.')
    }
    print(markdownDocument(comparisonOf(await read(nameA), await read(nameB))).trimEnd())
    return 0
  },
}
