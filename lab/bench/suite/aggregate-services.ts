/**
 * The services of the aggregate test and the load balancer before them, started for it and ended after it.
 *
 * They end with the lab, also when it is killed: a service by its channel to it, Nginx by a shell that waits for the lab's end.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync } from 'node:fs'
import path from 'node:path'
import getPort from 'get-port'
import { serviceEnvironment } from '@relais/stage2-postgres/cluster/connect.ts'
import type { Cluster } from '@relais/stage2-postgres/cluster/cluster.ts'
import { failed } from '../../failure.ts'
import { DEFAULT_POLICY, nginxCommand, writeNginxFiles } from '../../runtime/nginx-files.ts'
import { isServing } from '../../runtime/readiness.ts'
import { REPOSITORY } from '../../runtime/stage-directory.ts'
import type { LoadBalancer, Node, Topology } from '../../topology.ts'

const ENTRY = path.join(import.meta.dirname, 'aggregate-service.ts')
const CONF = 'aggregate-lb.conf'
const START_MS_MAX = 15_000
const WITH_THE_LAB = '"$0" "$@" & read -r never; kill "$!"; wait'

export class AggregateServices {
  readonly #children: ChildProcess[] = []
  #primaryUrl = ''
  #balancerUrl = ''

  /** `prefix` is an empty directory for Nginx. */
  static async start(topology: Topology, cluster: Cluster, prefix: string): Promise<AggregateServices> {
    const services = new AggregateServices()
    try {
      await services.#start(topology, cluster, prefix)
      return services
    } catch (error) {
      await services.stop()
      throw error
    }
  }

  /** The service beside the primary, without a load balancer. */
  get primaryUrl(): string {
    return this.#primaryUrl
  }

  /** db-lb's way over all three. */
  get balancerUrl(): string {
    return this.#balancerUrl
  }

  async stop(): Promise<void> {
    const running = this.#children.filter((child) => child.exitCode === null && child.signalCode === null)
    const endings = running.map((child) => once(child, 'exit'))
    for (const child of running) {
      if (child.connected) child.disconnect()
      else child.stdin?.end()
    }
    await Promise.all(endings)
  }

  async #start(topology: Topology, cluster: Cluster, prefix: string): Promise<void> {
    const nodes: Node[] = []
    for (const node of topology.nodes.filter(({ tier }) => tier === 'db')) {
      const port = await getPort()
      nodes.push({ ...node, port, url: `http://${topology.host}:${port}` })
      await this.#startService(node, port, cluster)
    }
    const port = await getPort()
    const balancer: LoadBalancer = { name: 'db-lb', tier: 'db', port, url: `http://${topology.host}:${port}` }
    writeNginxFiles({ ...topology, nodes, loadBalancers: [balancer] }, balancer, prefix, DEFAULT_POLICY.db)
    copyFileSync(path.join(import.meta.dirname, CONF), path.join(prefix, 'conf', CONF))
    await this.#startNginx(balancer, prefix)
    this.#primaryUrl = nodes.find(({ role }) => role === 'primary')!.url
    this.#balancerUrl = balancer.url
  }

  async #startService(node: Node, port: number, cluster: Cluster): Promise<void> {
    const server = cluster.nodes.find(({ name }) => name === node.name)!
    const env = { ...process.env, ...serviceEnvironment(server), RELAIS_NAME: node.name, RELAIS_PORT: String(port) }
    const child = spawn(process.execPath, [ENTRY], { cwd: REPOSITORY, env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    this.#children.push(child)
    const timeout = AbortSignal.timeout(START_MS_MAX)
    const isListening = await Promise.race([
      once(child, 'message', { signal: timeout }).then(() => true),
      once(child, 'exit', { signal: timeout }).then(() => false),
    ])
    if (!isListening)
      throw failed(`Failed to start the aggregate service of ${node.name}: it ended, expected it to listen on port ${port}.`)
  }

  async #startNginx(balancer: LoadBalancer, prefix: string): Promise<void> {
    const { command, args } = nginxCommand(balancer, prefix)
    const ours = args.map((arg) => (arg === `conf/${balancer.name}.conf` ? `conf/${CONF}` : arg))
    const child = spawn('/bin/sh', ['-c', WITH_THE_LAB, command, ...ours], { cwd: prefix, stdio: ['pipe', 'ignore', 'inherit'] })
    this.#children.push(child)
    const giveUpAtMs = performance.now() + START_MS_MAX
    while (!(await isServing({ tier: 'lb', url: balancer.url }))) {
      if (performance.now() > giveUpAtMs || child.exitCode !== null)
        throw failed(`Failed to start the aggregate test's load balancer on port ${balancer.port}; its log is in ${prefix}/logs.`)
    }
  }
}
