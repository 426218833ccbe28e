/**
 * Are the ports free, and if not, who has them?
 *
 * Asked before anything starts: a stage that finds its ninth port taken after eight services are up has to undo eight
 * starts, and "EADDRINUSE" in a log names neither the port's purpose nor its holder.
 * Source for the holder: proc_pid_net(5), /proc/net/tcp.
 */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { failed } from '../failure.ts'
import type { Topology } from '../topology.ts'

export interface TakenPort {
  readonly name: string
  readonly port: number
  /** `undefined` where the operating system does not tell us. */
  readonly holder: { readonly pid: number; readonly program: string } | undefined
}

/** Tries to listen on every port, all at the same time; returns those that it could not get. */
export async function findTakenPorts(host: string, ports: ReadonlyMap<string, number>): Promise<readonly TakenPort[]> {
  const checks = [...ports].map(async ([name, port]) => ((await canListen(host, port)) ? [] : [{ name, port, holder: findHolder(port) }]))
  return (await Promise.all(checks)).flat()
}

function canListen(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

const TCP_LISTEN = '0A'

function findHolder(port: number): TakenPort['holder'] {
  if (process.platform !== 'linux') return undefined
  const inodes = new Set([...listeningInodes('/proc/net/tcp', port), ...listeningInodes('/proc/net/tcp6', port)])
  if (inodes.size === 0) return undefined
  for (const pid of readNames('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const descriptor of readNames(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(readLink(`/proc/${pid}/fd/${descriptor}`))?.[1]
      if (inode && inodes.has(inode)) return { pid: Number(pid), program: programOf(pid) }
    }
  }
  return undefined
}

function listeningInodes(file: string, port: number): string[] {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0')
  const rows = readText(file).split('\n').slice(1)
  return rows.flatMap((row) => {
    const [, local, , state, , , , , , inode] = row.trim().split(/\s+/)
    return state === TCP_LISTEN && local?.endsWith(`:${hexPort}`) && inode ? [inode] : []
  })
}

function programOf(pid: string): string {
  return readText(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim().slice(0, 80) || readText(`/proc/${pid}/comm`).trim()
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function readNames(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

function readLink(file: string): string {
  try {
    return readlinkSync(file)
  } catch {
    return ''
  }
}

/** Rejects when one of these ports of the stage is taken, saying by whom. */
export async function refuseTakenPorts(topology: Topology, ports: ReadonlyMap<string, number>): Promise<void> {
  const [taken, ...more] = await findTakenPorts(topology.host, ports)
  if (!taken) return
  const by = taken.holder ? `pid ${taken.holder.pid}: ${taken.holder.program}` : 'another process'
  const others = more.length > 0 ? `, and ${more.length} more (${more.map(({ port }) => port).join(', ')})` : ''
  throw failed(
    `Failed to start ${topology.stage}: port ${taken.port} of ${taken.name} is taken by ${by}${others}.\n` +
      `End it, or choose another port: --port ${topology.stage}/${taken.name}=PORT, or --port-offset N for all.`,
  )
}
