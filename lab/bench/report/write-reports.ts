/**
 * What a run leaves for people to read: report.md and report.html, beside the bench.json that they are computed from.
 *
 *   suite ─▶ bench.json ─▶ sections ─▶ report.md (text) and report.html (charts as inline SVG, nothing loaded from elsewhere)
 */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { BenchRecord } from '../results/bench-record.ts'
import { benchReport } from './bench-report.ts'
import { htmlDocument } from './html-document.ts'
import { markdownDocument } from './markdown-document.ts'

/** Writes both into `directory`, which is made if it is missing; files of an earlier report are replaced. */
export async function writeReports(directory: string, record: BenchRecord): Promise<void> {
  await mkdir(directory, { recursive: true })
  const report = benchReport(record)
  await writeFile(path.join(directory, 'report.md'), markdownDocument(report))
  await writeFile(path.join(directory, 'report.html'), htmlDocument(report))
}
