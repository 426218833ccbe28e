/**
 * The exporters of compose/monitoring as processes: one for each PostgreSQL server, and all load balancers behind one address.
 *
 * Debian 12's exporter of Nginx asks one server where the official image asks six: so there are six, each told its address as a
 * label, and their answers are put together here.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import getPort from 'get-port'
import { ask } from './ask.ts'
import { NGINX_EXPORTER, POSTGRES_EXPORTER } from './monitoring-programs.ts'

export interface WatchedBalancer {
  /** As compose/monitoring/compose.yaml names its status page. */
  readonly address: string
  /** Where it really is. */
  readonly url: string
}

export class Exporters {
  readonly #children: ChildProcess[] = []
  readonly #servers: Server[] = []

  /** Each resolves to the `host:port` that Prometheus is to ask. */
  ofPostgres(port: number, passwordFile: string): Promise<string> {
    return this.#start(POSTGRES_EXPORTER!, [], {
      DATA_SOURCE_URI: `127.0.0.1:${port}/relais?sslmode=disable&connect_timeout=2`,
      DATA_SOURCE_USER: 'relais_monitor',
      DATA_SOURCE_PASS_FILE: passwordFile,
    })
  }

  async ofNginx(balancers: readonly WatchedBalancer[]): Promise<string> {
    const places: string[] = []
    for (const { address, url } of balancers)
      places.push(await this.#start(NGINX_EXPORTER!, [`--nginx.scrape-uri=${url}`, `--prometheus.const-labels=addr=${address}`], {}))
    const server = createServer((_, outgoing) => void gather(places).then((text) => outgoing.end(text)))
    this.#servers.push(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return `127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  stop(): void {
    for (const server of this.#servers) server.close()
    for (const child of this.#children) child.kill('SIGKILL')
  }

  async #start(program: string, args: readonly string[], environment: Record<string, string>): Promise<string> {
    const place = `127.0.0.1:${await getPort()}`
    const child = spawn(program, [`--web.listen-address=${place}`, ...args], { env: { ...process.env, ...environment }, stdio: 'ignore' })
    this.#children.push(child)
    await once(child, 'spawn')
    return place
  }
}

/** What they tell of Nginx; of themselves they would all tell the same series. */
async function gather(places: readonly string[]): Promise<string> {
  const texts = await Promise.all(
    places.map((place) =>
      ask(`http://${place}/metrics`).then(
        ({ text }) => text,
        () => '',
      ),
    ),
  )
  return `${texts.flatMap((text) => text.split('\n').filter((line) => line.startsWith('nginx_'))).join('\n')}\n`
}
