/**
 * Several ways of doing the same thing, measured in rounds, so that a machine that slows down slows them all.
 *
 *   a b c │ b c a │ c a b …     each against the first of them: statistics/paired-ratio.ts
 *
 * Two are what interleave.ts does. With more, a choice nearly always follows the same one: what one leaves behind meets its successor.
 */
import { median } from 'simple-statistics'
import { pairedRatio, verdictOf, type Ratio } from './statistics/paired-ratio.ts'

export interface Choice {
  readonly name: string
  /** Measures once, what it needs in force; rejects when the measurement is worth nothing. */
  readonly measure: () => Promise<Measured>
}

export interface Measured {
  readonly ratePerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of the event loop of who asks, 0 to 1: near 1 it was the limit, and what is compared was not. */
  readonly clientBusyShare: number
}

export interface ComparedChoice extends Measured {
  readonly name: string
  /** Its rate against that of the first choice; null for the first itself, and with fewer than two rounds. */
  readonly ratio: Ratio | null
}

/** Each figure is the median of the rounds. The first round comes once more before all and does not count: it warms up. */
export async function compareChoices(choices: readonly Choice[], rounds: number): Promise<readonly ComparedChoice[]> {
  const measured = new Map<Choice, Measured[]>(choices.map((choice) => [choice, []]))
  for (const { measure } of choices) await measure()
  for (let round = 0; round < rounds; round++)
    for (let place = 0; place < choices.length; place++) {
      const choice = choices[(round + place) % choices.length]!
      measured.get(choice)!.push(await choice.measure())
    }
  const ratesOf = (choice: Choice): number[] => measured.get(choice)!.map(({ ratePerSecond }) => ratePerSecond)
  const medianOf = (choice: Choice, read: (one: Measured) => number): number => median(measured.get(choice)!.map(read))
  return choices.map((choice, index) => ({
    name: choice.name,
    ratio: index === 0 ? null : pairedRatio(ratesOf(choice), ratesOf(choices[0]!)),
    ratePerSecond: medianOf(choice, ({ ratePerSecond }) => ratePerSecond),
    p50Ms: medianOf(choice, ({ p50Ms }) => p50Ms),
    p99Ms: medianOf(choice, ({ p99Ms }) => p99Ms),
    clientBusyShare: medianOf(choice, ({ clientBusyShare }) => clientBusyShare),
  }))
}

/** A Markdown table, as docs/CHOOSING.md has it. */
export function describeChoices(title: string, choices: readonly ComparedChoice[]): string {
  const first = choices[0]!.name
  const rows = choices.map(({ name, ratio, p50Ms, p99Ms, clientBusyShare }, index) => {
    const verdict =
      ratio === null
        ? index === 0
          ? '1'
          : 'two rounds are needed'
        : `${ratio.ratio.toFixed(2)} [${ratio.low.toFixed(2)}, ${ratio.high.toFixed(2)}]`
    const isSame = ratio !== null && verdictOf(ratio) === 'same'
    return `| ${name} | ${verdict}${isSame ? ', no difference shown' : ''} | ${milliseconds(p50Ms)} | ${milliseconds(p99Ms)} | ${(100 * clientBusyShare).toFixed(0)} % |`
  })
  return [`**${title}**`, '', `| | rate, against ${first} | p50 ms | p99 ms | client busy |`, '|---|---|---|---|---|', ...rows].join('\n')
}

function milliseconds(value: number): string {
  return value < 10 ? value.toFixed(2) : value.toFixed(0)
}
