/**
 * Debian's Prometheus with compose/monitoring's own configuration and rules, over services that run natively, on a fast clock.
 *
 *   prometheus.yaml ─▶ every duration a fifth, every target's address ─▶ 127.0.0.1:PORT ─▶ prometheus
 *   rules.yaml ──────▶ every duration a fifth ────────────────────────────────┘
 *
 * Names, labels and expressions stay as they are: a target is still called stage1-db2:18008 when its labels are made, only where
 * it is asked changes. A rule that needs a minute needs twelve seconds here, so that a test can wait for it.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import getPort from 'get-port'
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import { ask } from './ask.ts'
import { read } from './monitoring-files.ts'
import { PROMETHEUS } from './monitoring-programs.ts'

/** How much faster than in production everything happens that has a duration. */
const SPEED = 5
/** What Grafana makes of $__rate_interval: four times the scrape interval of the source. */
const RATE_INTERVAL_S = (4 * 5) / SPEED
const ANSWER_MS_MAX = 5_000

const scrapeFile = z.looseObject({
  global: z.record(z.string(), z.string()),
  scrape_configs: z.array(z.looseObject({ relabel_configs: z.array(z.unknown()).default([]) })),
})
const seriesShape = z.object({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) })
const vectorShape = z.object({ data: z.object({ result: z.array(seriesShape) }) })
const targetsShape = z.object({
  data: z.object({
    activeTargets: z.array(z.object({ discoveredLabels: z.record(z.string(), z.string()), health: z.string(), lastError: z.string() })),
  }),
})
const alertsShape = z.object({
  data: z.object({
    alerts: z.array(
      z.object({ labels: z.record(z.string(), z.string()), state: z.string(), annotations: z.record(z.string(), z.string()) }),
    ),
  }),
})

export type Alert = z.infer<typeof alertsShape>['data']['alerts'][number]

/** `host:port` of this machine by the address that prometheus.yaml names. */
export type Places = ReadonlyMap<string, string>

export class LivePrometheus {
  readonly #url: string
  readonly #directory: string
  readonly #child: ChildProcess

  private constructor(directory: string, port: number) {
    this.#url = `http://127.0.0.1:${port}`
    this.#directory = directory
    const args = ['--config.file=prometheus.yaml', '--storage.tsdb.path=data', `--web.listen-address=127.0.0.1:${port}`]
    this.#child = spawn(PROMETHEUS!, args, { cwd: directory, stdio: 'ignore' })
  }

  static async start(places: Places): Promise<LivePrometheus> {
    const directory = mkdtempSync(path.join(tmpdir(), 'relais-prometheus-'))
    writeFileSync(path.join(directory, 'prometheus.yaml'), configurationOver(places))
    writeFileSync(path.join(directory, 'rules.yaml'), rulesOnTheFastClock())
    return new LivePrometheus(directory, await getPort())
  }

  /** The addresses in prometheus.yaml that did not answer when they were last asked, each with the reason. */
  async targetsNotUp(): Promise<string[]> {
    const { activeTargets } = (await this.#get('/api/v1/targets?state=active', targetsShape)).data
    const unwell = activeTargets.filter(({ health }) => health !== 'up')
    return unwell.map(({ discoveredLabels, health, lastError }) => `${discoveredLabels['__address__']}: ${health} ${lastError}`)
  }

  /** What an expression of a rule or a panel is now; the dashboard's variables stand for everything. */
  async query(expression: string): Promise<readonly z.infer<typeof seriesShape>[]> {
    const filled = expression.replaceAll('$stage', '.*').replaceAll('$__rate_interval', `${RATE_INTERVAL_S}s`)
    return (await this.#get(`/api/v1/query?query=${encodeURIComponent(filled)}`, vectorShape)).data.result
  }

  async firing(): Promise<readonly Alert[]> {
    const { alerts } = (await this.#get('/api/v1/alerts', alertsShape)).data
    return alerts.filter(({ state }) => state === 'firing')
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'exit')
      this.#child.kill('SIGKILL')
      await ended
    }
    rmSync(this.#directory, { recursive: true, force: true })
  }

  async #get<T>(route: string, shape: z.ZodType<T>): Promise<T> {
    const { status, text, json } = await ask(`${this.#url}${route}`, { deadlineMs: ANSWER_MS_MAX })
    if (status !== 200) throw new Error(`Prometheus answered ${status} to ${decodeURIComponent(route)}: ${text.slice(0, 300)}`)
    return shape.parse(json)
  }
}

function configurationOver(places: Places): string {
  const { global, scrape_configs, ...rest } = scrapeFile.parse(parse(read('prometheus.yaml')))
  const moves = [...places].map(([address, place]) => ({
    source_labels: ['__address__'],
    regex: address,
    target_label: '__address__',
    replacement: place,
  }))
  const timing = Object.fromEntries(Object.entries(global).map(([name, text]) => [name, faster(text)]))
  // A scrape may take as long as the interval: on a busy machine one that is late is no instance that is down.
  const fast = { ...timing, scrape_timeout: timing['scrape_interval'] }
  // Last of all, when the labels have been made of the address.
  const jobs = scrape_configs.map((job) => ({ ...job, relabel_configs: [...job.relabel_configs, ...moves] }))
  return stringify({ ...rest, global: fast, scrape_configs: jobs })
}

/** Ranges and `for`; nothing else in the file is a duration. */
function rulesOnTheFastClock(): string {
  return read('rules.yaml')
    .replaceAll(/\[(\d+[smh])\]/g, (_, text: string) => `[${faster(text)}]`)
    .replaceAll(/^(\s+for: )(\d+[smh])$/gm, (_, before: string, text: string) => `${before}${faster(text)}`)
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 }

function faster(text: string): string {
  return `${(Number.parseInt(text, 10) * UNIT_MS[text.at(-1)!]!) / SPEED}ms`
}
