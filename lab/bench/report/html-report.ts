/** The report as one self-contained page. */
import type { BenchRecord } from '../results/bench-record.ts'

export function htmlReport(record: BenchRecord): string {
  return `<!doctype html><title>relais ${record.startedAt}</title>`
}
