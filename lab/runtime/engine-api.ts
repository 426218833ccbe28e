/**
 * The engine's own HTTP interface, for what Docker's command line cannot be asked: a container's counters as they stand.
 *
 *   docker context inspect ─▶ unix:///var/run/docker.sock or tcp://… ─▶ GET /vVERSION/containers/ID/stats?one-shot=true
 *
 * (!) The version is the engine's own, asked once: each engine refuses what it finds too old (Docker 29 everything below 1.44).
 * (!) `docker stats` shows CPU as a percentage of the last second and takes two to find it; a benchmark needs the sum, at two moments.
 * Source: Docker Engine API, ContainerStats; `one-shot` since 1.41.
 */
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { failed } from '../failure.ts'
import { docker } from './compose-engine.ts'

export interface ContainerUse {
  /** On all cores, since the container started. */
  readonly cpuS: number
  readonly memoryMiB: number
}

const ANSWER_MS_MAX = 5_000
const NS_PER_S = 1e9
const BYTES_PER_MIB = 1024 * 1024

const statisticsShape = z.object({
  cpu_stats: z.object({ cpu_usage: z.object({ total_usage: z.number() }) }),
  memory_stats: z.object({ usage: z.number().optional(), stats: z.record(z.string(), z.number()).optional() }),
})

export class EngineApi {
  readonly #where: { readonly socketPath: string } | { readonly host: string; readonly port: string }

  readonly #version: string

  /** `endpoint` is unix:// or tcp:// without TLS; `version` the engine's, "1.41". */
  constructor(endpoint: string, version: string) {
    const url = new URL(endpoint)
    this.#version = version
    this.#where = url.protocol === 'unix:' ? { socketPath: url.pathname } : { host: url.hostname, port: url.port }
  }

  /** The engine that `docker` talks to; rejects where it is reached by ssh, TLS or a pipe of Windows. */
  static async find(): Promise<EngineApi> {
    const endpoint =
      process.env['DOCKER_HOST'] || (await docker(['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}'], 10_000)).trim()
    if (!/^(unix|tcp):\/\//.test(endpoint) || process.env['DOCKER_TLS_VERIFY'])
      throw failed(`Failed to ask the engine for its counters: found ${endpoint || 'no endpoint'}, expected unix:// or tcp:// without TLS.`)
    return new EngineApi(endpoint, (await docker(['version', '--format', '{{.Server.APIVersion}}'], 10_000)).trim())
  }

  /** `undefined` for a container that does not run, or is gone; rejects with the engine's words when it refuses. */
  async use(id: string): Promise<ContainerUse | undefined> {
    const { status, body } = await this.#get(`/v${this.#version}/containers/${id}/stats?stream=false&one-shot=true`)
    if (status === 404) return undefined
    if (status !== 200) throw failed(`Failed to ask the engine for a container's counters: got ${status} (${body.trim()}), expected 200.`)
    return parseUse(body)
  }

  #get(path: string): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const asked = request({ ...this.#where, path, signal: AbortSignal.timeout(ANSWER_MS_MAX) }, (answer) => {
        text(answer).then((body) => resolve({ status: answer.statusCode!, body }), reject)
      })
      asked.once('error', reject).end()
    })
  }
}

/** As `docker stats` counts memory: without what the page cache would give back at once. A container that has ended has no counters. */
export function parseUse(body: string): ContainerUse | undefined {
  const { cpu_stats, memory_stats } = statisticsShape.parse(JSON.parse(body))
  const { usage, stats = {} } = memory_stats
  if (usage === undefined) return undefined
  const cache = stats['total_inactive_file'] ?? stats['inactive_file'] ?? 0
  return { cpuS: cpu_stats.cpu_usage.total_usage / NS_PER_S, memoryMiB: Math.max(0, usage - cache) / BYTES_PER_MIB }
}
