/**
 * What people get from a run: the report in a real Chromium, the Markdown, the comparison, RESULTS, and files that are no record.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium, type Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { benchReport } from '../bench/report/bench-report.ts'
import { conclusionsOf, judge } from '../bench/report/claims.ts'
import { comparisonOf } from '../bench/report/comparison.ts'
import { conclusionSentences } from '../bench/report/conclusions.ts'
import { contradictionsOf } from '../bench/report/contradictions.ts'
import { markdownDocument } from '../bench/report/markdown-document.ts'
import { findRecordFile, readRecord } from '../bench/report/read-record.ts'
import { resultsPage } from '../bench/report/results-page.ts'
import { goodput, ratioOf, scenariosOf } from '../bench/report/scenario.ts'
import { writeReports } from '../bench/report/write-reports.ts'
import type { BenchRecord } from '../bench/results/bench-record.ts'
import { exampleRecord, HOSTILE } from './support/example-record.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'relais-report-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const EMPTY: Partial<BenchRecord> = {
  isComplete: false,
  generator: null,
  noiseFloor: null,
  repetitions: [],
  capacity: null,
  pause: null,
  aggregates: [],
}

/** A/A that found a difference where there is none, and one that could have hidden any. */
const NOISY = { a: 'x', b: 'x', ratesA: [110, 111, 112], ratesB: [100, 100, 100] }
const COARSE = { a: 'x', b: 'x', ratesA: [150, 100, 130], ratesB: [100, 140, 125] }

async function written(name: string, record: BenchRecord): Promise<{ html: string; markdown: string; file: string }> {
  const place = path.join(directory, name)
  await writeReports(place, record)
  const file = path.join(place, 'report.html')
  return { file, html: await readFile(file, 'utf8'), markdown: await readFile(path.join(place, 'report.md'), 'utf8') }
}

