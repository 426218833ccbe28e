/**
 * What a person sees while a bench runs: a line for each finished step, and the time that is left.
 *
 * The steps are of unlike length, so the time left is counted in what was expected of each and scaled by what those before took.
 */
import type { BenchProgress } from './run-bench.ts'

/** `print` gets whole lines. */
export function showProgress(
  print: (line: string) => void,
  expectedS: (title: string) => number,
  nowMs = (): number => performance.now(),
): BenchProgress {
  let titles: readonly string[] = []
  const startedAtMs = nowMs()
  const leftS = (done: number): number => {
    const expected = titles.map(expectedS)
    const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
    const expectedSoFarS = sum(expected.slice(0, done))
    const scale = expectedSoFarS > 0 ? (nowMs() - startedAtMs) / 1000 / expectedSoFarS : 1
    return sum(expected.slice(done)) * scale
  }
  return {
    planned(all) {
      titles = all
      print(`${all.length} steps, about ${inMinutes(leftS(0))}. Ctrl-C stops the benchmark and keeps the finished steps.`)
    },
    begun() {},
    finished(index, summary) {
      const place = `[${String(index + 1).padStart(String(titles.length).length)}/${titles.length}]`
      print(`${place} ${titles[index]}: ${summary}   (${inMinutes(leftS(index + 1))} left)`)
    },
  }
}

/** Where nobody looks. */
export const SILENT: BenchProgress = { planned() {}, begun() {}, finished() {} }

export function inMinutes(seconds: number): string {
  return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`
}
