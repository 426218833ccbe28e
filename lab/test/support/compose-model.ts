/**
 * The compose files as one model, read without an engine: `include` followed, YAML's merge keys applied.
 *
 * What this reader does not resolve it refuses, rather than let a check look past it: `extends`, and an include that is
 * anything but a path.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { REPOSITORY } from '../../runtime/stage-directory.ts'

const listOrMap = z.union([z.array(z.string()), z.record(z.string(), z.unknown())])
const limits = z.object({ cpus: z.unknown(), memory: z.unknown(), pids: z.unknown() }).partial()

const service = z
  .looseObject({
    extends: z.undefined('this reader does not resolve "extends"; use YAML anchors'),
    image: z.string(),
    build: z.unknown(),
    user: z.string(),
    read_only: z.boolean(),
    privileged: z.boolean(),
    cap_drop: z.array(z.string()),
    cap_add: z.array(z.string()),
    security_opt: z.array(z.string()),
    network_mode: z.string(),
    pid: z.string(),
    ipc: z.string(),
    networks: listOrMap,
    ports: z.array(z.union([z.string(), z.number(), z.looseObject({ host_ip: z.string().optional() })])),
    environment: listOrMap,
    volumes: z.array(z.union([z.string(), z.looseObject({ source: z.string().optional(), read_only: z.boolean().optional() })])),
    logging: z.looseObject({ driver: z.string().optional(), options: z.record(z.string(), z.unknown()).optional() }),
    healthcheck: z.looseObject({ test: z.unknown(), disable: z.boolean().optional() }),
    restart: z.string(),
    profiles: z.array(z.string()),
    mem_limit: z.unknown(),
    cpus: z.unknown(),
    pids_limit: z.unknown(),
    deploy: z.looseObject({ resources: z.looseObject({ limits: limits.optional() }).optional() }),
    /** Why what the checks ask for does not apply. */
    'x-runs-as-root-because': z.string().min(20),
    'x-no-healthcheck-because': z.string().min(20),
    'x-writable-because': z.string().min(20),
  })
  .partial()
export type ComposeService = z.infer<typeof service>

const file = z.looseObject({
  include: z.array(z.string()).optional(),
  services: z.record(z.string(), service).default({}),
  networks: z.record(z.string(), z.looseObject({ internal: z.boolean().optional() }).nullable()).default({}),
  secrets: z.record(z.string(), z.looseObject({ file: z.string().optional() })).default({}),
})

export interface ComposeModel {
  /** Paths from the repository's root, the given file first. */
  readonly files: readonly string[]
  readonly services: ReadonlyMap<string, ComposeService>
  readonly networks: ReadonlyMap<string, { readonly internal?: boolean | undefined } | null>
}

/** `name` is a path from the repository's root. Throws, naming the file, where it is not as this reader knows it. */
export function readCompose(name: string): ComposeModel {
  const files = [name]
  const services = new Map<string, ComposeService>()
  const networks = new Map<string, { internal?: boolean | undefined } | null>()
  for (const found of files) {
    const parsed = file.safeParse(parse(readFileSync(path.join(REPOSITORY, found), 'utf8'), { merge: true }))
    if (!parsed.success) throw new Error(`Failed to read ${found}: ${z.prettifyError(parsed.error)}`)
    for (const included of parsed.data.include ?? []) files.push(path.posix.join(path.posix.dirname(found), included))
    for (const [key, value] of Object.entries(parsed.data.services)) services.set(key, value)
    for (const [key, value] of Object.entries(parsed.data.networks)) networks.set(key, value)
  }
  return { files, services, networks }
}

/** The networks of a service, in either form; `default` where it names none. */
export function networksOf({ networks, network_mode }: ComposeService): readonly string[] {
  if (network_mode !== undefined) return []
  if (networks === undefined) return ['default']
  return Array.isArray(networks) ? networks : Object.keys(networks)
}

/** The variables of a service, in either form. */
export function environmentOf({ environment = [] }: ComposeService): ReadonlyMap<string, string> {
  if (!Array.isArray(environment)) return new Map(Object.entries(environment).map(([key, value]) => [key, String(value ?? '')]))
  return new Map(environment.map((line) => [line.split('=', 1)[0]!, line.slice(line.indexOf('=') + 1)]))
}
