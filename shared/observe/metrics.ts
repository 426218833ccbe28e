/**
 * Counters and histograms in Prometheus' text format, one registry a service.
 *
 * prom-client looks a label set up by hashing it, which costs more than the observation; the request path therefore
 * keeps the resolved children of the few label sets that occur.
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'

export class Metrics {
  readonly registry = new Registry()
  readonly #requests: Histogram<'method' | 'route' | 'status'>
  readonly #children = new Map<string, Histogram.Internal<string>>()

  constructor(stage: string, name: string, inFlight: () => number) {
    this.registry.setDefaultLabels({ stage, instance: name })
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: 20 })
    this.#requests = new Histogram({
      name: 'relais_http_request_duration_seconds',
      help: 'Time from the request line to the answer, by method, route and status.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers: [this.registry],
    })
    this.gauge('relais_http_requests_in_flight', 'Requests being worked on.', inFlight)
  }

  observeRequest(method: string, route: string, status: number, durationMs: number): void {
    const key = `${method} ${route} ${status}`
    let child = this.#children.get(key)
    if (!child) {
      child = this.#requests.labels(method, route, String(status))
      this.#children.set(key, child)
    }
    child.observe(durationMs / 1000)
  }

  counter<Label extends string = never>(name: string, help: string, labelNames: Label[] = []): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: [this.registry] })
  }

  /** A value that is read when somebody asks. */
  gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read())
      },
    })
  }

  text(): Promise<string> {
    return this.registry.metrics()
  }
}
