/** A service's metrics in Prometheus' text format: one registry, what every service counts, and what a tier adds. */
import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client'
import { RequestDurations } from './request-durations.ts'

export interface Sample<Label extends string> {
  readonly labels: Record<Label, string>
  readonly value: number
}

export class Metrics {
  readonly registry = new Registry()
  readonly requests = new RequestDurations()

  constructor(stage: string, name: string, inFlight: () => number) {
    this.registry.setDefaultLabels({ stage, instance: name })
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: 20 })
    this.requests.registerWith(this.registry)
    this.gauge('relais_http_requests_in_flight', 'Requests being worked on.', inFlight)
  }

  counter<Label extends string = never>(name: string, help: string, labelNames: Label[] = []): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: [this.registry] })
  }

  /** A counter that is kept elsewhere, and read when somebody asks. */
  total(name: string, help: string, read: () => number): void {
    new Counter({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.reset()
        this.inc(read())
      },
    })
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

  /** One value for each set of labels, read when somebody asks; a set that is no longer told is gone. */
  gauges<Label extends string>(name: string, help: string, labelNames: Label[], read: () => Promise<readonly Sample<Label>[]>): void {
    new Gauge({
      name,
      help,
      labelNames,
      registers: [this.registry],
      async collect() {
        const samples = await read()
        this.reset()
        for (const { labels, value } of samples) this.set(labels, value)
      },
    })
  }

  text(): Promise<string> {
    return this.registry.metrics()
  }
}