describe('the report', () => {
  test('needs nothing but itself, and lets no text of a record become markup', async () => {
    const { html } = await written('alone', exampleRecord())
    expect(html).not.toContain('<script')
    expect(html).not.toMatch(/(?:src|href)="(?!#|data:)/)
    expect(html).not.toMatch(/url\(|@import/)
    expect(html).toContain('&lt;script&gt;')
    expect(html).not.toMatch(/NaN|undefined|Infinity|\[object/)
  })

  test('gives every chart a title, a description and its figures', async () => {
    const { html } = await written('accessible', exampleRecord())
    const drawings = html.match(/<svg\b.*?<\/svg>/gs)!
    expect(drawings.length).toBeGreaterThan(20)
    expect(
      drawings.filter((svg) => !/role="img" aria-labelledby="\S+ \S+"><title id="\S+">.+<\/title><desc id="\S+">.+<\/desc>/s.test(svg)),
    ).toEqual([])
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(html.match(/<figure>/g)!.length).toBe(html.match(/The figures of this chart/g)!.length)
    expect(html.match(/<figure>/g)!.length).toBe(html.match(/How to read this\./g)!.length)
  })

  test('shows a broken run with its reason, and leaves it out of every figure', async () => {
    const record = exampleRecord()
    const { markdown } = await written('broken', record)
    expect(markdown).toContain('db2 ended')
    const scenario = scenariosOf(record.repetitions).find(({ single }) => single.broken.length > 0)!
    expect(scenario.single.kept).toHaveLength(2)
    // The broken run's rate of 1 would make the mean ratio several times as large.
    expect(ratioOf(scenario, goodput)!.ratio).toBeLessThan(2)
    expect(ratioOf(scenario, goodput)!.pairs).toBe(2)
  })

  test('says of a run whose classes do not add up that they do not', async () => {
    const [first] = exampleRecord().repetitions
    const { markdown } = await written('sum', exampleRecord({ repetitions: [{ ...first!, requested: 1_001 }] }))
    expect(markdown).toContain('1\u202F000 ≠ 1\u202F001')
  })

  test('is written for a record that was cut short before anything was measured', async () => {
    const { markdown, html } = await written('empty', exampleRecord(EMPTY))
    expect(markdown).toContain('cut short')
    expect(html).not.toMatch(/NaN|undefined|Infinity/)
  })

  test('says of a law that misses what was measured that its peak is nothing to size a pool by', async () => {
    const record = exampleRecord()
    const sentence = 'The highest rate was measured at 8 connections; the fitted law is off by up to '
    expect((await written('fitted', record)).markdown).not.toContain('the fitted law is off')
    const capacity = {
      ...record.capacity!,
      byConcurrency: [1, 8, 16, 32].map((n) => ({ connections: n, rates: n === 8 ? [9_000] : [1_000] })),
    }
    expect((await written('misfit', { ...record, capacity })).markdown).toContain(sentence)
  })

  test('states a generator that was the bottleneck', async () => {
    const busy = exampleRecord().repetitions.map((one) => ({ ...one, isGeneratorBottleneck: true }))
    const waiting = busy.map((one) => ({ ...one, generatorCpuS: one.durationS * 0.2 }))
    expect((await written('waiting', exampleRecord({ repetitions: waiting }))).markdown).toContain('had to wait for a core')
    const repetitions = busy.map((one) => ({ ...one, generatorCpuS: one.durationS * 0.95 }))
    const record = exampleRecord({ repetitions })
    expect((await written('generator', record)).markdown).toContain('the generator itself was the bottleneck')
    const gains = conclusionsOf(record).filter(({ claim }) => claim.startsWith('requests/s'))
    expect(gains.map(({ standing }) => standing)).toEqual(gains.map(() => 'inconclusive'))
  })
})

describe('a conclusion', () => {
  const ratio = (low: number, high: number) => ({ ratio: Math.sqrt(low * high), low, high, pairs: 3 })

  test.each([
    ['upheld', ratio(1.5, 1.8)],
    ['not upheld', ratio(1.1, 1.3)],
    ['not upheld', ratio(2, 2.2)],
    ['not upheld', ratio(0.9, 1.1)],
    ['inconclusive', ratio(0.9, 1.8)],
    ['inconclusive', ratio(1.2, 2.8)],
    ['inconclusive', null],
  ] as const)('is "%s" when the record has it so', (standing, ours) => {
    expect(judge(ours, 1.673, null).standing).toBe(standing)
  })

  test('holds a figure against closed loops of the load that it is of, and against nothing else', () => {
    const { repetitions } = exampleRecord()
    const open = repetitions.map((one) => ({ ...one, loop: 'open' as const, ratePerSecond: 400 }))
    const conclusions = conclusionsOf(exampleRecord({ repetitions: [...repetitions, ...open] }))
    const gains = conclusions.filter(({ claim }) => claim.includes(' under '))
    // Eleven figures, in each of two stages; and errors under each of four loads.
    expect([gains.length, conclusions.filter(({ section }) => section === '8.1').length]).toEqual([22, 8])
    for (const { claim, measured } of gains) expect(measured).toContain(`, ${claim.split(' ').at(-1)!}, 0.1 of a core)`)
  })

  test('turns round with the record', () => {
    const halved = exampleRecord().repetitions.map((one) =>
      one.configuration === 'balanced' ? { ...one, goodputPerSecond: one.goodputPerSecond / 2 } : one,
    )
    const of = (record: BenchRecord) => conclusionsOf(record).find(({ section }) => section === '6.3.1, 6.4')!.standing
    expect([of(exampleRecord()), of(exampleRecord({ repetitions: halved }))]).toEqual(['upheld', 'not upheld'])
    expect(of(exampleRecord({ noiseFloor: NOISY }))).toBe('inconclusive')
    expect(of(exampleRecord({ noiseFloor: COARSE }))).toBe('inconclusive')
  })

  test('on errors needs both rates, and not only their difference', () => {
    const withErrors = (balanced: number, single: number) =>
      exampleRecord({
        repetitions: exampleRecord().repetitions.map((one, index) => {
          const share = (one.configuration === 'balanced' ? balanced : single) + ((index % 3) - 1) * 0.0002
          const refused = Math.round(one.requested * share)
          return { ...one, brokenBecause: null, outcomes: { ...one.outcomes, refused, served: one.requested - refused } }
        }),
      })
    const of = (record: BenchRecord) =>
      conclusionsOf(record).find(({ section, measured }) => section === '8.1' && measured.includes('stress'))!
    expect(of(withErrors(0.0005, 0.0325)).standing).toBe('upheld')
    expect(of(withErrors(0.5, 0.532)).standing).toBe('not upheld')
    expect(of(exampleRecord({ noiseFloor: NOISY, repetitions: withErrors(0.0005, 0.0325).repetitions })).standing).toBe('inconclusive')
  })

  test('on errors is none when both rates are found, and cannot be told apart', () => {
    // Of 10 000 requests each: the rates agree with 0.05 % and 3.25 %, and a pair's difference with anything.
    const refused = { balanced: [0, 10, 5], single: [5, 600, 350] }
    const repetitions = exampleRecord().repetitions.map((one) => {
      const amount = refused[one.configuration][one.run - 1]!
      return { ...one, brokenBecause: null, requested: 10_000, outcomes: { ...one.outcomes, refused: amount, served: 10_000 - amount } }
    })
    const conclusion = conclusionsOf(exampleRecord({ repetitions })).find(({ section }) => section === '8.1')
    expect(conclusion).toMatchObject({ standing: 'inconclusive', because: 'the two rates cannot be told apart' })
    expect(conclusion!.measured).toContain('0.05 % [0.00 %, 0.17 %] with, 3.18 % [0.00 %, 10.6')
  })

  test('on a load that was not measured says so, and is none', () => {
    const repetitions = exampleRecord().repetitions.filter(
      ({ load, stage }) => load === 'light' || (load === 'stress' && stage === 'stage2'),
    )
    const unmeasured = conclusionsOf(exampleRecord({ repetitions })).filter(({ measured }) => measured === 'not measured')
    expect(unmeasured.map(({ claim, standing }) => [claim, standing])).toEqual([
      ['its figures for medium load', 'inconclusive'],
      ['its figures for intensive load', 'inconclusive'],
    ])
  })

  test('on aggregates is none from durations of which one had refusals, and one from pools that answered all', () => {
    const [bare, pooled] = conclusionsOf(exampleRecord()).filter(({ section }) => section === '6.3.2')
    expect(bare).toMatchObject({ standing: 'inconclusive', because: expect.stringContaining('570 of 1\u202F500') as string })
    // 500 in 29 units against 190 in 34.
    expect(bare!.measured).toContain(`${((500 / 29) * (34 / 190)).toFixed(2)} [`)
    expect(pooled).toMatchObject({ standing: 'not upheld', measured: expect.stringContaining('1.17 [') as string })
    const answered = exampleRecord().aggregates.map((run) => ({ ...run, served: run.parallel, tooManyClients: 0 }))
    expect(conclusionsOf(exampleRecord({ aggregates: answered })).at(-2)).toMatchObject({ standing: 'not upheld' })
  })

  test('on errors where none was seen leaves as many as the number of requests does', () => {
    const [first] = exampleRecord().repetitions
    const clean = (requested: number) =>
      exampleRecord({
        repetitions: [1, 2, 3, 4, 5].flatMap((run) =>
          (['balanced', 'single'] as const).map((configuration) => {
            const outcomes = { ...first!.outcomes, served: requested, wrong: 0, refused: 0, timedOut: 0, lost: 0 }
            return { ...first!, configuration, run, brokenBecause: null, requested, outcomes }
          }),
        ),
      })
    const of = (record: BenchRecord) => conclusionsOf(record).find(({ section }) => section === '8.1')!
    expect(of(clean(1_000))).toMatchObject({
      measured: expect.stringContaining('0.00 % (0 of 5\u202F000; at most 0.074 %) with') as string,
      because: '3.25 % lies outside the measured interval',
    })
    expect(of(clean(10_000)).because).toBe('0.05 % and 3.25 % lie outside the measured intervals')
  })

  test('on pools of which not every query was answered says so, and concludes nothing', () => {
    const aggregates = exampleRecord().aggregates.map((run) =>
      run.way === 'pooled-db-lb' ? { ...run, served: run.parallel - 1, otherErrors: 1 } : run,
    )
    const pooled = conclusionsOf(exampleRecord({ aggregates })).filter(({ section }) => section === '6.3.2')[1]
    expect(pooled).toMatchObject({ standing: 'inconclusive', measured: expect.stringContaining('queries not answered') as string })
    expect(pooled!.measured).not.toContain('every query')
  })

  test('on the pool is withdrawn when the pool has errors too', () => {
    const pool = (record: BenchRecord) => contradictionsOf(record)[4]!.standing
    expect(pool(exampleRecord())).toBe('upheld')
    expect(pool(exampleRecord({ aggregates: exampleRecord().aggregates.map((run) => ({ ...run, otherErrors: 1 })) }))).toBe('not upheld')
    expect(contradictionsOf(exampleRecord(EMPTY)).filter(({ standing }) => standing !== 'inconclusive')).toEqual([])
  })
})

describe('a record', () => {
  test('is read as it was written, by its file and by its directory', async () => {
    const file = path.join(directory, 'bench.json')
    await writeFile(file, JSON.stringify(exampleRecord()))
    expect(await readRecord(await findRecordFile(directory, 'nowhere'))).toEqual(exampleRecord())
    expect(await findRecordFile(path.basename(directory), path.dirname(directory))).toBe(file)
  })

  test.each([
    ['cut short', '{"format": 1, "star', 'found no complete JSON'],
    ['foreign', '{"name": "x"}', 'found no "format", expected format 1'],
    ['of another version', '{"format": 2}', 'found format 2, expected format 1'],
    ['damaged', JSON.stringify({ ...exampleRecord(), machine: { ...exampleRecord().machine, cores: 'two' } }), 'at machine.cores'],
  ])('that is %s is refused, and the reason named', async (_, content, reason) => {
    const file = path.join(directory, 'wrong.json')
    await writeFile(file, content)
    await expect(readRecord(file)).rejects.toMatchObject({ name: 'Failure', message: expect.stringContaining(reason) as string })
  })

  test('that is not there is a wrong usage', async () => {
    await expect(findRecordFile('latest', directory)).rejects.toMatchObject({ exitCode: 2 })
  })
})

test('a comparison of a run with itself names no winner', () => {
  const text = markdownDocument(comparisonOf(exampleRecord(), exampleRecord()))
  const rows = text.split('\n').filter((line) => / (balanced|single) \|/.test(line))
  expect(rows).toHaveLength(32)
  expect(rows.filter((row) => !row.includes('no winner'))).toEqual([])
})

test('a comparison has B/A of each test and side, names no winner only where there is none, and keeps the gain within each run apart', () => {
  const record = exampleRecord()
  const faster = record.repetitions
    .filter(({ load }) => load !== 'stress')
    .map((one) => ({
      ...one,
      goodputPerSecond: one.goodputPerSecond * (one.configuration === 'balanced' ? 3 : 2),
      latency: { ...one.latency, p99Ms: one.latency.p99Ms! / 4 },
    }))
  const text = markdownDocument(comparisonOf(record, exampleRecord({ repetitions: faster })))
  const rows = text.split('\n').map((line) => line.split('|').map((cell) => cell.trim()))
  const cellsOf = (name: string): string[][] => rows.filter((cells) => cells[1] === name).map((cells) => cells.slice(2, -1))
  // Goodput, p99.
  expect(cellsOf('stage2, light, 0.1 of a core, balanced').map((cells) => cells[2])).toEqual([
    expect.stringMatching(/^3\.00 \[2\.\d\d, 3\.\d\d\]$/),
    expect.stringMatching(/^0\.25 \[0\.2\d, 0\.2\d\]$/),
  ])
  expect(cellsOf('stage2, light, 0.1 of a core, single').map((cells) => cells[2]!.slice(0, 4))).toEqual(['2.00', '0.25'])
  expect(cellsOf('stage2, light, 0.1 of a core')[0]!.map((gain) => gain.split(' ')[0])).toEqual(['+70.6', '+155.9'])
  // B has no such runs.
  expect(cellsOf('stage2, stress, 0.1 of a core, single')[0]!.slice(1)).toEqual(['–', '–'])
  expect(cellsOf('stage2, stress, 0.1 of a core')[0]![1]).toBe('–')
})

test('a comparison names what the two runs differ in, beside the machine', () => {
  const { machine, options } = exampleRecord()
  const other = exampleRecord({
    options: { ...options, isQuick: !options.isQuick, runtime: 'compose' },
    machine: { ...machine, cpuLimit: 'another', versions: { ...machine.versions, node: '0.0.1' } },
  })
  const text = markdownDocument(comparisonOf(exampleRecord(), other))
  for (const found of ['**Measured differently**', 'runtime: A', 'length: A', 'CPU shares: A', 'node: A']) expect(text).toContain(found)
  expect(markdownDocument(comparisonOf(other, other))).not.toContain('Measured differently')
})

describe('the conclusions in words', () => {
  const said = (record: BenchRecord): string => conclusionSentences(record).join('\n')

  test('turn round with the record, and name no gain where there is none', () => {
    expect(said(exampleRecord())).toContain('Load balancing increases goodput under light, medium, intensive, stress.')
    const swapped = exampleRecord().repetitions.map((one) => ({
      ...one,
      configuration: one.configuration === 'balanced' ? ('single' as const) : ('balanced' as const),
    }))
    expect(said(exampleRecord({ repetitions: swapped }))).toContain(
      'Load balancing reduces goodput under light, medium, intensive, stress.',
    )
    expect(said(exampleRecord({ repetitions: swapped }))).not.toContain('increases goodput')
  })

  test('name no winner where the same differs from itself, the generator was the limit, or the difference is below the noise', () => {
    const busy = exampleRecord().repetitions.map((one) => ({ ...one, isGeneratorBottleneck: true, generatorCpuS: one.durationS }))
    for (const record of [
      exampleRecord({ noiseFloor: NOISY }),
      exampleRecord({ noiseFloor: COARSE }),
      exampleRecord({ repetitions: busy }),
    ]) {
      expect(said(record)).not.toContain('Load balancing increases goodput')
      expect(markdownDocument(benchReport(record))).not.toMatch(/^- \*\*Load balancing, .*: × /m)
    }
    expect(said(exampleRecord({ noiseFloor: COARSE }))).toContain('No difference can be shown under light, medium, intensive, stress.')
    expect(said(exampleRecord({ noiseFloor: NOISY }))).toContain(
      'Nothing can be concluded about light, medium, intensive, stress: the same configuration',
    )
  })

  test('keep the loads that have pairs when another one has none', () => {
    const record = exampleRecord()
    const repetitions = record.repetitions.map((one) => (one.load === 'light' ? { ...one, brokenBecause: 'ended' } : one))
    expect(said(exampleRecord({ repetitions }))).toContain('Load balancing increases goodput under medium, intensive, stress.')
  })

  test('praise the pool only when it had no errors', () => {
    expect(said(exampleRecord())).toContain('a matter of connections')
    const failing = exampleRecord().aggregates.map((run) => ({ ...run, otherErrors: 1 }))
    expect(said(exampleRecord({ aggregates: failing }))).not.toContain('a matter of connections')
  })

  test('are none of a record without measurements', () => {
    expect(conclusionSentences(exampleRecord(EMPTY))).toEqual([])
  })
})

test('RESULTS names the machine, every claim and every objection', () => {
  const page = resultsPage(exampleRecord())
  expect(page).toContain('Example CPU @ 2.40GHz')
  for (const claimed of [
    'requests/s +20.6 % under light | 6.2 ',
    'requests/s +41.8 % under light | 6.4 ',
    'requests/s +55.2 % under medium | 6.4 ',
    'requests/s +67.3 % under intensive | 6.3.1, 6.4 ',
    'requests/s +75.9 % under stress | 6.4 ',
    'mean latency −16.4 % under light | 6.2 ',
    'mean latency −40.2 % under intensive | 6.3.1 ',
    'median latency −39.2 % under intensive | 6.3.1 ',
    'p90 latency −37.4 % under intensive | 6.3.1 ',
    'transfer rate +117.7 % under light | 6.2 ',
    'transfer rate +239.7 % under intensive | 6.3.1 ',
    '0.05 % errors with load balancing, 3.25 % without | 8.1 ',
    '3.1 times faster across three servers at 500 parallel aggregates | 6.3.2 ',
  ])
    expect(page).toContain(`| ${claimed}`)
  for (const number of [1, 2, 3, 4, 5, 6]) expect(page).toContain(`| ${number}. `)
  expect(page).not.toContain(`| ${HOSTILE}`)
})

const PROGRAMS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/usr/bin/google-chrome-stable']
const program = process.env['RELAIS_CHROMIUM'] ?? PROGRAMS.find((file) => existsSync(file))
if (program === undefined)
  console.log(`The tests of the report in a browser skip: ${process.env['RELAIS_NO_CHROMIUM'] ?? 'no Chromium or Chrome was found'}.`)

describe.skipIf(program === undefined)('the report in a browser', () => {
  let browser: Browser
  beforeAll(async () => {
    const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
    browser = await chromium.launch({ executablePath: program!, args })
  })
  afterAll(() => browser?.close())

  test.each([
    [375, 'light'],
    [375, 'dark'],
    [1_280, 'light'],
    [1_280, 'dark'],
  ] as const)('fits %d px in the %s scheme, complains of nothing and asks for nothing', async (width, colorScheme) => {
    const { file } = await written(`browser-${width}-${colorScheme}`, exampleRecord())
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme })
    const complaints: string[] = []
    const own = pathToFileURL(file).href
    page.on('console', (message) => complaints.push(`console: ${message.text()}`))
    page.on('pageerror', (error) => complaints.push(`error: ${error.message}`))
    page.on('request', (request) => {
      if (request.url() !== own && !request.url().startsWith('data:')) complaints.push(`asked for ${request.url()}`)
    })
    await page.goto(own)
    const overflow = await page.evaluate(() => {
      const { document } = globalThis as any
      return (document.documentElement.scrollWidth as number) - (document.documentElement.clientWidth as number)
    })
    expect(overflow).toBe(0)
    expect(await page.locator('figure svg:visible').count()).toBe(await page.locator('figure').count())
    const bar = page.locator('figure svg:visible path[fill^="var(--balanced"]').first()
    const fill = await bar.evaluate((element: any) => (globalThis as any).getComputedStyle(element).fill as string)
    expect(fill).toBe(colorScheme === 'light' ? 'rgb(52, 70, 201)' : 'rgb(157, 171, 255)')
    const shots = process.env['RELAIS_SCREENSHOTS']
    if (shots !== undefined) await page.screenshot({ path: path.join(shots, `report-${width}-${colorScheme}.png`), fullPage: true })
    await page.close()
    expect(complaints).toEqual([])
  })

  test('keeps the keys of its legends apart where the system forces its own colours', async () => {
    const { file } = await written('browser-forced', exampleRecord())
    const coloursUnder = async (forcedColors: 'active' | 'none'): Promise<string[]> => {
      const page = await browser.newPage({ forcedColors, colorScheme: 'light' })
      await page.goto(pathToFileURL(file).href)
      const colours = await page
        .locator('.key')
        .evaluateAll((keys: any[]) => keys.map((key) => (globalThis as any).getComputedStyle(key).borderTopColor as string))
      await page.close()
      return colours
    }
    const colours = await coloursUnder('none')
    expect(new Set(colours).size).toBeGreaterThan(1)
    expect(await coloursUnder('active')).toEqual(colours)
  })
})
