/**
 * The histogram of request durations, counted in plain arrays and turned into Prometheus' form when somebody asks.
 *
 * prom-client sorts and hashes the labels of every observation, which costs more than the observation; here a known set
 * of labels is one map look-up away, and the registry gets the sums at each scrape.
 */
import type { Registry } from 'prom-client'

const NAME = 'relais_http_request_duration_seconds'
const HELP = 'Time from the request line to the answer, by method, route and status.'
/** Upper bounds in milliseconds. */
const BUCKETS_MS = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000]

interface Series {
  readonly labels: { readonly method: string; readonly route: string; readonly status: number }
  /** One more than there are bounds: the last counts what is above them all. */
  readonly counts: Float64Array
  sumMs: number
}

interface Value {
  readonly metricName: string
  readonly value: number
  readonly labels: Record<string, string | number>
}

export class RequestDurations {
  readonly #series = new Map<string, Series>()

  observe(method: string, route: string, status: number, durationMs: number): void {
    const key = `${method} ${route} ${status}`
    let series = this.#series.get(key)
    if (!series) {
      series = { labels: { method, route, status }, counts: new Float64Array(BUCKETS_MS.length + 1), sumMs: 0 }
      this.#series.set(key, series)
    }
    let bucket = 0
    while (bucket < BUCKETS_MS.length && durationMs > BUCKETS_MS[bucket]!) bucket++
    series.counts[bucket]!++
    series.sumMs += durationMs
  }

  registerWith(registry: Registry): void {
    const get = async (): Promise<object> => {
      return { name: NAME, help: HELP, type: 'histogram', aggregator: 'sum', values: [...this.#series.values()].flatMap(valuesOf) }
    }
    registry.registerMetric({ name: NAME, get, reset: () => this.#series.clear() } as never)
  }
}

function valuesOf({ labels, counts, sumMs }: Series): Value[] {
  const values: Value[] = []
  let cumulative = 0
  for (const [index, count] of counts.entries()) {
    cumulative += count
    const le = index < BUCKETS_MS.length ? BUCKETS_MS[index]! / 1000 : '+Inf'
    values.push({ metricName: `${NAME}_bucket`, labels: { ...labels, le }, value: cumulative })
  }
  values.push({ metricName: `${NAME}_sum`, labels: { ...labels }, value: sumMs / 1000 })
  values.push({ metricName: `${NAME}_count`, labels: { ...labels }, value: cumulative })
  return values
}
